"""Compiled modules of Python, loaded before a child locks itself: it can map no code afterwards.

The warm process loads those of the standard library and of the packages that programs use most. A
program that names other modules of a few well-known packages gets them loaded in its child, before
the lock and before a line of the program runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import re
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PACKAGES = frozenset(
    ("numpy", "pandas", "pyarrow", "duckdb", "scipy", "sklearn", "statsmodels", "polars",
     "networkx", "mimesis", "faker")
)  # fmt: skip
"""Packages whose modules are loaded when a program names them."""
_LOADED = """
    numpy.fft numpy.linalg numpy.polynomial pyarrow.acero pyarrow.csv pyarrow.dataset
    pyarrow.feather pyarrow.fs pyarrow.json pyarrow.orc pyarrow.parquet
    pandas._libs.byteswap pandas._libs.sas
"""
_LEFT_OUT = re.compile(r"_?(test|xx|tkinter|ctypes_test|curses|dbm|gdbm|nis|readline|crypt)")
_IMPORT = re.compile(
    r"^[ \t]*import[ \t]+([\w., \t]+)"
    r"|^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t(]+([\w, \t]+)",
    re.MULTILINE,
)
_PRIVATE = re.compile(r"(^|\.)(_|conftest|tests?\b|setup|distutils|f2py)")
_MOST_MODULES = 50


def load_common() -> None:
    """Load what most programs may need, in the warm process."""
    folder = Path(sysconfig.get_config_var("DESTSHARED") or "/nowhere")
    standard = sorted({path.name.partition(".")[0] for path in folder.glob("*.so")})
    for name in (*filter(lambda name: not _LEFT_OUT.match(name), standard), *_LOADED.split()):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with contextlib.suppress(OSError):  # what ends threads, loaded by the C library when one ends
        ctypes.CDLL("libgcc_s.so.1")


def load_named(request: Mapping[str, Any]) -> None:
    """Load the modules of known packages that a program's source names, in its child.

    A module that can't be loaded is left to the program, which finds out why.
    """
    source = request.get("source")
    for name in list(named_modules(source if isinstance(source, str) else ""))[:_MOST_MODULES]:
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(name)


def named_modules(source: str) -> Iterator[str]:
    """Modules of known packages in the import statements of a source, each once."""
    found: dict[str, None] = {}
    for match in _IMPORT.finditer(source):
        plain, package, names = match.groups()
        for part in (plain or "").split(","):
            found |= dict.fromkeys(part.split()[:1])
        if package:
            found[package] = None
            found |= {
                f"{package}.{part.split()[0]}": None for part in names.split(",") if part.split()
            }
    for name in found:
        if name.partition(".")[0] in PACKAGES and not _PRIVATE.search(name):
            yield name
