"""Is a release fit to be published? Its own metrics, each with a bound, and one verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SourceError, UsageError
from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.gates import GatesLike, judge, read_gates
from fabula.evaluation.metrics.metric import Metric, Score
from fabula.evaluation.metrics.reidentification import QUASI
from fabula.evaluation.metrics.result import MetricResult, noise, percent
from fabula.evaluation.report import Report
from fabula.io.run_files import read_object
from fabula.io.tables import named_tables
from fabula.kinds.source import SourceTable
from fabula.planning.sources import held_rows, source_hash, table_rows
from fabula.privacy.attacks import inference_attack, linkage_attack
from fabula.privacy.hybrid.learned_columns import completed_by
from fabula.runs.records import MANIFEST, record

SHAPES, PAIRS, SINGLED, DIFFERENCE, EXCESS = 0.90, 0.85, 0.05, 0.05, 0.005
"""The bounds of a release, where its user names none."""

PROTECTED = ("sex", "gender", "race", "ethnicity", "religion", "nationality")
_LOSS = 0.05
_FEWEST = 50
"""Rows of a group below which its rates are not compared."""

_MOST_LEVELS = 20

GUESSED = Metric(
    "privacy.guessed",
    "learned value guessed",
    better="lower",
    source="Attribute inference (Yeom et al. 2018): released values against held-back people",
    form="share",
)
ALONE = Metric(
    "privacy.singled_out",
    "rows singled out",
    better="lower",
    source="k-anonymity of the quasi-identifiers (Sweeney 2002), k = 1",
    form="share",
)
SMALLEST = Metric(
    "privacy.smallest_group",
    "smallest group (k)",
    better="higher",
    source="k-anonymity of the quasi-identifiers (Sweeney 2002)",
)
JOINED = Metric(
    "privacy.joined_k",
    "smallest group of both releases",
    better="higher",
    source="Intersection of two releases (Ganta, Kasiviswanathan and Smith 2008)",
)
RATES = Metric(
    "bias.rate",
    "rate by group",
    better="lower",
    source="Difference of rates by group between released and real rows",
)


@dataclass(frozen=True, eq=False)
class Release:
    """A folder with a release, and the real rows that it was made of.

    Attributes:
        folder: The folder.
        name: The released table.
        source: What was asked for.
        rows: The released rows.
        manifest: How the run was made.
    """

    folder: Path
    name: str
    source: SourceTable
    rows: pa.Table
    manifest: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path, file: Path | None = None) -> Release | None:
        """The release in a folder; None where the folder holds something else.

        Args:
            folder: The folder.
            file: The real rows; by default the file of the spec, here or beside the folder.
        """
        manifest = read_object(record(folder, MANIFEST)) if folder.is_dir() else None
        for name, table in ((manifest or {}).get("spec") or {}).get("tables", {}).items():
            facts = table.get("source")
            if facts and (facts.get("synthesize") or facts.get("k")):
                known = {key: value for key, value in facts.items() if value is not None}
                known["file"] = str(file or _found(folder, known["file"]))
                return cls(folder, name, SourceTable(**known), named_tables(folder)[name],
                           manifest or {})  # fmt: skip
        return None

    @cached_property
    def real(self) -> pa.Table:
        """The real rows of the people who are in the release, in its order.

        Raises:
            SourceError: The file is missing or another one.
        """
        if not Path(self.source.file).is_file():
            raise SourceError(
                f"the real rows `{self.source.file}` are not here",
                code="source.missing",
                where=self.source.file,
                hint=f"fabula evaluate {self.folder} --real PATH/{Path(self.source.file).name}",
            )
        if not self.is_of:
            raise SourceError(
                f"`{self.source.file}` is another file than the one that was released",
                code="evaluate.other-source",
                where=self.source.file,
                hint=f"name the right one: `fabula evaluate {self.folder} --real FILE`",
            )
        rows = table_rows(self.source)
        if rows.num_rows != self.rows.num_rows:
            raise SourceError(
                f"the release has {self.rows.num_rows:,} rows, and {rows.num_rows:,} real ones"
                " were released: they can't be told apart row by row",
                code="evaluate.rows-lost",
                where=str(self.folder),
                hint="release all rows: leave out checks that reject some",
            )
        return rows

    @cached_property
    def held(self) -> pa.Table:
        """The real rows of people who are not in it.

        Raises:
            UsageError: Nobody was kept out.
        """
        if not self.source.kept_out:
            raise UsageError(
                "a release is held against people who are not in it, and nobody was kept out",
                code="evaluate.no-holdout",
                hint="generate keeps a tenth out by default; you passed `holdout: 0`",
            )
        return held_rows(self.source)

    @property
    def is_of(self) -> bool:
        """Whether the real rows are those that were released."""
        return source_hash(self.source.file) == self.source.sha256

    @property
    def learned(self) -> list[str]:
        """The learned columns."""
        return [name for name in self.source.synthesize if name in self.rows.column_names]

    @property
    def kept(self) -> list[str]:
        """The columns that are copied as they are."""
        coarse = {*self.source.generalise, *(self.quasi if self.source.k else ())}
        actions = self.manifest.get("masking", {}).get("tables", {}).get(self.name, {})
        return [
            name
            for name, facts in actions.get("columns", {}).items()
            if facts["action"] == "keep" and name not in {*coarse, *self.learned}
        ]

    @property
    def quasi(self) -> list[str]:
        """The quasi-identifiers: those of the spec, else those whose names say so."""
        named = [name for name in self.source.quasi if name in self.rows.column_names]
        return named or [
            name
            for name in self.rows.column_names
            if name not in self.learned and QUASI.search(name.replace("-", "_"))
        ]


def _found(folder: Path, file: str) -> Path:
    """The file of a spec, which may stand beside the folder that the run wrote."""
    places = [Path(file), folder.resolve().parent / file]
    return next((place for place in places if place.is_file()), places[0])


def evaluate_release(
    release: Release,
    *,
    gates: GatesLike = True,
    earlier: Path | None = None,
    seed: int = 0,
) -> Report:
    """Measure a release against the people in it, and against people who are not.

    Args:
        release: The release.
        gates: Bounds; by default every metric's own.
        earlier: The folder of an earlier release of the same table.
        seed: Decides which rows are sampled.

    Raises:
        SourceError: The real rows can't be read.
        UsageError: Nobody was kept out.
    """
    known = [*release.kept, *release.learned]
    whole = evaluate(
        release.rows.select(known), real=release.real.select(known),
        holdout=release.held.select(known), metrics=["quality.shapes", "quality.pairs"], seed=seed,
    )  # fmt: skip
    results = list(_bounded(whole.tables[0].results, {"shapes": SHAPES, "pairs": PAIRS}))
    if release.learned:
        alone = evaluate(
            release.rows.select(release.learned), real=release.real.select(release.learned),
            holdout=release.held.select(release.learned), seed=seed,
            metrics=["privacy.exact_copies", "privacy.closer_to_training"],
        )  # fmt: skip
        results += alone.tables[0].results
        results += _guessed(release, seed)
    results += _singled(release)
    if earlier is not None:
        results += _intersected(release, earlier)
    results += _rates(release)
    table = replace(
        whole.tables[0],
        name=release.name,
        columns=release.rows.num_columns,
        results=tuple(results),
        notes=tuple(_notes(release)),
    )
    wanted = read_gates(gates)
    return Report(tables=(table,), gates=judge(wanted, [(table.name, results)]), seed=seed)


def _bounded(
    results: Sequence[MetricResult], bounds: Mapping[str, float]
) -> Iterator[MetricResult]:
    """Quality may fall by a little from what held-back rows have, and never below a bound."""
    for result in results:
        bound = max(bounds[result.name], (result.baseline or 0.0) - _LOSS)
        yield replace(result, threshold=bound)


def _guessed(release: Release, seed: int) -> Iterator[MetricResult]:
    """How often a released value is the person's own, beside people who are not in the release."""
    coarse = [name for name in release.quasi if name not in release.kept]
    columns = [*release.kept, *coarse, *release.learned]
    drawn = completed_by(
        release.real.select(columns), release.held.select(columns), release.learned, seed=seed
    )
    for name in release.learned:
        attack = inference_attack(
            release.rows.column(name), release.real.column(name),
            drawn.column(name), release.held.column(name),
        )  # fmt: skip
        bound = (
            attack.baseline + EXCESS + noise(attack.baseline, attack.tries, release.held.num_rows)
        )
        yield _named(GUESSED, name, f"{name} guessed", Score(
            attack.success,
            f"The released `{name}` is the person's own in {percent(attack.success)} of the rows; "
            f"drawn for people who are not in the release, it is"
            f" {percent(attack.baseline)}.",
            baseline=attack.baseline, compared="baseline", threshold=bound,
        ))  # fmt: skip


def _singled(release: Release) -> Iterator[MetricResult]:
    if not release.quasi:
        yield ALONE.not_measured("no kept column is a quasi-identifier")
        return
    attack = linkage_attack(release.rows.select(release.quasi))
    listed = " + ".join(release.quasi)
    yield ALONE.result(Score(
        attack.alone,
        f"{listed} single out {round(attack.alone * attack.tries):,} of {attack.tries:,} rows.",
        threshold=SINGLED,
    ))  # fmt: skip
    if release.source.k is not None:
        yield SMALLEST.result(Score(
            float(attack.k), f"The smallest group of {listed} has {attack.k:,} rows.",
            threshold=float(release.source.k),
        ))  # fmt: skip


def _intersected(release: Release, folder: Path) -> Iterator[MetricResult]:
    """The smallest group of an attacker who knows two releases of the same people."""
    other = Release.of(folder)
    if other is None:
        raise UsageError(
            f"`{folder}` holds no release",
            code="evaluate.earlier",
            hint="give the folder that `fabula generate` wrote",
        )
    ours, theirs = _aligned(release, other)
    joined = ours.select(release.quasi)
    for name in other.quasi:
        joined = joined.append_column(f"earlier {name}", theirs.column(name))
    attack = linkage_attack(joined)
    bound = min(k for k in (release.source.k, other.source.k, 2) if k) if release.source.k else 2
    yield JOINED.result(Score(
        float(attack.k),
        f"Of {attack.tries:,} people in both releases, {percent(attack.alone)} are alone once both"
        " are known.",
        threshold=float(bound),
    ))  # fmt: skip


def _aligned(one: Release, other: Release) -> tuple[pa.Table, pa.Table]:
    """The rows of the people who are in both releases, in one order."""
    if one.source.sha256 == other.source.sha256 and one.real.equals(other.real):
        return one.rows, other.rows
    person = one.source.person
    if person is None or person != other.source.person:
        raise UsageError(
            "the two releases are of different files, and no column tells whose row is whose",
            code="evaluate.earlier",
            hint="name `person` in both specs",
        )
    keys = other.real.column(person).combine_chunks()
    places = pc.index_in(one.real.column(person).combine_chunks(), value_set=keys)
    both = pc.is_valid(places)
    return one.rows.filter(both), other.rows.take(places.filter(both))


def _rates(release: Release) -> Iterator[MetricResult]:
    """Whether learned outcomes are as frequent in each group of people as they were."""
    groups = [name for name in release.kept if name.lower() in PROTECTED]
    for name in release.learned:
        real, made = (table.column(name) for table in (release.real, release.rows))
        labels = real.drop_null().unique()
        if len(labels) > _MOST_LEVELS or pa.types.is_temporal(real.type):
            continue
        for group in groups:
            gap, sentence = _widest(real, made, release.rows.column(group), labels.to_pylist())
            yield _named(RATES, f"{name}_by_{group}", f"{name} rate by {group}", Score(
                gap, sentence, baseline=0.0, compared="real rows", threshold=DIFFERENCE,
            ))  # fmt: skip


def _widest(
    real: pa.ChunkedArray, made: pa.ChunkedArray, group: pa.ChunkedArray, labels: Sequence[Any]
) -> tuple[float, str]:
    """The greatest difference of a label's rate in a group, and where it is."""
    widest, sentence = 0.0, "No group is large enough to compare."
    for people in group.drop_null().unique().to_pylist():
        inside = _flags(pc.equal(group, people))
        if inside.sum() < _FEWEST:
            continue
        for label in labels:
            before, after = (_flags(pc.equal(v, label))[inside].mean() for v in (real, made))
            if abs(after - before) >= widest:
                widest = float(abs(after - before))
                sentence = (
                    f"`{label}` has a share of {percent(float(before))} in real rows of `{people}`"
                    f" and of {percent(float(after))} in released ones."
                )
    return widest, sentence


def _flags(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(values, False).to_numpy(), bool)


def _named(known: Metric, name: str, title: str, score: Score) -> MetricResult:
    """A result of one column under a name of its own."""
    result = known.result(score)
    return replace(result, name=f"{result.name}_{name}", title=title)


def _notes(release: Release) -> Iterator[str]:
    """What was done to the rows, and what is not promised."""
    masking, source = release.manifest.get("masking", {}), release.source
    actions: dict[str, list[str]] = {}
    for name, facts in masking.get("tables", {}).get(release.name, {}).get("columns", {}).items():
        if name not in {*release.learned, *release.kept}:
            actions.setdefault(facts["action"], []).append(name)
    yield f"Kept, and real: {', '.join(release.kept) or 'nothing'}."
    if release.learned:
        yield (
            f"Learned given the kept columns: {', '.join(release.learned)}; boosted trees, each row"
            " drawn by a model that never saw it."
        )
    for action, names in actions.items():
        yield f"{action}: {', '.join(names)}."
    if source.k:
        yield f"Made coarser until k = {source.k}: {', '.join(release.quasi)}."
    if masking:
        yield f"{masking['status'][:1].upper()}{masking['status'][1:]}."
    notes = [name for name, kinds in actions.items() if name == "notes" for name in kinds]
    yield (
        f"Notes were searched for identifiers: {', '.join(notes)}."
        if notes
        else "No notes were searched: no kept column is free text."
    )
    versions = ", ".join(f"{k} {v}" for k, v in release.manifest.get("versions", {}).items())
    yield (
        f"Seed {release.manifest.get('seed')}, spec {str(release.manifest.get('spec_sha256'))[:12]}"
        f", {percent(source.kept_out)} of the people kept out; {versions}."
    )
    yield "Passing gates is evidence, not proof, of anonymity; kept columns are real."
