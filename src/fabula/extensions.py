"""Registers: what Fabula knows of one sort of thing, by name, for built-ins and plug-ins alike.

A register belongs to a package, its home. Each module of the home registers its own entries, so
that a new entry is a new file and no list names it. Other packages call the same `register`: from
Python, or in a module that they name in the entry-point group `fabula`.

    >>> planets = Register("planet", home="fabula.extensions")
    >>> planets.register("earth", 6371)
    6371
    >>> planets["earth"]
    6371
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, ClassVar, Generic, TypeVar

from fabula.errors import UsageError

BUILT_IN = "fabula"
"""The source of entries that are part of Fabula."""

GROUP = "fabula"
"""The entry-point group of plug-ins; each of its entry points names a module."""

EntryT = TypeVar("EntryT")

_loading = threading.RLock()
_plugin: ContextVar[str] = ContextVar("plugin", default="")
_found: list[Plugin] = []
_looked = threading.Event()


@dataclass(frozen=True)
class Plugin:
    """An installed entry point: its name, its package, and why it failed to load, if it did."""

    name: str
    package: str
    version: str
    failure: str = ""


class Register(Mapping[str, EntryT], Generic[EntryT]):
    """Entries of one sort by name: the built-in ones first, then those of others.

    Built-in names are found without loading plug-ins. An unknown name, or iteration over all names,
    loads them first.

    Args:
        sort: What an entry is, for messages: `column kind`.
        home: The package (or module) whose modules register the built-in entries.
        order: What sorts the entries; by default their names.
        lacks: Describes what an entry lacks; None if it is complete.
        apart_from: The home of another register that may not have an entry of the same name.
    """

    _all: ClassVar[dict[str, Register[Any]]] = {}

    def __init__(
        self,
        sort: str,
        *,
        home: str,
        order: Callable[[str, EntryT], Any] = lambda name, _: name,
        lacks: Callable[[str, EntryT], str | None] | None = None,
        apart_from: str = "",
    ) -> None:
        self.sort = sort
        self._home = home
        self._order = order
        self._lacks = lacks
        self._apart_from = apart_from
        self._all[home] = self
        self._at_home = False
        self._entries: dict[str, EntryT] = {}
        self._sources: dict[str, str] = {}

    def register(self, name: str, entry: EntryT) -> EntryT:
        """Add an entry. A program may redefine its own entries, as notebooks do.

        Raises:
            UsageError: The name is taken, or the entry lacks a part.
        """
        source = _source()
        if source != BUILT_IN:
            self._come_home()
        if name in self._entries and (source or self._sources[name]):
            owner = self._sources[name]
            raise UsageError(
                f"there is already a {self.sort} `{name}`" + (f" in `{owner}`" if owner else ""),
                code="extension.name-taken",
                hint="register it under another name",
            )
        if source != BUILT_IN and self._is_taken_elsewhere(name):
            raise UsageError(
                f"`{name}` can't be a {self.sort}: another sort of entry has that name",
                code="extension.name-taken",
                hint="register it under another name",
            )
        if self._lacks is not None and (lack := self._lacks(name, entry)):
            raise UsageError(f"the {self.sort} `{name}` {lack}", code="extension.incomplete")
        self._entries[name] = entry
        self._sources[name] = source
        return entry

    def known(self) -> Mapping[str, EntryT]:
        """The built-in entries and those registered so far; plug-ins are not loaded."""
        self._come_home()
        return {name: self._entries[name] for name in self._sorted()}

    def builtin(self) -> Mapping[str, EntryT]:
        """The built-in entries; plug-ins are not loaded."""
        return {name: entry for name, entry in self.known().items() if self.is_builtin(name)}

    def is_builtin(self, name: str) -> bool:
        """Whether an entry is part of Fabula."""
        return self.source(name) == BUILT_IN

    def source(self, name: str) -> str:
        """Who registered an entry: `fabula`, a plug-in's name, or empty for the user's program."""
        return self._sources[name]

    def load(self) -> bool:
        """Load the plug-ins; returns whether they added entries of this sort."""
        known = len(self.known())
        load_plugins()
        return len(self._entries) > known

    def __getitem__(self, name: str) -> EntryT:
        if name not in self._entries and not self._at_home:
            self._import_one(name)
        if name not in self._entries:
            self._come_home()
        if name not in self._entries:
            load_plugins()
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._come_home()
        load_plugins()
        return iter(self._sorted())

    def __len__(self) -> int:
        return len(tuple(iter(self)))

    def _is_taken_elsewhere(self, name: str) -> bool:
        """Whether the register that must not share names with this one has that name."""
        other, module = self._all.get(self._apart_from), name.replace("-", "_")
        known = other is not None and name in other._entries
        return known or bool(
            self._apart_from
            and module.isidentifier()
            and find_spec(f"{self._apart_from}.{module}") is not None
        )

    def _sorted(self) -> list[str]:
        def place(name: str) -> tuple[bool, Any]:
            return not self.is_builtin(name), self._order(name, self._entries[name])

        return sorted(self._entries, key=place)

    def _import_one(self, name: str) -> None:
        """Import only the module named like the entry, if there is one: others may be slow."""
        if name.isidentifier() and hasattr(import_module(self._home), "__path__"):
            module = f"{self._home}.{name}"
            if find_spec(module) is not None:
                import_module(module)

    def _come_home(self) -> None:
        """Import the modules that register the built-in entries."""
        with _loading:
            if self._at_home:
                return
            self._at_home = True
            package = import_module(self._home)
            for module in iter_modules(getattr(package, "__path__", ())):
                if not module.ispkg:
                    import_module(f"{self._home}.{module.name}")


def load_plugins() -> list[Plugin]:
    """Every installed plug-in, loaded once a process; one that fails is listed with its reason."""
    with _loading:
        if not _looked.is_set():
            _looked.set()
            points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
            _found.extend(map(_loaded, points))
        return list(_found)


def plugins_loaded_now() -> bool:
    """Load the plug-ins; returns whether this call did: then unknown names may be known."""
    with _loading:
        before = _looked.is_set()
        load_plugins()
        return not before


def _loaded(point: EntryPoint) -> Plugin:
    package = point.dist.name if point.dist is not None else ""
    version = point.dist.version if point.dist is not None else ""
    try:
        with _registering_for(point.name):
            point.load()
    except Exception as error:  # whatever a stranger's module raises must not stop Fabula
        return Plugin(point.name, package, version, f"{type(error).__name__}: {error}")
    return Plugin(point.name, package, version)


@contextmanager
def _registering_for(plugin: str) -> Iterator[None]:
    token = _plugin.set(plugin)
    try:
        yield
    finally:
        _plugin.reset(token)


def _source() -> str:
    """Who is registering: Fabula if one of its modules is being imported, else a plug-in."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back  # type: ignore[assignment]
    running = "" if frame is None else str(frame.f_globals.get("__name__", ""))
    return BUILT_IN if running.startswith("fabula.") else _plugin.get()
