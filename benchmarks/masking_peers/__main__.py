"""Masking beside other tools, speed and third parties: `python -m benchmarks.masking_peers TEXTS`.

TEXTS is a folder of labelled texts: JSON with `full_text` and `spans`, or JSON Lines with `text`
and `entities`. The other tools are installed into `.cache/peers` from
`requirements.txt`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.masking import people
from benchmarks.peers import python_of
from fabula.privacy.mask import run, write
from fabula.privacy.notes import Detector, Span, mask_notes
from fabula.privacy.preparing import prepare
from fabula.privacy.secret import new_key

HERE = Path(__file__).parent
ROWS, TEXTS = 50_000, 500
"""Rows of the table, and labelled texts of each file."""


def with_notes(rows: int) -> pa.Table:
    """Customers with notes of 120 characters, four of five of which name their customer."""
    table, rng = people(rows), np.random.default_rng(1)
    prose = [
        f"Called on {day} about a late parcel and asked whether the refund is on its way, {how}"
        for day in ("Monday", "Tuesday", "Friday")
        for how in ("politely", "again", "at last")
    ]
    picks, ways = rng.integers(0, len(prose), rows).tolist(), rng.integers(0, 5, rows).tolist()
    notes = []
    for name, pick, way in zip(table["name"].to_pylist(), picks, ways, strict=True):
        named = (name, name.split()[0], name.upper(), name.split()[-1], "customer")[way]
        notes.append(f"{prose[pick][:60]} {named} {prose[pick][60:]}"[:120].ljust(120, "."))
    return table.append_column("note", pa.array(notes))


def labelled(folder: Path) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """The file, the text, and the labelled values of each text with their kinds."""
    for path in sorted(folder.glob("*.json*")):
        lines = path.read_text(encoding="utf-8")
        rows: list[dict[str, Any]] = (
            json.loads(lines)
            if path.suffix == ".json"
            else list(map(json.loads, lines.splitlines()))
        )
        step = max(1, len(rows) // TEXTS)
        for row in rows[::step][:TEXTS]:
            if "full_text" in row:
                spans = [(s["entity_type"], s["entity_value"]) for s in row["spans"]]
                yield path.stem, row["full_text"], spans
            else:
                spans = [(s["label"], s["text"]) for s in row["entities"]]
                yield path.stem, row["text"], spans


class Found:
    """What another tool found in each text, as a detector of notes."""

    def __init__(self, spans: dict[str, Sequence[Span]]) -> None:
        self._spans = spans

    def find(self, texts: Sequence[str]) -> list[Sequence[Span]]:
        """The places in each text; none in a text that was changed before."""
        return [self._spans.get(text, ()) for text in texts]


def rate(rows: int, work: Any) -> float:
    """Rows per CPU second."""
    start = time.process_time()
    work()
    return rows / (time.process_time() - start)


def ours(table: pa.Table, path: Path, folder: Path) -> dict[str, float]:
    """The speed of Fabula on the same rows."""
    key, plain = folder / "key", table.drop_columns(["note"])
    new_key(key)
    run(prepare(table.slice(0, 500), key_file=key, columns={"note": "drop"}))  # loads word lists
    in_memory = prepare(plain, key_file=key)
    noted = prepare(table, key_file=key, columns={"note": "notes: confirmed"})
    files = prepare([path], key_file=key, columns={"note": "drop"})
    return {
        "Fabula, 5 columns": rate(len(table), lambda: run(in_memory)),
        "Fabula, 5 columns, CSV to CSV": rate(len(table), lambda: write(files, folder / "o.csv")),
        "Fabula, 5 columns and notes": rate(len(table), lambda: run(noted)),
    }


def kept(texts: Sequence[str], detector: Detector | None) -> list[str]:
    """The texts as Fabula writes them, without anything known about anyone."""
    found: list[str] = mask_notes(pa.array(texts), [], detector=detector).texts.to_pylist()
    return found


def without(text: str, spans: Sequence[Span]) -> str:
    """A text without some places."""
    for start, end, _ in sorted(spans, reverse=True):
        text = f"{text[:start]}[]{text[end:]}"
    return text


def main() -> None:
    """Print both tables."""
    texts = list(labelled(Path(sys.argv[1])))
    wanted = [line for line in (HERE / "requirements.txt").read_text().splitlines() if line]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = with_notes(ROWS)
        path, asked, answer = (folder / each for each in ("people.csv", "texts.json", "out.json"))
        pyarrow.csv.write_csv(table, path)
        plain = [text for _, text, _ in texts]
        alone = kept(plain, None)
        asked.write_text(json.dumps([*plain, *alone]))
        figures: dict[str, Any] = {"speed": {}, "failed": {}, "spans": None}
        try:
            python = python_of("masking", *wanted)
            subprocess.run(
                [python, HERE / "peer.py", path, asked, answer],
                check=True,
                stderr=subprocess.DEVNULL,
            )
            figures = json.loads(answer.read_text())
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            print(f"other tools: {error}")
        speed = ours(table, path, folder) | figures["speed"]
    for what, value in speed.items():
        print(f"{what:<40} {value:12,.0f} rows/s")
    for what, why in figures["failed"].items():
        print(f"{what:<40} {why}")
    report(texts, alone, figures["spans"])


def report(
    texts: list[tuple[str, str, list[tuple[str, str]]]], alone: list[str], spans: Any
) -> None:
    """Print by kind how many of the labelled values are left in no text."""
    plain = [text for _, text, _ in texts]
    columns = {"Fabula alone": alone}
    if spans is not None:
        found = [[Span(*each) for each in mine] for mine in spans]
        first, rest = found[: len(plain)], found[len(plain) :]
        columns["Presidio"] = [without(*pair) for pair in zip(plain, first, strict=True)]
        columns["Fabula with it"] = kept(plain, Found(dict(zip(alone, rest, strict=True))))
    total: Counter[tuple[str, str]] = Counter()
    gone: Counter[tuple[str, str, str]] = Counter()
    for at, (file, _, values) in enumerate(texts):
        for kind, value in values:
            total[file, kind] += 1
            for tool, written in columns.items():
                gone[tool, file, kind] += value not in written[at]
    print(f"\n{'values that no text holds afterwards':<50}" + "".join(f"{c:>16}" for c in columns))
    for (file, kind), count in sorted(total.items()):
        shares = "".join(f"{gone[tool, file, kind] / count:16.0%}" for tool in columns)
        print(f"{file:<22}{kind:<20}{count:8}{shares}")


if __name__ == "__main__":
    main()
