"""Do attackers gain from having been sampled: `python benchmarks/attacks.py TABLE.csv… SECRET`.

Joins the tables, fits one half of the rows, samples as many, and lets Anonymeter (Giomi et al.
2023; installed once into `.cache/peers`) attack them: singling out, linkability and inference of
the secret column. An attack that succeeds against the learned half as often as against the other
one learns nothing about a person whose row was used. The halves are of one size, because the
more rows, the fewer can be singled out. `--model NAME` (repeatable), `--attacks N`.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from peers import python_of

SCRIPT = Path(__file__).parent / "attacking" / "by_anonymeter.py"


def main() -> None:
    """Attack the samples of each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="tables of the same columns, and the secret one")
    parser.add_argument("--model", action="append", help="a model; repeatable")
    parser.add_argument("--attacks", type=int, default=1_000)
    asked = parser.parse_args()
    import fabula as fb

    python = python_of("anonymeter", "anonymeter", "pandas<3")
    *files, secret = asked.files
    learned, unseen = halves(files)
    for model in asked.model or ["boosted"]:
        made = fb.fit(learned, model=model, holdout=0).sample(learned.num_rows)
        with tempfile.TemporaryDirectory() as folder:
            places = [str(Path(folder) / name) for name in ("learned", "made", "unseen")]
            for place, rows in zip(places, (learned, made, unseen), strict=True):
                pyarrow.csv.write_csv(rows, place)
            command = [python, str(SCRIPT), *places, secret, str(asked.attacks)]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        print(f"{model}, {learned.num_rows:,} rows: success against learned and unseen rows (95 %)")
        for attack, figures in json.loads(told.splitlines()[-1]).items():
            seen, other, *widths = figures
            verdict = "as often" if seen - other <= math.hypot(*widths) else "more often"
            shown = f"{seen:.3f} ± {widths[0]:.3f}   {other:.3f} ± {widths[1]:.3f}"
            print(f"  {attack:28} {shown}   {verdict}", flush=True)


def halves(files: list[str]) -> tuple[pa.Table, pa.Table]:
    """Two tables of equally many rows, drawn at random from the rows of all files."""
    from fabula.io.tables import as_table

    first, *others = [as_table(file) for file in files]
    rows = pa.concat_tables([first, *(other.cast(first.schema) for other in others)])
    order = np.random.default_rng(0).permutation(rows.num_rows)
    half = rows.num_rows // 2
    return rows.take(pa.array(order[:half])), rows.take(pa.array(order[half : 2 * half]))


if __name__ == "__main__":
    main()
