"""What the results of all verbs can do, whatever they hold."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fabula.io.names import output_path
from fabula.io.places import make_folder, write_text
from fabula.types import Path as PathLike

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.render.svg import Drawing

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Result(ABC):
    """A result shows itself in a line (`repr`), in full (`report`), in a notebook, and in a file.

    Results that hold data write the data.
    """

    @abstractmethod
    def report(self) -> str:
        """What came out, as text for people."""

    def write(self, path: PathLike) -> object:
        """Write the result to a file: by default the report, as a page where it ends in `.html`.

        Raises:
            SinkError: The place can't be written.
        """
        place = output_path(path)
        make_folder(place.parent)
        if place.suffix.lower() in (".html", ".htm"):
            from fabula.render.pages import around

            text = around(self._body(), _WORDS.sub(" ", type(self).__name__).capitalize())
        else:
            text = f"{self.report()}\n"
        write_text(place, text)
        return place

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.report().partition(chr(10))[0]})"

    def _repr_html_(self) -> str:
        from fabula.render.pages import enclosed

        return enclosed(self._body())

    def _body(self) -> str:
        """The result as markup, for a page or a notebook's cell."""
        from fabula.render.pages import page  # only notebooks and pages need templates

        return page("report.html", text=self.report(), charts=self._charts())

    def _charts(self) -> Sequence[Drawing]:
        """The charts that lead the report."""
        return ()


class ResultOfTables(Result):
    """A result that holds tables by name."""

    tables: Mapping[str, pa.Table]

    @property
    def table(self) -> pa.Table:
        """The only table.

        Raises:
            UsageError: There are several.
        """
        from fabula.io.tables import only_table  # plans are shown without Arrow

        return only_table(self.tables)
