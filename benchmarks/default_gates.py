"""Which default gates do rows of each model miss: `python benchmarks/default_gates.py FILE...`.

Each model learns each file as the guides say: `fit` with its defaults, as many rows as it learned
from, `evaluate` with the whole file as `real`, the model's holdout, and the default gates. Without
files, the sets that scikit-learn ships. `--model NAME` asks some models only, `--rows N` takes so
many rows of a longer file, `--seeds N` repeats the whole.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

SHIPPED = ("breast_cancer", "diabetes")


def main() -> None:
    """Measure every model that is asked for on every set."""
    from fabula.synthesizers.catalogue import SYNTHESIZERS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--model", action="append", help="a model; repeatable")
    parser.add_argument("--rows", type=int, help="rows of a longer file that are taken")
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    models = asked.model or [name for name in SYNTHESIZERS if name != "private"]
    for name, table in tables(asked.files):
        for model in models:
            for seed in range(asked.seeds):
                show(name, shortened(table, asked.rows), model, seed)


def tables(files: list[str]) -> Iterator[tuple[str, pa.Table]]:
    """The tables of files, or those that scikit-learn ships."""
    from fabula.io.tables import as_table

    for file in files:
        yield Path(file).stem, as_table(file)
    if not files:
        from sklearn import datasets

        for name in SHIPPED:
            yield name, as_table(getattr(datasets, f"load_{name}")(as_frame=True).frame)


def shortened(table: pa.Table, rows: int | None) -> pa.Table:
    """The same rows by chance, in their order, of a table that has more than wanted."""
    if rows is None or table.num_rows <= rows:
        return table
    chosen = np.random.default_rng(0).choice(table.num_rows, rows, replace=False)
    return table.take(pa.array(np.sort(chosen)))


def show(name: str, table: pa.Table, model: str, seed: int) -> None:
    """Fit, sample, evaluate; print the gates that are missed."""
    import fabula as fb

    started = time.process_time()
    synthesizer = fb.fit(table, model=model, seed=seed)
    rows = synthesizer.sample(synthesizer.card().rows, seed=seed)
    report = fb.evaluate(rows, real=table, holdout=synthesizer.holdout, gates=True, seed=seed)
    spent = time.process_time() - started
    judged = [gate for gate in report.gates if gate.passed is not None]
    missed = [gate for gate in judged if not gate.passed]
    head = f"{name:14} {table.num_rows:>6,} rows  {model:8} seed {seed}  {spent:5.1f} CPU s  "
    kept = f"{len(judged) - len(missed)}/{len(judged)} gates"
    print(head + kept, flush=True)
    for gate in missed:
        print(f"    misses {gate.metric}: {gate.value}, must be {gate.rule}", flush=True)
    for note in synthesizer.card().notes:
        if "warning" in note:
            print(f"    card: {note}", flush=True)


if __name__ == "__main__":
    main()
