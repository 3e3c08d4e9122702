"""k-anonymity on Adult: k under both readings, blank cells, AUC, CPU seconds; pyCANON as a judge.

    python -m benchmarks.kanonymity TRAIN.csv TEST.csv [--pycanon PYTHON]

`--pycanon` names an interpreter of an environment that has pyCANON, which counts k by itself.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.csv

import fabula as fb
from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.metrics.utility import model_score, outcome_column

QUASI = ["age", "sex", "race", "marital_status", "education", "native_country"]
TARGET = "income"
SEEDS = 3

_JUDGE = """
import sys, pandas as pd
from pycanon import anonymity
frame = pd.read_csv(sys.argv[1], keep_default_na=False, dtype=str)
print(anonymity.k_anonymity(frame, sys.argv[2].split(",")))
"""


def auc(train: pa.Table, test: pa.Table) -> float:
    """The mean AUC of models of the target."""
    found = []
    for seed in range(SEEDS):
        frames = prepare(train, train, test, seed=seed)
        assert frames.holdout is not None
        score = model_score(
            frames, outcome_column(frames, TARGET), frames.synthetic, frames.holdout
        )
        found.append(score or 0.5)
    return float(np.mean(found))


def main() -> None:
    """Measure releases of k = 5 and k = 10."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--pycanon", type=Path)
    given = parser.parse_args()
    train, test = (pa.csv.read_csv(path) for path in (given.train, given.test))
    print(f"original AUC {auc(train, test):.4f}")
    fewer = [table.drop_columns(QUASI) for table in (train, test)]
    print(f"without the quasi-identifiers AUC {auc(*fewer):.4f}")
    for k in (5, 10):
        start = time.process_time()
        made = fb.generalise(train, quasi=QUASI, k=k)
        rows = made.table
        seconds = time.process_time() - start
        print(
            f"k = {k}: {made.after.k}, as wildcards {made.after.k_wildcard}; cells blank"
            f" {100 * made.blank_share:.2f} %; AUC {auc(rows, test):.4f}; {seconds:.2f} CPU s"
        )
        if given.pycanon is not None:
            with TemporaryDirectory() as folder:
                path = Path(folder) / "release.csv"
                pa.csv.write_csv(rows, path)
                command = [str(given.pycanon), "-c", _JUDGE, str(path), ",".join(QUASI)]
                told = subprocess.run(command, capture_output=True, text=True, check=True)
            print(f"  pyCANON counts k = {told.stdout.strip()}")


if __name__ == "__main__":
    main()
