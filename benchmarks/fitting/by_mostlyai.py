"""MOSTLY AI's engine: `by_mostlyai.py medium TRAIN.csv ROWS OUT.csv`."""

import sys

import pandas as pd
from mostlyai.engine import TabularARGN
from timing import Timing


def main() -> None:
    """Fit, sample, write, report."""
    _, train, rows, out = sys.argv[1:5]
    data = pd.read_csv(train)
    with Timing() as timing:
        model = TabularARGN(device="cpu", random_state=0)
        model.fit(data)
        timing.lap("fit")
        made = model.sample(n_samples=int(rows))
        timing.lap("sample")
    made.to_csv(out, index=False)


if __name__ == "__main__":
    main()
