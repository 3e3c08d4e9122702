"""Numbers that follow the hour, weekday, month or day of a time do so in good synthetic rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.metrics.result import MetricResult
from fabula.evaluation.metrics.rhythms import rhythms

COURSES = {
    "hour": lambda times: times.astype("M8[h]").astype(int) % 24,
    "weekday": lambda times: (times.astype("M8[D]").astype(int) + 3) % 7,
    "month": lambda times: times.astype("M8[M]").astype(int) % 12,
    "day": lambda times: (times.astype("M8[D]") - times.astype("M8[M]")).astype(int),
}


def rides(part: str, seed: int, *, kept: bool = True) -> pa.Table:
    """Rides over three years whose number follows a part of their time, or does not."""
    rng = np.random.default_rng(seed)
    times = np.datetime64("2022-01-01", "s") + rng.integers(0, 3 * 365 * 86_400, 2_000)
    course = COURSES[part](times).astype(float)
    rides = 10 * course + rng.normal(0, course.std() * 3, 2_000)
    return pa.table({"time": times, "rides": rides if kept else rng.permutation(rides)})


def measured(part: str, *, kept: bool) -> MetricResult:
    """The metric for another sample of rides."""
    frames = prepare(rides(part, 1, kept=kept), rides(part, 2), rides(part, 3))
    return rhythms(frames)


@pytest.mark.parametrize("part", COURSES)
def test_a_course_that_is_lost_fails_and_one_that_is_kept_passes(part: str) -> None:
    good, bad = measured(part, kept=True), measured(part, kept=False)
    assert good.passed
    assert bad.passed is False
    assert f"`{part} of time`" in bad.sentence


def test_a_table_whose_times_say_nothing_is_not_measured() -> None:
    still = [rides("hour", seed, kept=False) for seed in (1, 2, 3)]
    result = rhythms(prepare(*still))
    assert result.value is None
    assert result.sentence.startswith("Not measured: nothing depends on the hours")


def test_both_faces_measure_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """And a table without times has no such number."""
    real, made = rides("hour", 1), rides("hour", 2, kept=False)
    report = fb.evaluate(made, real=real, sections=["quality"])
    assert [item.passed for item in report.tables[0].results if item.name == "rhythms"] == [False]
    pa.csv.write_csv(real, tmp_path / "real.csv")
    pa.csv.write_csv(made, tmp_path / "made.csv")
    main(["evaluate", str(tmp_path / "made.csv"), "--real", str(tmp_path / "real.csv")])
    lines = capfd.readouterr().out.splitlines()
    (line,) = (
        line for line in lines if line.startswith("quality    calendar dependence preserved")
    )
    assert line.split()[-1] == "FAIL"
    made, real = made.select(["rides"]), real.select(["rides"])
    report = fb.evaluate(made, real=real, sections=["quality"])
    assert not [item for item in report.tables[0].results if item.name == "rhythms"]
