"""What holds of executors where no cluster runs."""

from __future__ import annotations

import sys

import pytest

import fabula as fb
from fabula.errors import PrerequisiteError, UsageError


def test_an_executor_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no executor `dask`"):
        fb.generate("age int 18..90", n=1, executor="dask")  # type: ignore[arg-type]


def test_without_ray_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PrerequisiteError) as caught:
        fb.generate("age int 18..90", n=1, executor="ray")
    assert caught.value.hint == "pip install 'fabula[ray]'"
