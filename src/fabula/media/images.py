"""Files of one column that a model makes of prompts, and pictures among them."""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Generic, TypeVar

from fabula.errors import PrerequisiteError, SourceError
from fabula.kinds.image import Image
from fabula.kinds.video import Video
from fabula.llm.providers.media import Makes, media_model
from fabula.media.asking import Asker, Found, Open
from fabula.media.making import AbstractMaker, DocumentRow
from fabula.media.probing import UnreadableError, picture_of
from fabula.planning.templates import environment
from fabula.spec.models import ModelSpec

Wanted = TypeVar("Wanted", Image, Video)

_FORMS = {"png": "PNG", "jpg": "JPEG"}


class AbstractPromptMaker(AbstractMaker, Generic[Wanted]):
    """Makes the files of one column from prompts; those of a folder are asked for at the same time.

    Raises:
        UsageError: There is no such model.
    """

    makes: ClassVar[Makes]

    def __init__(
        self,
        folder: Path,
        table: str,
        column: str,
        spec: Wanted,
        *,
        model: str | ModelSpec,
        open_model: Open,
    ) -> None:
        super().__init__(folder, table, column)
        self._spec: Wanted = spec
        maker = media_model(self.makes, model, self._fields())
        self._asker = Asker(maker, open_model, self._judge, spec.retries)
        self._template = environment().from_string(str(spec.prompt))
        self._found: dict[int, Found] = {}

    def close(self) -> None:
        """Release the connections."""
        self._asker.close()

    def _prepare(self, rows: Sequence[DocumentRow]) -> None:
        """Ask for the files of a folder; only their digests are kept in memory.

        Each row has files of its own, also where prompts are equal.
        """
        wanted = {row.number: (self._prompt(row), row.number) for row in rows}
        self._found |= self._asker.all_found(wanted)

    def _answered(self, row: DocumentRow) -> tuple[dict[str, Any], bytes | None]:
        """What is told of a row, and the bytes, if any came."""
        found = self._found.pop(row.number)
        told: dict[str, Any] = {
            "table": self._table,
            "row": row.number,
            "prompt": self._prompt(row),
            "model": self._spec.model,
            "tries": found.tries,
            **({"calls": list(found.calls)} if found.calls else {}),
        }
        if not found.digest:
            return told | {"missing": found.problem, "files": []}, None
        return told, self._asker.content(found)

    @abstractmethod
    def _fields(self) -> dict[str, Any]:
        """What a request says beside the prompt."""

    @abstractmethod
    def _judge(self, content: bytes) -> None:
        """Refuse a file that is broken or other than wanted."""

    def _size(self) -> dict[str, str]:
        """The field of the wanted size, if one is wanted."""
        return {} if self._spec.size is None else {"size": "{}x{}".format(*self._spec.size)}

    def _check_size(self, width: int, height: int) -> None:
        if self._spec.size not in (None, (width, height)):
            raise UnreadableError(f"has {width} x {height} pixels")

    def _prompt(self, row: DocumentRow) -> str:
        """The prompt about a row; columns of parents are attributes of their reference."""
        values: dict[str, Any] = {}
        for name, value in row.fields.items():
            reference, dot, attribute = name.partition(".")
            if dot:
                values.setdefault(reference, SimpleNamespace())
                setattr(values[reference], attribute, value)
            else:
                values[name] = value
        try:
            return self._template.render(values)
        except Exception as exc:
            raise SourceError(
                f"the prompt of `{self._table}.{self._column}` fails on row {row.number}: {exc}",
                code="media.prompt",
                where=f"tables.{self._table}.columns.{self._column}.prompt",
                hint="give missing values a default: `{{ name | default('a person', true) }}`",
            ) from exc


class ImageMaker(AbstractPromptMaker[Image]):
    """Makes the pictures of one column."""

    makes = "pictures"

    def _fields(self) -> dict[str, Any]:
        spec = self._spec
        fields: dict[str, Any] = {"response_format": "b64_json"}
        fields["output_format"] = {"jpg": "jpeg"}.get(spec.format, spec.format)
        return fields | self._size() | ({} if spec.quality is None else {"quality": spec.quality})

    def _made(self, row: DocumentRow, other: Any) -> dict[str, Any]:
        del other
        spec = self._spec
        told, content = self._answered(row)
        if content is None:
            return told
        form, size = picture_of(content)
        if form != _FORMS[spec.format]:
            content = _again(content, _FORMS[spec.format])
            told["received"] = form
        written = self._written(self._path(row.number, spec.format), content)
        return told | {"files": [written | {"width": size[0], "height": size[1]}]}

    def _judge(self, content: bytes) -> None:
        """Refuse a picture that is broken or has another size."""
        self._check_size(*picture_of(content)[1])


def check_pictures() -> None:
    """Make sure that pictures can be read.

    Raises:
        PrerequisiteError: The extra `media` is missing.
    """
    if find_spec("PIL") is None:
        raise PrerequisiteError.for_extra("media", needed_by="`kind: image`")


def _again(content: bytes, form: str) -> bytes:
    """A picture in another form."""
    from PIL import Image as Pictures

    out = io.BytesIO()
    with Pictures.open(io.BytesIO(content)) as picture:
        drawn = picture.convert("RGB") if form == "JPEG" else picture
        drawn.save(out, form, **({"quality": 95} if form == "JPEG" else {}))
    return out.getvalue()
