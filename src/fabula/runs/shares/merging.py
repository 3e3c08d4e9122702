"""Puts the shares of a run together: one folder, the bytes of one local run, the manifest last."""

from __future__ import annotations

import os
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fabula.engines.usage import ModelUsage
from fabula.errors import SourceError, UsageError
from fabula.io.run_files import check_unchanged, damaged, inside
from fabula.io.write import WrittenFile
from fabula.planning.plan import Plan
from fabula.runs.folder import Put
from fabula.runs.parts import Layout, PartRecord
from fabula.runs.shares.record import Found, ShareRecord
from fabula.runs.shares.share import shares_of

_FACTS = {
    "fabula": "version",
    "spec_sha256": "spec",
    "seed": "seed",
    "tables": "size",
    "format": "format",
    "escape_formulas": "escaping of formulas",
}
"""What decides the bytes of a run, by the names in `run.json`, in words."""


@dataclass(frozen=True)
class Merging:
    """The shares of one run, all there; see `Merged`."""

    plan: Plan
    shares: Sequence[Found]

    def find(
        self, layout: Layout, part: int, attempt: Callable[[str], int]
    ) -> tuple[PartRecord, Put] | None:
        """A part of a share; none of a table that builds on a table which is drawn again.

        Raises:
            SourceError: No share has it.
        """
        if any(attempt(name) for name in self._grounds[layout.table]):
            return None
        if (layout.table, part) not in self._parts:
            raise damaged(
                self.shares[0].folder.parent, f"no share has part {part} of `{layout.table}`"
            )
        folder, record = self._parts[layout.table, part]

        def put(file: WrittenFile, place: Path) -> None:
            path = inside(folder, file.name)
            check_unchanged(path, file.sha256)
            try:
                os.link(path, place)
            except OSError:  # another disk, or one without links
                shutil.copyfile(path, place)

        return record, put

    def told(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """What was asked of models in all shares and now, and how long the shares took."""
        records = self._records
        usage: dict[str, ModelUsage] = {}
        for models in (*(record.models for record in records), manifest["models"]):
            for name, told in models.items():
                spent = ModelUsage(**told)
                usage[name] = usage[name] + spent if name in usage else spent
        seconds = [record.timings["seconds"] for record in records]
        return {
            "models": {name: asdict(spent) for name, spent in usage.items()},
            "shares": {"of": records[-1].of, "seconds": round(sum(seconds), 3)},
        }

    @property
    def _records(self) -> list[ShareRecord]:
        return [found.record for found in self.shares if found.record is not None]

    @cached_property
    def _parts(self) -> dict[tuple[str, int], tuple[Path, PartRecord]]:
        return {
            (part.table, part.part): (found.folder, part)
            for found in self.shares
            if found.record is not None
            for part in found.record.parts
        }

    @cached_property
    def _grounds(self) -> dict[str, list[str]]:
        """Each table with those that it builds on."""
        order = self.plan.order
        return {
            name: [other for other in order if name in self.plan.building_on({other})]
            for name in order
        }


def of_one_run(shares: Sequence[Found]) -> list[ShareRecord]:
    """The records of shares that are all done, of one run, and there once each.

    Raises:
        SourceError: One is not.
    """
    done = [(found.folder, found.record) for found in shares if found.record is not None]
    if len(done) < len(shares):
        open_ones = [found.folder for found in shares if found.record is None]
        raise SourceError(
            f"the share in `{open_ones[0]}` is not finished",
            code="merge.unfinished",
            where=str(open_ones[0]),
            hint="run its command again; it makes only what is missing",
        )
    usual = Counter(record.run["fingerprint"] for _, record in done).most_common(1)[0][0]
    home, like = next(item for item in done if item[1].run["fingerprint"] == usual)
    for folder, record in done:
        if difference := _difference(record, like):
            raise SourceError(
                f"the share in `{folder}` is not of the run of `{home}`: {difference}",
                code="merge.foreign",
                where=str(folder),
                hint="leave it out, or make it again: " + _command(like, record.number),
            )
    seen: dict[int, Path] = {}
    for folder, record in done:
        if record.number in seen:
            raise SourceError(
                f"share {record.share} is there twice: `{seen[record.number]}` and `{folder}`",
                code="merge.doubled",
                where=str(folder),
                hint="name the folders to merge, each share once",
            )
        seen[record.number] = folder
    return [record for _, record in sorted(done, key=lambda item: item[1].number)]


def check_complete(plan: Plan, records: Sequence[ShareRecord]) -> None:
    """Make sure that every share is there.

    Raises:
        SourceError: One is missing.
    """
    there = {record.number for record in records}
    missing = [share for share in shares_of(plan, records[0].of) if share.number not in there]
    if missing:
        some = ", ".join(str(share.number) for share in missing[:10])
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        plural = "s" if len(missing) > 1 else ""
        raise SourceError(
            f"share{plural} {some}{more} of {records[0].of} missing",
            code="merge.missing",
            hint=_command(records[0], missing[0].number),
        )


def check_same(plan_facts: Mapping[str, Any], record: ShareRecord) -> None:
    """Make sure that a plan is that of the shares.

    Raises:
        UsageError: It is not.
    """
    if difference := _facts_differ(plan_facts, record.run):
        raise UsageError(
            f"the spec is not that of the shares: {difference}",
            code="merge.other-spec",
            hint="name the spec as it was for `generate`: `fabula merge … --spec SPEC`; and its"
            " `--key-file`, if it has one",
        )


def _difference(record: ShareRecord, like: ShareRecord) -> str:
    """How a share differs from another in what all shares have in common; empty if it does not."""
    if difference := _facts_differ(record.run, like.run):
        return difference
    if record.of != like.of:
        return f"it is one of {record.of} shares, not of {like.of}"
    for name, version in like.versions.items():
        if name != "python" and record.versions.get(name) != version:
            return f"it was made with {name} {record.versions.get(name)}, not {version}"
    return ""


def _facts_differ(facts: Mapping[str, Any], like: Mapping[str, Any]) -> str:
    if facts["fingerprint"] == like["fingerprint"]:
        return ""
    for name, word in _FACTS.items():
        mine, other = facts.get(name), like.get(name)
        if mine != other:
            short = isinstance(mine, int | str) and name != "spec_sha256"
            return f"its {word} is {mine}, not {other}" if short else f"it has another {word}"
    return "its `run.json` differs"


def _command(like: ShareRecord, number: int) -> str:
    """The command that makes a share."""
    asked = like.asked
    sizes = {"": asked.n} if isinstance(asked.n, int) else asked.n or {}
    words = ["fabula generate", shlex.quote(asked.file) if asked.file else "SPEC"]
    words += [f"-n {name}={rows}" if name else f"-n {rows}" for name, rows in sizes.items()]
    words += [] if asked.seed is None else [f"--seed {asked.seed}"]
    words += [] if asked.model is None else [f"--model {asked.model}"]
    words += [] if like.run["format"] == "parquet" else [f"--format {like.run['format']}"]
    return " ".join([*words, f"-o {shlex.quote(asked.output)}", f"--blocks {number}/{like.of}"])
