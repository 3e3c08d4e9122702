"""One column in several types is read alike, or named; never compared in silence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import SourceError

ROWS = 120
RNG = np.random.default_rng(0)
FLAGS = RNG.random(ROWS) < 0.3
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(int(day)) for day in RNG.integers(0, 300, ROWS)]
NUMBERS = RNG.integers(1, 6, ROWS)
PAIRS = "yes/no Yes/No YES/NO Y/N ja/nein Ja/Nein J/N oui/non sí/no si/no on/off true/false 1/0"


def words(pair: str) -> list[str]:
    yes, no = pair.split("/")
    return [yes if flag else no for flag in FLAGS]


def table(values: Any) -> pa.Table:
    return pa.table({"v": values, "n": NUMBERS * 1.5})


def csv(path: Path, values: Any) -> Path:
    """The column as a program would write it."""
    shown = [str(value) for value in values]
    text = "v,n\n" + "".join(f'"{value}",{n}.5\n' for value, n in zip(shown, NUMBERS, strict=True))
    path.write_text(text, encoding="utf-8")
    return path


def shape(made: Any, real: Any) -> tuple[float, str]:
    report = fb.evaluate(made, real=real, sections=["quality"])
    return report.scores["quality.shapes"], " ".join(report.tables[0].notes)


@pytest.mark.parametrize("pair", PAIRS.split())
def test_words_beside_flags_are_flags_in_files_and_frames(pair: str, tmp_path: Path) -> None:
    score, said = shape(table(words(pair)), table(FLAGS))
    assert score == 1
    assert "`v` holds" in said
    files = csv(tmp_path / "made.csv", words(pair)), csv(tmp_path / "real.csv", FLAGS)
    assert shape(*files)[0] == 1
    if pair != "1/0":
        ones = FLAGS.astype(int)
        assert shape(table(words(pair)), table(ones))[0] == 1
        assert shape(table(ones), table(words(pair)))[0] == 1


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d %b %Y", "%Y-%m-%dT00:00:00Z"]
)
def test_written_dates_beside_dates_are_dates(form: str, tmp_path: Path) -> None:
    written = [day.strftime(form) for day in DAYS]
    assert shape(table(written), table(DAYS))[0] == 1
    assert shape(csv(tmp_path / "made.csv", written), csv(tmp_path / "real.csv", DAYS))[0] == 1


@pytest.mark.parametrize(
    ("made", "real", "said"),
    [
        (words("male/female"), FLAGS, "text in the synthetic table and flags in the real table"),
        ([f"0{n}" for n in NUMBERS], NUMBERS, "text in the synthetic table and numbers"),
        (NUMBERS, [f"0{n}" for n in NUMBERS], "compared as text"),
        (words("YES/NO"), words("yes/no"), "No label of `v` in the synthetic table"),
    ],
)
def test_what_is_not_read_alike_is_named(made: Any, real: Any, said: str) -> None:
    assert said in shape(table(made), table(real))[1]


@pytest.mark.parametrize(
    ("made", "real"),
    [
        ([f"c{n}" for n in NUMBERS], NUMBERS),
        ([f"{n},5" for n in NUMBERS], NUMBERS + 0.5),
        ([day.year for day in DAYS], DAYS),
        (NUMBERS, [dt.timedelta(seconds=int(n)) for n in NUMBERS]),
        ([dt.time(int(n)) for n in NUMBERS], DAYS),
        ([dt.date(2024, 2, 3).strftime("%d/%m/%Y")] * ROWS, DAYS),
    ],
)
def test_what_can_not_be_compared_is_an_error_that_names_the_column(made: Any, real: Any) -> None:
    """The last one is written with a day and a month that can be either."""
    with pytest.raises(SourceError, match="column `v` holds") as caught:
        shape(table(made), table(real))
    assert caught.value.code == "evaluate.types"
