"""Files of one column that a model makes of prompts, and pictures among them."""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fabula.errors import PrerequisiteError, SourceError
from fabula.kinds.image import Image
from fabula.llm.providers.media import MediaModel, media_model
from fabula.media.asking import Asker, Found, Open
from fabula.media.making import AbstractMaker, DocumentRow
from fabula.media.probing import UnreadableError, picture_of
from fabula.planning.templates import environment
from fabula.spec.models import ModelSpec

_FORMS = {"png": "PNG", "jpg": "JPEG"}


class AbstractPromptMaker(AbstractMaker):
    """Makes the files of one column from prompts; those of a folder are asked for at the same time.

    Raises:
        UsageError: There is no such model.
    """

    def __init__(
        self,
        folder: Path,
        table: str,
        column: str,
        prompt: str,
        *,
        model: MediaModel,
        open_model: Open,
        retries: int,
    ) -> None:
        super().__init__(folder, table, column)
        self._asker = Asker(model, open_model, self._judge, retries)
        self._template = environment().from_string(prompt)
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

    def _answered(self, row: DocumentRow, model: str) -> tuple[dict[str, Any], bytes | None]:
        """What is told of a row, and the bytes, if any came."""
        found = self._found.pop(row.number)
        told: dict[str, Any] = {
            "table": self._table,
            "row": row.number,
            "prompt": self._prompt(row),
            "model": model,
            "tries": found.tries,
            **({"calls": list(found.calls)} if found.calls else {}),
        }
        if not found.digest:
            return told | {"missing": found.problem, "files": []}, None
        return told, self._asker.content(found)

    @abstractmethod
    def _judge(self, content: bytes) -> None:
        """Refuse a file that is broken or other than wanted."""

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


class ImageMaker(AbstractPromptMaker):
    """Makes the pictures of one column.

    Raises:
        UsageError: There is no such model.
    """

    def __init__(
        self,
        folder: Path,
        table: str,
        column: str,
        spec: Image,
        *,
        model: str | ModelSpec,
        open_model: Open,
    ) -> None:
        fields: dict[str, Any] = {"response_format": "b64_json"}
        fields["output_format"] = {"jpg": "jpeg"}.get(spec.format, spec.format)
        fields |= {} if spec.size is None else {"size": f"{spec.size[0]}x{spec.size[1]}"}
        fields |= {} if spec.quality is None else {"quality": spec.quality}
        self._spec = spec
        super().__init__(
            folder,
            table,
            column,
            spec.prompt,
            model=media_model("pictures", model, fields),
            open_model=open_model,
            retries=spec.retries,
        )

    def _made(self, row: DocumentRow, other: Any) -> dict[str, Any]:
        del other
        spec = self._spec
        told, content = self._answered(row, spec.model)
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
        _, size = picture_of(content)
        if self._spec.size not in (None, size):
            raise UnreadableError(f"has {size[0]} x {size[1]} pixels")


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
