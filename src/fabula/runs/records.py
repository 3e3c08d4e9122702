"""The records of a run's result: in its folder, or alongside its one file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from fabula.errors import SpecError
from fabula.io.destinations import names_file
from fabula.io.names import file_stem
from fabula.io.places import sha256_of, write_json, write_text
from fabula.io.run_files import MANIFEST, RunManifest, checked, damaged, inside, read_object
from fabula.runs.parts import Call, Lost
from fabula.spec.loading import build_spec
from fabula.spec.tables import DatasetSpec

REJECTS, REPORT = "rejects.jsonl", "report.html"
CALLS = "model-calls.jsonl"

_LOST: TypeAdapter[Lost] = TypeAdapter(Lost)
_CALL: TypeAdapter[Call] = TypeAdapter(Call)
T = TypeVar("T")


def is_file(output: Path) -> bool:
    """Whether a run's output is meant to be one file: `houses.csv`."""
    return names_file(output) and not output.is_dir()


def record(output: Path, name: str) -> Path:
    """`out/manifest.json` of a folder, `houses.csv.manifest.json` of a file."""
    return output.with_name(f"{output.name}.{name}") if is_file(output) else output / name


def write_records(
    output: Path,
    manifest: Mapping[str, Any],
    lost: Sequence[Lost],
    also: Iterable[str] = (),
    calls: Sequence[Call] = (),
) -> None:
    """Write the lost rows and the calls, functions that models wrote, and last the manifest."""
    names = list(dict.fromkeys([*also, *([REJECTS] if lost else ()), *([CALLS] if calls else ())]))
    if not lost:
        record(output, REJECTS).unlink(missing_ok=True)
    for name, listed in ((REJECTS, lost), (CALLS, calls)):
        if listed:
            lines = (json.dumps(dataclasses.asdict(each), ensure_ascii=False) for each in listed)
            write_text(record(output, name), "".join(line + "\n" for line in lines))
    for stem, source in programs_of(manifest).items():
        write_text(record(output, f"{stem}.py"), source + "\n")
        names.append(f"{stem}.py")
    files = {name: sha256_of(record(output, name)) for name in names}
    _write_manifest(output, {**manifest, "files": files})


def write_beside(output: Path, name: str, text: str) -> None:
    """Write one more file of a finished run; the manifest has its hash before it is there."""
    manifest = read_manifest(output)
    if manifest is not None:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        files = {**manifest.get("files", {}), name: digest}
        if files != manifest.get("files"):
            _write_manifest(output, {**manifest, "files": files})
    write_text(record(output, name), text)


def _write_manifest(output: Path, manifest: Mapping[str, Any]) -> None:
    write_json(record(output, MANIFEST), manifest)


def programs_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The functions that models wrote for columns, by the stem of the file that keeps them."""
    return {
        file_stem(column): source
        for model in manifest.get("models", {}).values()
        for column, source in model.get("programs", {}).items()
    }


def read_manifest(output: Path) -> dict[str, Any] | None:
    """The manifest of a run that is over, else None.

    Raises:
        SourceError: It has a shape that no run writes, or names a file elsewhere.
    """
    path = record(output, MANIFEST)
    content = read_object(path)
    if content is None or "tables" not in content:
        return None
    manifest = checked(path, content, RunManifest)
    for table in manifest["tables"].values():
        for file in table["files"]:
            inside(path.parent, file["path"])
    return manifest


def spec_of(manifest: Mapping[str, Any]) -> DatasetSpec | None:
    """The spec in a manifest; None if there is none, or one that is not read any more."""
    try:
        return build_spec(manifest["spec"]) if manifest.get("spec") else None
    except SpecError:
        return None


def read_rejects(output: Path) -> list[Lost]:
    """The lost rows of a run; none if nothing was lost.

    Raises:
        SourceError: A line is not a lost row.
    """
    return _lines(record(output, REJECTS), _LOST, "a lost row")


def read_calls(output: Path) -> list[Call]:
    """The calls to language models that brought a run's rows; none where none were kept.

    Raises:
        SourceError: A line is not a call.
    """
    return _lines(record(output, CALLS), _CALL, "a call")


def _lines(path: Path, adapter: TypeAdapter[T], what: str) -> list[T]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return [adapter.validate_python(json.loads(line)) for line in lines if line]
    except FileNotFoundError:
        return []
    except (ValidationError, ValueError, RecursionError) as exc:
        raise damaged(path, f"a line is not {what} ({type(exc).__name__})") from exc
