"""Several tables learned, by Fabula and by SDV's HMA, each in a process of its own.

Usage: FABULA_TEST_DATA=DIR python benchmarks/related.py

First come generated tables whose dependence is known (ten of 59,000 rows, four of 31,000). Then
DIR/relational holds a folder a database, with a CSV file a table (Chinook, Northwind); without
FABULA_TEST_DATA these are left out. `mutual information kept` is that of pairs of columns: of a
child and its parent, its grandparent, and of two parents of one child, the mean of two samples.
After it stands what would be kept if all that is lost were what protection pools: the rare labels
and the extreme numbers, which are many where a table has few rows.
SDV's community edition takes only a few tables, two levels deep, without composite keys and without
tables that point at themselves: it is asked for everything, and then for the largest part of each
database that it takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from content import kept, made_anew, shown, told
from generated_tables import clinic, retail
from peers import python_of

from fabula.relationships.keys import ForeignKey, Keys
from fabula.synthesizers.multitable.database import fit_tables
from fabula.synthesizers.multitable.foreign_keys import row_links

HERE = Path(__file__).parent
DECLARED = {
    "chinook": {"Customer.SupportRepId": "Employee.EmployeeId"},
    "northwind": {"orders.shipVia": "shippers.shipperID"},
}
PARTS = {
    "chinook": ("Album", "Track"),
    "northwind": ("customers", "orders"),
}
"""What SDV's community edition takes of each database."""

Tables = Mapping[str, pa.Table]


def main() -> None:
    """Measure and print."""
    print(
        f"{'database':22} {'tool':8} {'fit CPU s':>9} {'sample':>7}  keys  worst KS   trends"
        "  mutual information kept: one hop, two, both parents; the most that protection leaves"
    )
    for generated in (retail, clinic):
        by_fabula(generated.__name__, generated(), {})
    place = os.environ.get("FABULA_TEST_DATA")
    if place is None:
        sys.exit("set FABULA_TEST_DATA to the folder with the real data sets for the others")
    for folder in sorted((Path(place) / "relational").iterdir()):
        tables = {path.stem: pa.csv.read_csv(path) for path in sorted(folder.glob("*.csv"))}
        for part in (tuple(tables), PARTS.get(folder.name, ())):
            some = {name: tables[name] for name in part}
            if not some:
                continue
            declared = {
                child: parent
                for child, parent in DECLARED.get(folder.name, {}).items()
                if {child.split(".")[0], parent.split(".")[0]} <= set(some)
            }
            title = (
                folder.name if len(some) == len(tables) else f"{folder.name}, {len(some)} tables"
            )
            learned, keys = by_fabula(title, some, declared)
            by_hma(title, learned, keys, folder)


def by_fabula(title: str, tables: Tables, declared: Mapping[str, str]) -> tuple[Tables, Keys]:
    """Fit and sample with Fabula; gives the tables with the columns that it made, and the keys."""
    started = time.process_time()
    model = fit_tables(tables, keys=declared, seed=1, workers=1)
    fitted = time.process_time()
    made = model.sample(seed=2)
    done = time.process_time()
    learned = {name: table.select(made[name].column_names) for name, table in tables.items()}
    new, foreign = made_anew(model), list(model.keys.foreign)
    tables_shown = {name: rows.select(made[name].column_names)
                    for name, rows in shown(learned, model).items()}  # fmt: skip
    content = [told(learned, each, foreign, new) for each in (made, model.sample(seed=3))]
    most = told(learned, tables_shown, foreign, new)
    shares = [
        float(np.mean([kept(found, hops) for found in each]))
        for each in (content, [most])
        for hops in ("one", "two", "both")
    ]
    show(
        f"{title:22} Fabula", (fitted - started, done - fitted), learned, made, model.keys,
        more="".join(f"  {share:.3f}" for share in shares),
    )  # fmt: skip
    return learned, model.keys


def by_hma(title: str, tables: Tables, keys: Keys, folder: Path) -> None:
    """Fit and sample with SDV."""
    try:
        python = python_of("sdv")
    except RuntimeError as error:
        print(f"{title:22} SDV is left out: {error}")
        return
    told = {
        "primary": {name: _only(keys.primary.get(name, ())) for name in tables},
        "foreign": [
            (key.child, key.columns[0], key.parent, key.key[0])
            for key in keys.foreign
            if key.parent in tables
        ],
        "main": next(name for name in tables if name not in {key.child for key in keys.foreign}),
    }
    with tempfile.TemporaryDirectory() as out:
        command = [python, str(HERE / "fitting" / "by_hma.py"), str(folder), out, json.dumps(told)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            print(f"{title:22} {'SDV HMA':8} refuses: {lines[-1][:150]}")
            return
        measured = json.loads(done.stdout.splitlines()[-1])
        made = {name: pa.csv.read_csv(Path(out) / f"{name}.csv") for name in tables}
        show(f"{title:22} SDV HMA", (measured["fit"], measured["sample"]), tables, made, keys)


def show(
    title: str,
    seconds: tuple[float, float],
    real: Tables,
    made: Tables,
    keys: Keys,
    *,
    more: str = "",
) -> None:
    """Print a line: keys that resolve, the worst distance of numbers of children, trends, more."""
    foreign = [key for key in keys.foreign if key.parent in real]
    valid, worst = 0, 0.0
    for key in foreign:
        try:
            here = row_links(made, key)
        except Exception:  # a key that does not resolve is what is counted
            continue
        valid += 1
        worst = max(worst, distance(children(real, key), np.bincount(
            here[here >= 0], minlength=made[key.parent].num_rows
        )))  # fmt: skip
    trend = trends(real, made, foreign)
    print(
        f"{title:31} {seconds[0]:9.1f} {seconds[1]:7.1f} {valid:3}/{len(foreign):<3}"
        f" {worst:7.3f}  {trend:8.3f}{more}",
        flush=True,
    )


def children(tables: Tables, key: ForeignKey) -> np.ndarray:
    """Children of each parent."""
    rows = row_links(tables, key)
    return np.bincount(rows[rows >= 0], minlength=tables[key.parent].num_rows)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Kolmogorov-Smirnov."""
    grid = np.union1d(first, second)
    shares = [np.searchsorted(np.sort(x), grid, "right") / len(x) for x in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())


def trends(real: Tables, made: Tables, foreign: list[ForeignKey]) -> float:
    """Mean fit of a parent's column and a child's, over columns that both tools made.

    One minus the total variation of the joint table of each pair: numbers in five equally
    frequent parts, the ten most frequent labels, everything else together.
    """
    scores = []
    for key in foreign:
        if key.parent == key.child:
            continue
        try:
            links = [row_links(tables, key) for tables in (real, made)]
        except Exception:
            continue
        keyed = {column for other in foreign for column in (*other.columns, *other.key)}
        above = [c for c in real[key.parent].column_names if c not in keyed]
        below = [c for c in real[key.child].column_names if c not in keyed]
        for first in above:
            for second in below:
                pairs = [
                    _cells(real[key.parent][first], tables[key.parent][first])[rows[rows >= 0]]
                    + 100 * _cells(real[key.child][second], tables[key.child][second])[rows >= 0]
                    for tables, rows in zip((real, made), links, strict=True)
                ]
                shares = [np.bincount(pair, minlength=2000) / max(len(pair), 1) for pair in pairs]
                scores.append(1 - np.abs(shares[0] - shares[1]).sum() / 2)
    return float(np.mean(scores)) if scores else float("nan")


def _cells(real: pa.ChunkedArray, values: pa.ChunkedArray) -> np.ndarray:
    """Values as cells of the real column."""
    if pa.types.is_integer(real.type) or pa.types.is_floating(real.type):
        known = real.drop_null().cast(pa.float64()).to_numpy()
        edges = np.unique(np.quantile(known, [0.2, 0.4, 0.6, 0.8])) if len(known) else []
        numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return np.where(np.isnan(numbers), 9, np.searchsorted(edges, numbers))
    counts = real.cast(pa.string()).value_counts().to_pylist()
    common = sorted(counts, key=lambda item: -item["counts"])[:10]
    place = {item["values"]: at for at, item in enumerate(common)}
    return np.array([place.get(value, 11) for value in values.cast(pa.string()).to_pylist()])


def _only(key: tuple[str, ...]) -> str | None:
    return key[0] if len(key) == 1 else None


if __name__ == "__main__":
    main()
