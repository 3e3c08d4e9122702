"""Rules that tests compile are kept in their own folders."""

from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_rules(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep compiled rules where the test's files are, and not among those of users."""
    if request.node.get_closest_marker("slow") and find_spec("numba"):
        from fabula.simulation import kept_rules

        monkeypatch.setattr(kept_rules, "_folder", lambda: tmp_path)
