"""What every test gets: a home of its own, no keys of the user, the same draws in each run."""

from __future__ import annotations

import gc
import os
import random
import shutil
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import hypothesis
import pytest

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # tests run side by side already
    os.environ.setdefault(pool, "1")

MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free in memory for the tests' files."""

if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:  # runs wait for the disk otherwise
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

gc.disable()  # collecting the tests makes half a million objects, and none of them is garbage


DRAWN: dict[ModuleType, list[tuple[Any, Any]]] = {}
"""The generators that modules of tests share, each with its state after the import."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the collector look at what tests make, and no longer at the tests."""
    for module in {item.module for item in session.items if isinstance(item, pytest.Function)}:
        bits = [each.bit_generator for each in vars(module).values() if _draws(each)]
        DRAWN[module] = [(each, each.state) for each in bits]
    gc.freeze()
    gc.enable()


def _draws(value: object) -> bool:
    return type(value).__name__ == "Generator" and hasattr(value, "bit_generator")


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> None:
    """Draw the same whichever tests ran before in this process."""
    if request.scope not in ("session", "package"):
        _start_again(request.module)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Draw the same whichever fixtures of the module this test was the first to use."""
    if isinstance(item, pytest.Function):
        _start_again(item.module)


def _start_again(module: ModuleType) -> None:
    for bits, state in DRAWN.get(module, ()):
        bits.state = state


def pytest_sessionfinish() -> None:
    """Let all of it go at the end; libraries tell of what is left."""
    gc.unfreeze()


OF_THE_USER = ("_API_KEY", "_BASE_URL", "OLLAMA_HOST")

hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def own_home(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep the user's ledger, keys and endpoints out of a test, and the test out of them.

    Tests of the embedded model share the user's home, because its weights are pulled only once.
    """
    for name in list(os.environ):
        if name.endswith(OF_THE_USER):
            monkeypatch.delenv(name)
    if not request.node.get_closest_marker("local_model"):
        monkeypatch.setenv("FABULA_HOME", str(tmp_path / "fabula-home"))


@pytest.fixture(autouse=True)
def repeated_keys(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw a test's masking keys from its name: a chance of one in a thousand never fails a run."""
    drawn = random.Random(request.node.nodeid)
    monkeypatch.setattr(
        "fabula.privacy.secret.secrets", SimpleNamespace(token_bytes=drawn.randbytes)
    )
