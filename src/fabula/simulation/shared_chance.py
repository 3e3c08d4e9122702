"""The generators of Python and numpy that everything shares, which no rule may draw from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fabula.simulation.faults import ModelFault


@contextmanager
def no_other_chance() -> Iterator[None]:
    """Refuse draws from generators that are shared by everything: no run could be repeated.

    Raises:
        ModelFault: One was drawn from.
    """
    before = random.getstate(), _numpy_state()
    yield
    if before != (random.getstate(), _numpy_state()):
        raise ModelFault(
            "the rule draws from a generator that everything shares",
            "use `draw`: its numbers belong to an agent and a step",
        )


def _numpy_state() -> tuple[Any, ...]:
    state: Any = np.random.get_state(legacy=True)
    return (state[0], state[1].tobytes(), *state[2:])


@contextmanager
def chance_kept() -> Iterator[None]:
    """Leave the shared generators as they were, whatever a library draws from them."""
    python, arrays = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
