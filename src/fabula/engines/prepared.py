"""Values that a table works out once, on first use, whichever thread comes first."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, Protocol, TypeVar, overload

T = TypeVar("T")


class Locked(Protocol):
    """An object with a lock that all objects share which work out values from each other's."""

    lock: RLock


class prepared(Generic[T]):  # noqa: N801  (used as a decorator, like `property`)
    """A property that is worked out once, under its object's lock.

    `functools.cached_property` locks by class in some versions of Python and not at all in
    others; with one lock for all tables of a run, tables can ask each other in any order.
    """

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out = work_out
        self.__doc__ = work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, item: None, owner: type) -> prepared[T]: ...
    @overload
    def __get__(self, item: Locked, owner: type) -> T: ...
    def __get__(self, item: Locked | None, owner: type) -> prepared[T] | T:
        if item is None:
            return self
        values = vars(item)
        with item.lock:
            if self._name not in values:
                values[self._name] = self._work_out(item)
        result: T = values[self._name]
        return result
