"""SDV's synthesizers: `by_sdv.py MODEL TRAIN.csv ROWS OUT.csv`."""

import sys

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer, GaussianCopulaSynthesizer, TVAESynthesizer
from timing import Timing

MODELS = {
    "gaussian-copula": (GaussianCopulaSynthesizer, {}),
    "ctgan": (CTGANSynthesizer, {"epochs": 40}),
    "tvae": (TVAESynthesizer, {"epochs": 60}),
}
"""Epochs are fewer than SDV's 300, which would take hours; the table says so."""


def main() -> None:
    """Fit, sample, write, report."""
    name, train, rows, out = sys.argv[1:5]
    data = {"data": pd.read_csv(train)}
    with Timing() as timing:
        metadata = Metadata.detect_from_dataframes(data)
        synthesizer, options = MODELS[name]
        model = synthesizer(metadata, **options)
        model.fit(data)
        timing.lap("fit")
        made = model.sample(int(rows))
        timing.lap("sample")
    made = made["data"] if isinstance(made, dict) else made
    made.to_csv(out, index=False)


if __name__ == "__main__":
    main()
