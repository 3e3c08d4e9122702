"""Anonymeter's three attacks, run by `benchmarks/attacks.py` in an environment of its own.

Arguments: training rows, sampled rows and held-out rows as CSV files, the secret column, and the
number of attacks. Prints one JSON object: by attack its success against training rows, against
held-out rows, and half the width of their 95 % intervals.
"""

import json
import sys
import warnings

import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator


def main() -> None:
    """Attack and tell."""
    warnings.simplefilter("ignore")
    *files, secret, count = sys.argv[1:]
    real, made, held = (pd.read_csv(file) for file in files)
    known = [name for name in real.columns if name in made.columns]
    tables = {
        name: table[known].astype(dict.fromkeys(texts(real[known]), object))
        for name, table in (("ori", real), ("syn", made), ("control", held))
    }
    n = int(count)
    others = [name for name in known if name != secret]
    sides = (known[::2], known[1::2])
    limits = {"n_attacks": n, "seed": 0, "max_attempts": 50 * n}
    found = {
        "singling out, one column": (SinglingOutEvaluator(**tables, **limits), "univariate"),
        "singling out, four columns": (
            SinglingOutEvaluator(**tables, n_cols=4, **limits),
            "multivariate",
        ),
        "linkability": (LinkabilityEvaluator(**tables, n_attacks=n, aux_cols=sides), None),
        "attribute inference": (
            InferenceEvaluator(**tables, aux_cols=others, secret=secret, n_attacks=n),
            None,
        ),
    }
    print(json.dumps({attack: success(*pair) for attack, pair in found.items()}))


def texts(table: pd.DataFrame) -> list[str]:
    """Columns of texts, which Anonymeter knows as objects only."""
    return [str(name) for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]


def success(evaluator: object, mode: str | None) -> list[float]:
    """Rates against training and held-out rows, and half the widths of their intervals."""
    evaluator.evaluate(**({"mode": mode} if mode else {"n_jobs": 1}))
    told = evaluator.results(confidence_level=0.95)
    rates = (told.attack_rate, told.control_rate)
    return [float(rate.value) for rate in rates] + [float(rate.error) for rate in rates]


if __name__ == "__main__":
    main()
