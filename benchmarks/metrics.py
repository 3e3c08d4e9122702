"""Do Fabula's metrics agree with others, and how fast are they: `python benchmarks/metrics.py`.

Compares with SDMetrics and Anonymeter where they are installed, on data that scikit-learn ships,
and on a table of yours: `python benchmarks/metrics.py REAL.csv HOLDOUT.csv`. The synthetic rows
are real ones that were held back, with a third replaced by copies, so that attacks have
something to find. Prints values, differences and ratios of CPU time (theirs over ours).

The peers are installed once into a place of their own, and this file is run there::

    uv venv .cache/peers/metrics
    uv pip install --python .cache/peers/metrics -e '.[learned]' sdmetrics anonymeter
    .cache/peers/metrics/bin/python benchmarks/metrics.py
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from fabula.evaluation.metrics import attacks, coverage, nearest_records
from fabula.evaluation.metrics.frames import Frames, prepare
from fabula.evaluation.metrics.pairs import compared_pairs, pairs
from fabula.evaluation.metrics.shapes import column_scores, shapes

ATTACKS = 500


def main() -> None:
    """Compare on every data set, and time a whole report."""
    warnings.simplefilter("ignore")
    for name, real, synthetic, holdout in data_sets():
        rows = [f"{table.num_rows:,}" for table in (real, synthetic, holdout)]
        print(f"\n{name}: {' real, '.join(rows[:2])} synthetic, {rows[2]} held back")
        frames = prepare(synthetic, real, holdout)
        for compare in (sdmetrics_quality, sdmetrics_privacy, anonymeter_attacks):
            try:
                compare(frames, *map(frame_of, (real, synthetic, holdout)))
            except ImportError as error:
                print(f"  {compare.__name__}: {error.name} is not installed")
    whole_report()


def whole_report(rows: int = 50_000) -> None:
    """The time of every metric and picture of 50,000 rows of 20 columns, holdout included."""
    from fabula.evaluation.evaluate import evaluate

    def people(seed: int, n: int) -> pa.Table:
        rng = np.random.default_rng(seed)
        common = rng.normal(size=(n, 4))
        columns = {f"number_{at}": common[:, at % 4] + rng.normal(size=n) for at in range(12)}
        for at, labels in enumerate((2, 2, 3, 5, 8, 12, 40, 300)):
            codes = np.abs(common[:, at % 4] + rng.normal(size=n)) * labels / 3
            names = np.array([f"label {code}" for code in range(labels)])
            columns[f"label_{at}"] = names[np.minimum(codes.astype(int), labels - 1)]
        return pa.table(columns)

    start = time.perf_counter()
    report, cpu = timed(
        lambda: evaluate(
            people(1, rows), real=people(2, rows), holdout=people(3, rows // 2),
            target="label_0", protected=["label_1"],
        )
    )  # fmt: skip
    wall = time.perf_counter() - start
    size = len(report.to_html()) / 1e6
    print(f"whole report of {rows:,} x 20: {cpu:.0f} s CPU, {wall:.0f} s, page of {size:.1f} MB")


def frame_of(table: pa.Table) -> Any:
    """A pandas frame whose texts are objects, which is what the peers know."""
    frame = table.to_pandas()
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    return frame.astype(dict.fromkeys(texts, object))


def data_sets() -> Iterator[tuple[str, pa.Table, pa.Table, pa.Table]]:
    """Name, real, synthetic and held-back rows."""
    if len(sys.argv) == 3:
        real, holdout = (pa.csv.read_csv(path) for path in sys.argv[1:])
        yield Path(sys.argv[1]).stem, *split(real), holdout
    from sklearn import datasets

    for name in ("breast_cancer", "diabetes"):
        frame = getattr(datasets, f"load_{name}")(as_frame=True, **_unscaled(name)).frame
        table = pa.Table.from_pandas(frame, preserve_index=False)
        table = table.set_column(table.num_columns - 1, "target", label(table["target"].to_numpy()))
        middle = table.num_rows * 2 // 3
        order = np.random.default_rng(1).permutation(table.num_rows)
        table = table.take(pa.array(order))
        yield name, *split(table.slice(0, middle)), table.slice(middle)


def _unscaled(name: str) -> dict[str, Any]:
    return {"scaled": False} if name == "diabetes" else {}


def label(values: Any) -> pa.Array:
    """A target as two labels."""
    return pa.array(np.where(values > np.median(values) - 1e-9, "high", "low"))


def split(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Real rows, and synthetic ones of which a third are copies."""
    order = np.random.default_rng(0).permutation(table.num_rows)
    half = len(order) // 2
    real, other = table.take(pa.array(order[:half])), table.take(pa.array(order[half:]))
    return real, pa.concat_tables([real.slice(0, half // 3), other.slice(half // 3)])


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and its CPU seconds."""
    start = time.process_time()
    return work(), time.process_time() - start


def line(name: str, ours: float, theirs: float, ratio: float, note: str = "") -> None:
    """One comparison."""
    print(
        f"  {name:28} ours {ours:7.4f}  theirs {theirs:7.4f}  differ {abs(ours - theirs):.4f}"
        f"  speed x{ratio:,.1f}  {note}"
    )


def sdmetrics_quality(frames: Frames, real: Any, made: Any, _: Any) -> None:
    """Shapes, pairs and coverage against SDMetrics."""
    from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
    from sdmetrics.single_column import CategoryCoverage, KSComplement, RangeCoverage, TVComplement

    numbers = [column.name for column in frames.measured if column.family == "number"]
    labels = [column.name for column in frames.of("category")]

    def their_shapes() -> dict[str, float]:
        scores = {n: KSComplement.compute(real[n], made[n]) for n in numbers}
        return scores | {n: TVComplement.compute(real[n], made[n]) for n in labels}

    (result, ours_s), (theirs, theirs_s) = timed(lambda: shapes(frames)), timed(their_shapes)
    ours = column_scores(frames, frames.truth, frames.synthetic)
    worst = max(abs(ours[name] - theirs[name]) for name in ours)
    mean = float(np.mean([theirs[name] for name in ours]))
    line("shapes", result.value or 0, mean, theirs_s / ours_s, f"largest of a column {worst:.4f}")

    def their_pairs() -> dict[tuple[str, str], float]:
        found = {}
        for pair in ours_pairs:
            columns = [pair.first, pair.second]
            numeric = [name for name in columns if name in numbers]
            if len(numeric) == 2:
                score = CorrelationSimilarity.compute(real[columns], made[columns])
            else:
                score = ContingencySimilarity.compute(
                    real[columns].copy(), made[columns].copy(), continuous_column_names=numeric
                )
            found[pair.first, pair.second] = score
        return found

    ours_pairs = compared_pairs(frames, frames.truth, frames.synthetic)
    result, ours_s = timed(lambda: pairs(frames))
    their_scores, theirs_s = timed(their_pairs)
    worst = max(abs(p.score - their_scores[p.first, p.second]) for p in ours_pairs)
    mean = float(np.mean(list(their_scores.values())))
    line("pairs", result.value or 0, mean, theirs_s / ours_s, f"largest of a pair {worst:.4f}")

    def their_coverage() -> float:
        scores = [RangeCoverage.compute(real[n], made[n]) for n in numbers]
        scores += [CategoryCoverage.compute(real[n], made[n]) for n in labels]
        return float(np.nanmean(scores))

    result, ours_s = timed(lambda: coverage.coverage(frames))
    mean, theirs_s = timed(their_coverage)
    line("coverage", result.value or 0, mean, theirs_s / ours_s)


def sdmetrics_privacy(frames: Frames, real: Any, made: Any, held: Any) -> None:
    """Copies and closeness to training against SDMetrics."""
    from sdmetrics.single_table import DCROverfittingProtection, NewRowSynthesis

    sdtypes = {"number": "numerical", "category": "categorical", "moment": "datetime"}
    metadata = {"columns": {c.name: {"sdtype": sdtypes[c.family]} for c in frames.measured}}
    names = [column.name for column in frames.measured]
    real, made, held = (frame[names] for frame in (real, made, held))
    result, ours_s = timed(lambda: nearest_records.exact_copies(frames))
    new, theirs_s = timed(
        lambda: NewRowSynthesis.compute(
            real, made, metadata, numerical_match_tolerance=0.0, synthetic_sample_size=2_000
        )
    )
    line("exact copies", result.value or 0, 1 - new, theirs_s / ours_s, "theirs on 2,000 rows")
    result, ours_s = timed(lambda: nearest_records.closer_to_training(frames))
    found, theirs_s = timed(
        lambda: DCROverfittingProtection.compute_breakdown(
            real, made, held, metadata, num_rows_subsample=2_000
        )
    )
    share = found["synthetic_data_percentages"]["closer_to_training"]
    note = "other distance; theirs on at most 2,000 rows of each table"
    line("closer to training", result.value or 0, share, theirs_s / ours_s, note)


def anonymeter_attacks(frames: Frames, real: Any, made: Any, held: Any) -> None:
    """The three attacks against Anonymeter, as risks beyond the holdout."""
    from anonymeter.evaluators import (
        InferenceEvaluator,
        LinkabilityEvaluator,
        SinglingOutEvaluator,
    )

    names = [column.name for column in frames.measured]
    real, made, held = (frame[names] for frame in (real, made, held))
    n = min(ATTACKS, len(real), len(held))
    secret = (frames.of("category") or frames.measured)[-1].name

    def risk(evaluator: Any, **options: Any) -> float:
        evaluator.evaluate(**options)
        return float(evaluator.risk(confidence_level=0.95).value)

    width = attacks.PREDICATE_COLUMNS
    ours, ours_s = timed(lambda: attacks.singling_out(frames))
    theirs, theirs_s = timed(
        lambda: risk(
            SinglingOutEvaluator(
                ori=real, syn=made, control=held, n_attacks=n, n_cols=width, seed=0,
                max_attempts=20_000,
            ),
            mode="multivariate",
        )
    )  # fmt: skip
    line("singling out", ours.value or 0, theirs, theirs_s / ours_s)
    ours, ours_s = timed(lambda: attacks.linkability(frames))
    sides = tuple(ours.details["split"])
    theirs, theirs_s = timed(
        lambda: risk(
            LinkabilityEvaluator(ori=real, syn=made, control=held, n_attacks=n, aux_cols=sides),
            n_jobs=1,
        )
    )
    line("linkability", ours.value or 0, theirs, theirs_s / ours_s, "other distance")
    ours, ours_s = timed(lambda: attacks.attribute_inference(frames))
    others = [name for name in names if name != secret]
    theirs, theirs_s = timed(
        lambda: risk(
            InferenceEvaluator(
                ori=real, syn=made, control=held, aux_cols=others, secret=secret, n_attacks=n
            ),
            n_jobs=1,
        )
    )
    ours_secret = ours.details["columns"][secret]
    note = f"of `{secret}`; ours tries all {len(names)} columns in that time"
    line("attribute inference", ours_secret, theirs, theirs_s / ours_s, note)


if __name__ == "__main__":
    main()
