"""Whatever a caller may pass as a spec, as a `DatasetSpec`."""

from __future__ import annotations

import codecs
import dataclasses
import importlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeAlias

from fabula.errors import SpecError, UsageError, Violation, did_you_mean
from fabula.inference.inferred import Inferred
from fabula.kinds.base.code import found_by
from fabula.spec.loading import build_spec, parse_spec
from fabula.spec.locations import Source
from fabula.spec.tables import DatasetSpec, TableSpec
from fabula.types import Path

if TYPE_CHECKING:
    from collections.abc import Iterator

SpecLike: TypeAlias = DatasetSpec | TableSpec | Inferred | Mapping[str, Any] | type | Path
"""A spec, a table, a mapping, a Pydantic class or dataclass, a path, `module:Class` or one line."""

_CLASS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_YAML = re.compile(r"^fabula:\s*\d+\s*$.*^tables:", re.M | re.S)
_TEXT_DATA = (".csv", ".tsv", ".jsonl", ".ndjson")
_DATA = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".arrow", ".feather", ".xlsx", ".db")


def load(path: Path, *, allow_code: str | Sequence[str] = ()) -> DatasetSpec:
    """The spec in a YAML or JSON file.

    Args:
        path: The file.
        allow_code: Python files whose functions the spec may run, as they are now; remembered.

    Raises:
        SpecError: There is no such file, or it holds no spec; every problem with its line.
        UsageError: The spec names code that is not allowed.
    """
    from fabula.functions.named import CodeOf
    from fabula.llm.client.permission import permit_code

    file = os.fspath(path)
    permit_code([allow_code] if isinstance(allow_code, str) else allow_code)
    try:
        raw = FilePath(file).read_bytes()
    except FileNotFoundError as error:
        raise _unreadable(file, "there is no such file", _near_file(file)) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _unreadable(file, f"the file can't be read: {reason}", None) from error
    if file.lower().endswith(_TEXT_DATA):
        raise _unreadable(file, "this is a data file, not a spec", _data_hint(file))
    with found_by(CodeOf(FilePath(file))):
        return parse_spec(_decode(raw, file), file=file)


def resolve(spec: SpecLike, *, prompt: str | None = None) -> DatasetSpec:
    """The spec that a caller means.

    Args:
        spec: A spec, a table, a mapping as in a file or its YAML text, a Pydantic class or
            dataclass, a path, `module:Class`, one line such as `name person.name, age int 18..90`,
            or a sentence that lists the columns:
            `10 rows of housing data: id, house price, location`.
        prompt: What the rows are about; with a class, the language model then fills every field
            without its own column.

    Raises:
        SpecError: It is not a spec.
        UsageError: It names a class or file that does not exist.
    """
    cls = class_of(spec)
    return _with_prompt(_from_value(spec) if cls is None else _from_class(cls, prompt), prompt)


def is_spec_text(text: str) -> bool:
    """Whether a text is the YAML of a spec, and no sentence about data."""
    return _YAML.search(text) is not None


def class_of(spec: Any) -> type | None:
    """The class that a caller means, by itself or as `module:Class`; None for anything else.

    Raises:
        UsageError: There is no such class, or it has no fields that Fabula can read.
    """
    if isinstance(spec, str) and is_class_name(spec):
        spec = import_class(spec)
    if not isinstance(spec, type):
        return None
    from pydantic import BaseModel

    if not (issubclass(spec, BaseModel) or dataclasses.is_dataclass(spec)):
        raise UsageError(
            f"`{spec.__name__}` is neither a Pydantic class nor a dataclass",
            code="usage.no-spec",
            hint="derive it from `pydantic.BaseModel`",
        )
    return spec


def import_class(name: str) -> type:
    """The class that `module:Class` names; modules of the current folder are found too.

    Raises:
        UsageError: There is no such module or class, or importing it fails.
    """
    found = import_object(name)
    if isinstance(found, type):
        return found
    raise UsageError(f"`{name}` is not a class", code="usage.unknown-class")


def import_object(name: str) -> Any:
    """What `module:name` names; modules of the current folder are found too.

    Raises:
        UsageError: There is no such module or name, or importing it fails.
    """
    module_name, _, own_name = name.partition(":")
    try:
        with current_folder_importable():
            module = importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(
            f"`{module_name}` can't be imported: {error}",
            code="usage.unknown-module",
            hint="name it as `import` would, from its folder: `shop.models:Product`",
        ) from error
    if own_name in vars(module):
        return vars(module)[own_name]
    classes = [key for key, value in vars(module).items() if isinstance(value, type)]
    raise UsageError(
        f"`{module_name}` has no class `{own_name}`",
        code="usage.unknown-class",
        hint=did_you_mean(own_name, classes),
    )


def _from_value(spec: Any) -> DatasetSpec:
    if isinstance(spec, DatasetSpec):
        return spec
    if isinstance(spec, Inferred):
        return spec.spec
    if isinstance(spec, TableSpec):
        return DatasetSpec(name=spec.name or "dataset", tables={spec.name or "rows": spec})
    if isinstance(spec, Mapping):
        if spec and all(isinstance(table, TableSpec) for table in spec.values()):
            return DatasetSpec(tables=dict(spec))
        return build_spec(dict(spec))
    if isinstance(spec, str) and is_spec_text(spec):
        return parse_spec(spec)
    if isinstance(spec, str) and not _exists(spec):
        from fabula.inference.prompts import is_prompt, spec_from_prompt

        if is_prompt(spec):
            return spec_from_prompt(spec)
    if isinstance(spec, os.PathLike) or (isinstance(spec, str) and _is_path(spec)):
        return load(spec)
    if isinstance(spec, str):
        from fabula.spec.oneline import parse_line

        return parse_line(spec)
    raise UsageError(
        f"a `{type(spec).__name__}` is not a spec",
        code="usage.no-spec",
        hint="give a path, a mapping, a `DatasetSpec`, a `TableSpec` or a Pydantic class",
    )


def _from_class(cls: type, prompt: str | None) -> DatasetSpec:
    from fabula.inference.pydantic_models import table_from_class

    spec = _from_value(table_from_class(cls, prompt=prompt))
    return spec.written_in(Source(row_class=cls))


def _with_prompt(spec: DatasetSpec, prompt: str | None) -> DatasetSpec:
    """The spec whose tables without a prompt of their own are about `prompt`."""
    if prompt is None:
        return spec
    tables = {
        name: table if table.prompt else table.model_copy(update={"prompt": prompt})
        for name, table in spec.tables.items()
    }
    return spec.model_copy(update={"tables": tables})


def is_class_name(text: str) -> bool:
    """Whether a text has the form `module:Class`."""
    return _CLASS.fullmatch(text) is not None and not FilePath(text).exists()


def _is_path(text: str) -> bool:
    """Whether a text means a file rather than one line of a spec."""
    if "\n" in text or len(text) > 1_000:
        return False
    suffixes = (".yaml", ".yml", ".json", *_DATA)
    return text.lower().endswith(suffixes) or os.sep in text.split(" ", 1)[0] or _exists(text)


def _exists(text: str) -> bool:
    try:
        return FilePath(text).is_file()
    except (OSError, ValueError):
        return False


def _decode(raw: bytes, file: str) -> str:
    encoding = "utf-8-sig"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise _unreadable(file, "the file is not a UTF-8 text", _data_hint(file)) from error
    if "\0" in text:
        raise _unreadable(file, "the file is not text", _data_hint(file))
    return text


def _data_hint(file: str) -> str:
    if file.lower().endswith(_DATA):
        return f"`fabula init --from {file}` writes a spec from it; `fabula show {file}` shows it"
    return "a spec is YAML or JSON, saved as UTF-8"


def _unreadable(file: str, message: str, hint: str | None) -> SpecError:
    return SpecError([Violation("spec.unreadable", message, hint=hint, file=file)])


def _near_file(file: str) -> str:
    folder = FilePath(file).parent
    names = [item.name for item in folder.iterdir()] if folder.is_dir() else []
    specs = [name for name in names if name.endswith((".yaml", ".yml", ".json"))]
    start = "`fabula init --template shop` writes a spec to start from"
    return did_you_mean(FilePath(file).name, specs) or start


@contextmanager
def current_folder_importable() -> Iterator[None]:
    """Let modules of the current folder be imported."""
    folder = str(FilePath.cwd())
    if folder in sys.path or "" in sys.path:
        yield
        return
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
