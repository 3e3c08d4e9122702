"""Is a release fit to be published? Its own metrics, each with a bound, and one verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.gates import GatesLike, judge, read_gates
from fabula.evaluation.metrics.metric import Metric, Score
from fabula.evaluation.metrics.result import MetricResult, noise
from fabula.evaluation.release_folder import Release
from fabula.evaluation.report import Report
from fabula.privacy.release.attacks import (
    MOST_NOTES,
    authorship_attack,
    inference_attack,
    intersection_attack,
    linkage_attack,
    told_by_group,
)
from fabula.render.amounts import percent
from fabula.synthesizers.parity import Parity

SHAPES, PAIRS, SINGLED, DIFFERENCE, EXCESS = 0.90, 0.85, 0.05, 0.05, 0.005
"""The bounds of a release, where its user names none."""

PROTECTED = ("sex", "gender", "race", "ethnicity", "religion", "nationality")
_LOSS = 0.05
_DRAWS = 10
"""Draws for each person who was kept out, since a single one of few people tells little."""

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
TOLD = Metric(
    "privacy.told_by_group",
    "sensitive value given away by groups",
    better="lower",
    source="l-diversity: homogeneous groups (Machanavajjhala et al. 2007)",
    form="share",
)
AUTHOR = Metric(
    "privacy.authorship",
    "author picked",
    better="lower",
    source="Authorship by shared words (Narayanan et al. 2012)",
    form="share",
)
PARITY = Metric(
    "bias.parity",
    "gap between groups after the repair",
    better="lower",
    source="Demographic parity difference (Dwork et al. 2012)",
    form="share",
)
RATES = Metric(
    "bias.rate",
    "rate by group",
    better="lower",
    source="Difference of rates by group between released and real rows",
)


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
    if known:
        whole = evaluate(
            release.rows.select(known), real=release.real.select(known),
            holdout=release.held.select(known), metrics=["quality.shapes", "quality.pairs"],
            seed=seed,
        )  # fmt: skip
    else:  # every column is coarser than the real one, so their values can't be compared
        whole = evaluate(release.rows, metrics=[], seed=seed)
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
    results += _told(release)
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
    from fabula.privacy.hybrid.learned_columns import completed_by  # needs the extra `learned`

    coarse = [name for name in release.quasi if name not in release.kept]
    columns = [*release.kept, *coarse, *release.learned]
    drawn = completed_by(
        release.real.select(columns), release.held.select(columns), release.learned,
        draws=_DRAWS, seed=seed,
    )  # fmt: skip
    for name in release.learned:
        attack = inference_attack(
            release.rows.column(name), release.real.column(name),
            drawn.column(name), pa.chunked_array(release.held.column(name).chunks * _DRAWS),
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
    attack = linkage_attack(release.rows.select(release.quasi), release.people)
    listed, counted = " + ".join(release.quasi), "rows" if release.people is None else "people"
    yield ALONE.result(Score(
        attack.alone,
        f"{listed} single out {round(attack.alone * attack.tries):,} of {attack.tries:,}"
        f" {counted}.",
        threshold=SINGLED,
    ))  # fmt: skip
    if release.source.k is not None:
        yield SMALLEST.result(Score(
            float(attack.k), f"The smallest group of {listed} has {attack.k:,} {counted}.",
            threshold=float(release.source.k),
        ))  # fmt: skip


def _told(release: Release) -> Iterator[MetricResult]:
    """Kept sensitive values that a group gives away, and notes that tell their author."""
    for name in release.source.sensitive:
        share = told_by_group(release.rows, release.quasi, name)
        yield _named(TOLD, name, f"{name} given away by groups", Score(
            share, f"{percent(share)} of the rows are in a group with one value of `{name}`.",
            threshold=0.0 if release.source.l > 1 else None,
        ))  # fmt: skip
    for name in release.notes:
        both = [table.column(name).slice(0, MOST_NOTES).to_pylist()
                for table in (release.real, release.rows)]  # fmt: skip
        attack = authorship_attack(*([text or "" for text in texts] for texts in both))
        yield _named(AUTHOR, name, f"author of {name} picked", Score(
            attack.success,
            f"Of {attack.tries:,} notes, {percent(attack.success)} are matched to their author by"
            " the words that they share with the original notes: stories stay as they were told.",
            baseline=attack.baseline, compared="chance",
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
    ours, theirs = release.rows.select(release.quasi), other.rows.select(other.quasi)
    if release.source.sha256 == other.source.sha256 and release.real.equals(other.real):
        attack = intersection_attack(ours, theirs, release.people)
    else:
        attack = intersection_attack(ours, theirs, whose=_persons(release, other))
    bound = min(release.source.k or 2, other.source.k or 2)
    yield JOINED.result(Score(
        float(attack.k),
        f"Of {attack.tries:,} people in both releases, {percent(attack.alone)} are alone once both"
        " are known.",
        threshold=float(bound),
    ))  # fmt: skip


def _persons(one: Release, other: Release) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Whose the rows of two releases are."""
    person = one.source.person
    if person is None or person != other.source.person:
        raise UsageError(
            "the two releases are of different files, and no column identifies the person of a row",
            code="evaluate.earlier",
            hint="name `person` in both specs",
        )
    ours, theirs = (each.real.column(person).cast(pa.large_string()) for each in (one, other))
    return ours, theirs


def _rates(release: Release) -> Iterator[MetricResult]:
    """Whether learned outcomes are as frequent in each group of people as they were."""
    groups = [name for name in release.kept if name.lower() in PROTECTED]
    parity = release.parity
    if parity is not None:
        yield from _parity(release, parity)
        learned = [*release.kept, *release.learned]
        whole = evaluate(
            release.rows.select(learned), real=release.real.select(learned),
            holdout=release.held.select(learned), metrics=["quality.utility"],
            target=parity.outcome,
        )  # fmt: skip
        # The loss is what was asked for: it is told, and fails nothing.
        yield from (replace(result, threshold=None) for result in whole.tables[0].results)
    for name in release.learned:
        real, made = (table.column(name) for table in (release.real, release.rows))
        labels = real.drop_null().unique()
        if len(labels) > _MOST_LEVELS or pa.types.is_temporal(real.type):
            continue
        for group in groups:
            gap, sentence = _widest(real, made, release.rows.column(group), labels.to_pylist())
            yield _named(RATES, f"{name}_by_{group}", f"{name} rate by {group}", Score(
                gap, sentence, baseline=0.0, compared="real rows",
                threshold=None if parity is not None and name == parity.outcome else DIFFERENCE,
            ))  # fmt: skip


def _parity(release: Release, parity: Parity) -> Iterator[MetricResult]:
    """How far the rates of an outcome that was made equal still differ between groups."""
    rows, gap, said = release.rows, 0.0, "No group is large enough to compare."
    strata = rows.column(parity.within).to_pylist() if parity.within else [None] * rows.num_rows
    for stratum in dict.fromkeys(strata):
        inside = rows.filter(pa.array([other == stratum for other in strata]))
        group, outcomes = inside.column(parity.group), inside.column(parity.outcome)
        for label in outcomes.unique().to_pylist():
            has = _flags(pc.equal(outcomes, label))
            shares = {
                people: float(has[_flags(pc.equal(group, people))].mean())
                for people in group.drop_null().unique().to_pylist()
                if _flags(pc.equal(group, people)).sum() >= _FEWEST
            }
            most = max(shares.values(), default=0.0) - min(shares.values(), default=0.0)
            if shares and most >= gap:
                gap, told = most, ", ".join(f"{percent(v)} of `{k}`" for k, v in shares.items())
                said = f"`{label}` has the share {told} where groups differ most."
    name = f"{parity.outcome}_by_{parity.group}"
    yield _named(PARITY, name, f"{parity.outcome} gap by {parity.group}", Score(
        gap, said, baseline=0.0, compared="ideal", threshold=DIFFERENCE,
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
    """A result of one column under its own name."""
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
        yield f"{action[:1].upper()}{action[1:]}: {', '.join(names)}."
    if source.k:
        counted = f"people (`{source.person}`)" if source.person else "rows; no `person` is named"
        yield f"Made coarser until k = {source.k}: {', '.join(release.quasi)}. k counts {counted}."
    if masking:
        yield f"{masking['status'][:1].upper()}{masking['status'][1:]}."
    yield (
        f"Notes were searched for identifiers: {', '.join(release.notes)}; names that no table"
        " has were searched only where a detector was given."
        if release.notes
        else "No notes were searched: no kept column is free text."
    )
    versions = ", ".join(f"{k} {v}" for k, v in release.manifest.get("versions", {}).items())
    yield (
        f"Seed {release.manifest.get('seed')}, spec {str(release.manifest.get('spec_sha256'))[:12]}"
        f", {percent(source.kept_out)} of the people kept out; {versions}."
    )
    yield "Passing gates is evidence, not proof, of anonymity; kept columns are real."
