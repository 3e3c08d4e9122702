"""Default gates that rows of a new model miss, measured on drawn rows at the end of a fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from fabula.errors import FabulaError
from fabula.evaluation.metrics import diversity
from fabula.evaluation.metrics.coverage import coverage, precision, recall
from fabula.evaluation.metrics.dependence import dependence
from fabula.evaluation.metrics.detection import detection
from fabula.evaluation.metrics.differences import FEW
from fabula.evaluation.metrics.frames import Frames, prepare
from fabula.evaluation.metrics.metric import Metric, measured
from fabula.evaluation.metrics.nearest_records import (
    closer_to_training,
    exact_copies,
    membership,
    near_copies,
)
from fabula.evaluation.metrics.pairs import pairs
from fabula.evaluation.metrics.related_tables import relational
from fabula.evaluation.metrics.result import MetricResult, own_rule, shown
from fabula.evaluation.metrics.rules_across import rules_kept
from fabula.evaluation.metrics.shapes import shapes
from fabula.io.arrays import array_of
from fabula.io.notes import without_notes
from fabula.relationships.keys import Keys
from fabula.synthesizers.catalogue import DEFAULT
from fabula.synthesizers.sampling import Sampler

MOST_ROWS = 5_000
"""Rows of each table that are measured; few rows don't show a bound that is missed narrowly."""

NEAR_ROWS = 2_500
"""Rows whose nearest rows are sought: as many as their bounds need to be those of more rows."""

THOROUGH = 2_000
"""Up to that many rows, metrics that take long for more are measured, too."""

NARROW, NARROW_PRIVACY = 0.1, 0.25
"""Of the way from the baseline to the bound, the last part, in which other rows may miss it.

Privacy is measured on the few rows that were held back.
"""

_HIDDEN = "the {protect} smallest and largest numbers and labels of fewer rows are not reproduced"
_REPLACED = "personal details and rare labels are replaced by others"
_JOINT = "`{model}` preserves less dependence between columns than other models"
_FEW = "the rows are too few to learn how columns depend on each other"
_NEAR = "drawn rows are nearer to training rows than to held-out rows"
_REASONS: Mapping[str, str] = {
    **dict.fromkeys(("shapes", "pairs", "distinct", "entropy"), _REPLACED),
    **dict.fromkeys(("dependence", "detection", "precision"), _JOINT),
    **dict.fromkeys(("recall", "band", "trends", "siblings"), _JOINT),
    **dict.fromkeys(("closer_to_training", "membership", "near_copies"), _NEAR),
    **dict.fromkeys(("exact_copies", "duplicates"), "the table has few different rows"),
    "coverage": _HIDDEN,
}

_UNMEASURED = "warning: no default gate was measured on drawn rows: {error}"


def missed_gates(
    sampler: Sampler, training: pa.Table, holdout: pa.Table, *, model: str, protect: int
) -> tuple[str, ...]:
    """A sentence for each default gate that drawn rows miss, or come near to missing.

    Args:
        sampler: Draws rows of the new model.
        training: The rows that it learned.
        holdout: Rows that it did not see; may be empty.
        model: Its name.
        protect: Labels of fewer rows, and that many extreme numbers, are not reproduced.
    """
    if training.num_rows < FEW:
        return ()
    try:
        drawn = sampler.block(0, 0, min(training.num_rows, MOST_ROWS))
        real, held = (_spread(table.select(drawn.column_names)) for table in (training, holdout))
        frames = prepare(drawn, real, held if held.num_rows else None)
        return tuple(_told(_measured(frames, model), model, protect))
    except FabulaError as error:
        return (_UNMEASURED.format(error=error),)


def missed_by_tables(
    draw: Callable[[float], Mapping[str, pa.Table]],
    tables: Mapping[str, pa.Table],
    keys: Keys,
    *,
    model: str,
    protect: int,
) -> dict[str, tuple[str, ...]]:
    """The same for several tables, by their names; no row of theirs was held back.

    Args:
        draw: Makes new tables of a size in relation to the learned ones.
        tables: The learned tables.
        keys: Their keys.
        model: As for `missed_gates`.
        protect: As for `missed_gates`.
    """
    scale = min(1.0, MOST_ROWS / max(1, *(table.num_rows for table in tables.values())))
    try:
        made = {
            name: table for name, table in draw(scale).items() if min(
                table.num_rows, tables[name].num_rows) >= FEW
        }  # fmt: skip
        real = {name: tables[name].select(made[name].column_names) for name in made}
        few, every = (
            {name: prepare(made[name], part(real[name]), keys=keys.of(name)) for name in made}
            for part in (_spread, without_notes)  # keys lead to rows by their places in all of them
        )
        foreign = [key for key in keys.foreign if key.child in made and key.parent in made]
        related = relational(made, real, every, foreign)
        for name, result in rules_kept(made, real, keys).items():
            related.setdefault(name, []).append(result)
        return {
            name: tuple(
                _told([*_measured(few[name], model), *related.get(name, ())], model, protect)
            )
            for name in made
        }
    except FabulaError as error:
        return dict.fromkeys(tables, (_UNMEASURED.format(error=error),))


def _measured(frames: Frames, model: str) -> list[MetricResult]:
    if not frames.measured:
        return []
    metrics: list[Metric] = [
        shapes, pairs, dependence, coverage, precision, exact_copies,
        diversity.duplicates, diversity.distinct, diversity.entropy,
    ]  # fmt: skip
    thorough = frames.truth.rows <= THOROUGH
    if thorough:
        metrics += [recall, near_copies, diversity.band]
    if thorough or model != DEFAULT:
        metrics.append(detection)
    fewer = replace(
        frames,
        synthetic=frames.sample(frames.synthetic, NEAR_ROWS, "near rows"),
        real=frames.sample(frames.truth, NEAR_ROWS, "near rows"),
        holdout=frames.holdout and frames.sample(frames.holdout, NEAR_ROWS, "near rows"),
    )
    return [
        *measured(metrics, frames, {}),
        *measured([closer_to_training, membership], fewer, {}),
    ]


def _told(results: Iterable[MetricResult], model: str, protect: int) -> Iterator[str]:
    """Gates that are missed, and those that nearly are, with the same reason in one sentence."""
    found: dict[tuple[bool, str], list[str]] = {}
    for result in results:
        if result.passed is None or (result.passed and not _is_narrow(result)):
            continue
        why = _REASONS.get(result.name, "")
        why = _FEW if why == _JOINT and model == DEFAULT else why
        numbers = f"({shown(result, result.value)}, must be {own_rule(result)})"
        told = found.setdefault((result.passed, why.format(model=model, protect=protect)), [])
        told.append(f"`{result.key}` {numbers}")
    for (passed, why), gates in found.items():
        verdict = "come near the bound of" if passed else "miss"
        yield (
            f"warning: drawn rows {verdict} the default gate{'s' * (len(gates) > 1)}"
            f" {', '.join(gates)}" + f": {why}" * bool(why) + "; other rows may miss it" * passed
        )


def _is_narrow(result: MetricResult) -> bool:
    """Whether rows of another seed may be beyond the bound."""
    if None in (result.value, result.threshold, result.baseline):
        return False
    value, bound, base = result.value or 0.0, result.threshold or 0.0, result.baseline or 0.0
    room = abs(bound - base)
    part = NARROW_PRIVACY if result.section == "privacy" else NARROW
    return room > 0 and abs(value - bound) < part * room


def _spread(table: pa.Table) -> pa.Table:
    """Rows in even distances."""
    if table.num_rows <= MOST_ROWS:
        return table
    return table.take(array_of(np.linspace(0, table.num_rows - 1, MOST_ROWS).astype(np.int64)))
