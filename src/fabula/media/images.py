"""Pictures of one column, asked of a model, checked, and written with the truth about them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fabula.errors import PrerequisiteError, SourceError
from fabula.kinds.image import Image
from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest, Message
from fabula.llm.providers.media import PictureModel
from fabula.llm.rows.sync import run_sync
from fabula.media.making import AbstractMaker, DocumentRow
from fabula.media.probing import UnreadableError, picture_of
from fabula.planning.templates import environment
from fabula.spec.models import ModelSpec

_FORMS = {"png": "PNG", "jpg": "JPEG"}
_MOST = 100
"""Replies about one row at most, those of earlier runs included."""
Open = Callable[[ChatModel], ChatModel]
"""Puts a model behind the run's ledger and budget."""


@dataclass(frozen=True)
class Found:
    """What came of a row: the digest of its picture, or why there is none.

    Attributes:
        digest: The picture; empty where there is none.
        form: The form in which it came.
        size: Its width and height.
        tries: How often it was asked.
        problem: The last refusal or fault, if any.
    """

    digest: str
    form: str
    size: tuple[int, int]
    tries: int = 0
    problem: str = ""


class ImageMaker(AbstractMaker):
    """Makes the pictures of one column; those of a folder are asked at the same time.

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
        super().__init__(folder, table, column)
        fields: dict[str, Any] = {"response_format": "b64_json"}
        fields["output_format"] = {"jpg": "jpeg"}.get(spec.format, spec.format)
        fields |= {} if spec.size is None else {"size": f"{spec.size[0]}x{spec.size[1]}"}
        fields |= {} if spec.quality is None else {"quality": spec.quality}
        self._spec, self._model = spec, PictureModel(model, fields)
        self._asked = open_model(self._model)
        self._template = environment().from_string(spec.prompt)
        self._found: dict[int, Found] = {}

    def close(self) -> None:
        """Release the connections."""
        run_sync(self._model.close())

    def _prepare(self, rows: Sequence[DocumentRow]) -> None:
        """Ask for the pictures of a folder; only their digests are kept in memory."""

        async def all_found() -> list[Found | BaseException]:
            # A fault of one must not lose the others, which are paid for.
            return await asyncio.gather(*map(self._picture, rows), return_exceptions=True)

        found = run_sync(all_found())
        for row, each in zip(rows, found, strict=True):
            if isinstance(each, BaseException):
                raise each
            self._found[row.number] = each

    def _made(self, row: DocumentRow, other: Any) -> dict[str, Any]:
        del other
        found, spec = self._found.pop(row.number), self._spec
        told: dict[str, Any] = {
            "table": self._table,
            "row": row.number,
            "prompt": self._prompt(row),
            "model": self._model.name.removesuffix(" (pictures)"),
            "tries": found.tries,
        }
        if not found.digest:
            return told | {"missing": found.problem, "files": []}
        content = self._model.blobs.find(found.digest)
        assert content is not None  # it was read when it was found
        if found.form != _FORMS[spec.format]:
            content = _again(content, _FORMS[spec.format])
            told["received"] = found.form
        sizes = {"width": found.size[0], "height": found.size[1]}
        return told | {
            "files": [self._written(self._path(row.number, spec.format), content) | sizes]
        }

    async def _picture(self, row: DocumentRow) -> Found:
        """Ask until a picture opens and has the size that is wanted, or there are no tries left.

        Each row has pictures of its own, also where prompts are equal. Faults of earlier runs are
        in the ledger and don't count as tries, so the same command tries again.
        """
        spec, problem, asked = self._spec, "", 0
        prompt = self._prompt(row)
        for number in range(_MOST):
            sample = row.number * _MOST + number
            request = ChatRequest((Message("user", prompt),), sample=sample, purpose="picture")
            reply = await self._asked.complete(request)
            asked += not reply.cached
            found = self._judged(reply)
            if isinstance(found, Found):
                return replace(found, tries=number + 1)
            problem = found
            if asked > spec.retries:
                break
        return Found("", "", (0, 0), number + 1, problem)

    def _judged(self, reply: ChatReply) -> Found | str:
        """The picture in a reply, or what is wrong with it."""
        if not reply.text:
            return reply.problem
        content, wanted = self._model.blobs.find(reply.text), self._spec.size
        if content is None:
            return "its bytes are not among the kept files any more"
        try:
            form, size = picture_of(content)
        except UnreadableError as exc:
            return f"the picture {exc}"
        if wanted is not None and size != wanted:
            return f"the picture has {size[0]} x {size[1]} pixels"
        return Found(reply.text, form, size)

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
