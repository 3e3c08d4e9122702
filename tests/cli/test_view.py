"""`fabula view`: serves until it is interrupted, which is its usual end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_view_serves_until_it_is_interrupted(by: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "towns.csv").write_text("town\nWien\n")
    start = "import sys; from fabula.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "view", "towns.csv", "--no-browser"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = next(filter(None, (re.search(r"http://\S+", line) for line in process.stderr)))
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert "Wien" in opener.open(found[0]).read().decode()
        process.send_signal(by)
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert said == "hint: stop it with Ctrl-C\n"


def test_view_without_anything_to_show_says_what_to_give(run) -> None:
    ended = run("view", "nothing", "--no-browser")
    assert ended.code == 2
    assert "hint: give a data file, a spec, a run, or a folder of them" in ended.err
