"""How a run ended, in a few lines: checks, counts, models, files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fabula.checks.results import CheckResults
from fabula.io.destinations import destination_of
from fabula.io.formats import ENDINGS, FILE_FORMATS
from fabula.render import amounts, grid
from fabula.runs.records import is_file, record

_SOUNDS = {"wav", "flac", "mp3"}
_OTHER_FILES = ("manifest.json", "rejects.jsonl", "report.html")


class Ended(Protocol):
    """What a run tells of itself: a dataset."""

    manifest: Mapping[str, Any]
    folder: Path | None

    @property
    def checks(self) -> CheckResults:
        """What the checks found."""

    @property
    def rejected(self) -> Sequence[object]:
        """The rows that were lost."""


def preview_line(dataset: Ended) -> str:
    """The one line below a preview."""
    parts = [dataset.checks.summary, *_losses(dataset), f"seed {dataset.manifest['seed']}"]
    return " · ".join([*parts, _time(dataset.manifest), "nothing written"])


def run_text(dataset: Ended) -> str:
    """The lines below a run: what was checked, lost, asked of models."""
    manifest = dataset.manifest
    lines = [f"  {result}" for result in dataset.checks.failed]
    checks = "Checks: at the merge" if "share" in manifest else dataset.checks.summary
    lines.append(f"{checks} · {_balance(manifest)}")
    lines += [f"  {reason}" for reason in _reasons(manifest)]
    lines += [
        _model(label(name, usage), usage) for name, usage in manifest.get("models", {}).items()
    ]
    return "\n".join(lines)


def wrote_line(dataset: Ended) -> str:
    """What a run wrote, and where."""
    if dataset.folder is None:
        return "Nothing was written"
    parts = [
        f"Wrote `{dataset.folder}{'' if is_file(dataset.folder) else '/'}`"
        f" ({_files(dataset.folder, dataset.manifest)})",
        f"seed {dataset.manifest['seed']}",
        _time(dataset.manifest),
    ]
    return " · ".join(parts)


def loaded_lines(loaded: Mapping[str, Any]) -> list[str]:
    """What a load did: the rows of each table, and what the destination says about it."""
    tables = [f"{name} {rows:,}" for name, rows in loaded["rows"].items()]
    return [f"Loaded into `{loaded['place']}`: {' · '.join(tables)}", *loaded.get("lines", ())]


def record_text(dataset: Ended) -> str:
    """A finished run as one reads it later: tables, every check, models, files."""
    rows = [("table", "requested", "written", "rejected")]
    for name, table in dataset.manifest["tables"].items():
        counts = (amounts.count(table[key]) for key in ("requested", "written", "rejected"))
        rows.append((name, *counts))
    checks = [f"  {result}" for result in dataset.checks if result.passed]
    tables = grid.lines(rows, right=(False, True, True, True))
    return "\n".join([*tables, *checks, run_text(dataset), wrote_line(dataset)])


def _losses(dataset: Ended) -> list[str]:
    return [f"{amounts.count(len(dataset.rejected), 'row')} lost"] if dataset.rejected else []


def _balance(manifest: Mapping[str, Any]) -> str:
    tables = manifest["tables"].values()
    asked, written, lost = (
        sum(table[key] for table in tables) for key in ("requested", "written", "rejected")
    )
    return f"requested {asked:,} = written {written:,} + rejected {lost:,}"


def _reasons(manifest: Mapping[str, Any]) -> list[str]:
    return [
        f"{table}: {count:,} rejected: {reason}"
        for table, record in manifest["tables"].items()
        for reason, count in list(record["reasons"].items())[:3]
    ]


def label(name: str, usage: Mapping[str, Any]) -> str:
    """A model as the spec names it; the default one by its own name."""
    named, joint, role = name.partition(" as ")
    own = str(usage.get("model", named)) if named == "default" else named
    return own + joint + role


def _model(name: str, usage: Mapping[str, Any]) -> str:
    """`writer: 120 calls, 12 more from the ledger · 34 k tokens · 0.02 USD`."""
    calls = amounts.count(usage["calls"], "call")
    cached = f", {usage['cached']:,} more answered from the ledger" if usage["cached"] else ""
    parts = [f"{name}: {calls}{cached}"]
    tokens = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
    if any(count is not None for count in tokens):
        parts.append(f"{amounts.large(sum(count or 0 for count in tokens))} tokens")
    if usage.get("cost") is not None:
        parts.append(amounts.money(usage["cost"]))
    parts += [f"{count:,} × {note}" for note, count in (usage.get("notes") or {}).items()]
    return " · ".join(parts)


def _files(folder: Path, manifest: Mapping[str, Any]) -> str:
    files = [file["path"] for table in manifest["tables"].values() for file in table["files"]]
    counts = Counter(map(_title, dict.fromkeys(files)))
    data = [amounts.count(count, f"{title} file") for title, count in counts.items()]
    sets = [
        f"{file['path']} ({file['rows']:,})"
        for output in manifest.get("outputs", ())
        for file in output["files"]
    ]
    sets += [
        f"{amounts.count(each['documents'], _made(each))} in `{each['folder']}`"
        for each in manifest.get("documents", {}).values()
    ]
    others = [record(folder, name) for name in _OTHER_FILES]
    return ", ".join([*data, *sets, *(path.name for path in others if path.exists())])


def _made(files: Mapping[str, Any]) -> str:
    """What a column's files are: those of documents have a template."""
    if "template" in files:
        return "document"
    forms = {*files["formats"]}
    return "video" if "mp4" in forms else "recording" if forms & _SOUNDS else "picture"


def _title(file: str) -> str:
    """What a file of data is."""
    target = destination_of(file)
    entry = target.entry if target else FILE_FORMATS[ENDINGS[Path(file).suffix.lower()]]
    return entry.title


def _time(manifest: Mapping[str, Any]) -> str:
    return amounts.duration(manifest["timings"]["seconds"])
