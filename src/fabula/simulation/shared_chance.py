"""The generators of Python and numpy that everything shares, which no rule may draw from."""

from __future__ import annotations

import _random
import ctypes
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fabula.simulation.faults import ModelFault

_TWISTER_BYTES = 4 * 625
"""624 words and the place in them."""
_HEAD, _WHOLE = object.__basicsize__, _random.Random.__basicsize__
"""Bytes before the state of Python's generator, and up to its end."""


@contextmanager
def no_other_chance() -> Iterator[None]:
    """Refuse draws from generators that are shared by everything: no run could be repeated.

    Raises:
        ModelFault: One was drawn from.
    """
    before = _python_state(), _numpy_state()
    yield
    if before != (_python_state(), _numpy_state()):
        raise other_chance()


def other_chance() -> ModelFault:
    """The error of a rule that draws from elsewhere."""
    return ModelFault(
        "the rule draws from a generator that everything shares",
        "use `draw`: its numbers belong to an agent and a step",
    )


def _python_state() -> tuple[bytes, Any]:
    """The state of Python's shared generator, read where it is: `getstate` costs 20 µs."""
    shared: Any = random.random.__self__  # type: ignore[attr-defined]
    return ctypes.string_at(id(shared) + _HEAD, _WHOLE - _HEAD), shared.gauss_next


def _numpy_state() -> bytes:
    """The state of numpy's shared generator, read where it is: its own copy costs 100 µs."""
    random_of: Any = np.random  # whose types lack the shared generator
    generator = random_of.get_bit_generator()
    if not isinstance(generator, np.random.MT19937):
        return repr(generator.state).encode()
    return ctypes.string_at(generator.ctypes.state_address, _TWISTER_BYTES)


@contextmanager
def chance_kept() -> Iterator[None]:
    """Leave the shared generators as they were, whatever a library draws from them."""
    python, arrays = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
