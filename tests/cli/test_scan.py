"""`fabula scan` on the command line."""

from __future__ import annotations

import json


def test_a_leak_ends_with_1_and_shows_its_place_but_not_the_value(run, tmp_path):
    """The exit code blocks a release; the log holds no secret."""
    rows = "".join(f"{n},ann{n}@shop.example\n" for n in range(20))
    (tmp_path / "real.csv").write_text("id,mail\n" + rows)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.log").write_text("started\nsent to ANN7@shop.example\n")
    ended = run("scan", "out", "--against", "real.csv")
    assert ended.code == 1
    assert (
        "run.log:line 2  1 value of `real.mail` (email, as it is)  A•••@••••.•••••••" in ended.out
    )
    assert "error[scan.leak]: 1 real value found" in ended.err
    assert "ann7" not in (ended.out + ended.err).lower()


def test_clean_files_end_with_0(run, tmp_path):
    """JSON for programs."""
    rows = "".join(f"{n},ann{n}@shop.example\n" for n in range(20))
    (tmp_path / "real.csv").write_text("id,mail\n" + rows)
    (tmp_path / "out.csv").write_text("id,mail\n1,bea@mail.example\n")
    ended = run("scan", "out.csv", "--against", "real.csv", "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out)["passed"]
