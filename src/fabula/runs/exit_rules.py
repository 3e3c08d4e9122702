"""How a run ended: did it keep its word, and if not, which error says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.errors import PartialRunError
from fabula.runs.dataset import Dataset
from fabula.runs.records import record
from fabula.spec.locations import Source

Limit = float | int | None
"""Lost rows that are accepted: a share (a float) or a number (an int); None means none."""

_UNKNOWN = Source()


def lost_too_many(manifest: Mapping[str, Any], limit: Limit) -> bool:
    """Whether more rows were lost than the limit allows."""
    tables = manifest["tables"].values()
    lost = sum(table["rejected"] for table in tables) + _missing(manifest)
    asked = sum(table["requested"] for table in tables)
    return bool(lost > _allowed(limit, asked))


def _missing(manifest: Mapping[str, Any]) -> int:
    """Pictures that no model made."""
    return sum(card.get("missing", 0) for card in manifest.get("documents", {}).values())


def raise_verdict(dataset: Dataset, limit: Limit, source: Source = _UNKNOWN) -> None:
    """Raise what the caller must know about a finished run; its data stays.

    Raises:
        PartialRunError: More rows were lost than `limit`.
        CheckError: A check does not hold.
    """
    if lost_too_many(dataset.manifest, limit):
        raise _partial(dataset, limit)
    failed = dataset.checks.error()
    if failed:
        failed.dataset = dataset
        failed.file, failed.line = source.file, source.line(failed.where)
        raise failed


def _partial(dataset: Dataset, limit: Limit) -> PartialRunError:
    tables = dataset.manifest["tables"]
    lost = sum(table["rejected"] for table in tables.values())
    asked = sum(table["requested"] for table in tables.values())
    reasons: dict[str, int] = {}
    for table in tables.values():
        for reason, count in table["reasons"].items():
            reasons[reason] = reasons.get(reason, 0) + count
    worst = sorted(reasons.items(), key=lambda item: -item[1])
    if not lost:
        return _without_files(dataset, limit)
    told = ", ".join(f"{count:,} × {reason}" for reason, count in worst[:3])
    more = f", and {len(worst) - 3} more reasons" if len(worst) > 3 else ""
    folder = dataset.folder
    error = PartialRunError(
        f"{lost:,} of {asked:,} rows failed (limit {_words(limit)}): {told}{more}"
        + (f" (see {record(folder, 'rejects.jsonl').name})" if folder else ""),
        code="run.rejects",
        where=str(folder) if folder else None,
        hint="run the same command to try them again, or allow them with --max-rejects",
    )
    error.dataset = dataset
    return error


def _without_files(dataset: Dataset, limit: Limit) -> PartialRunError:
    """The error of a run whose rows are all there, and pictures of theirs are not."""
    name, card = next(
        (name, card) for name, card in dataset.manifest["documents"].items() if card.get("missing")
    )
    reason = next(iter(card["reasons"]))
    asked = card["documents"] + card["missing"]
    error = PartialRunError(
        f"{card['missing']:,} of {asked:,} files of `{name}` were not made (limit "
        f"{_words(limit)}): {reason}",
        code="run.files",
        where=str(dataset.folder),
        hint="run the same command to ask for them again, change their prompt, or allow them with "
        "--max-rejects",
    )
    error.dataset = dataset
    return error


def _allowed(limit: Limit, asked: int) -> float:
    return limit * asked if isinstance(limit, float) else limit or 0


def _words(limit: Limit) -> str:
    return f"{limit * 100:g} %" if isinstance(limit, float) else f"{limit or 0:,}"
