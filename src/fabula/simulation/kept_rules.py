"""Compiled rules on disk: what a process compiled, the next ones read.

They lie where numba keeps Fabula's own kernels: in `__pycache__` of this folder, in the user's
cache folder where that can't be written, or in `NUMBA_CACHE_DIR`. A file that is missing, broken
or can't be written costs the time to compile, and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import caching, serialize  # noqa: F401
from numba.core.registry import cpu_target

from fabula.errors import SinkError
from fabula.io.places import replacing
from fabula.simulation.plain_rules import tuple_of

_core: Any = numba.core  # whose functions lack types
MOST = 64
"""Rules that are kept; those that were not used for longest go first."""
_DIGEST = hashlib.sha256().digest_size


def read(key: str, dispatchers: Sequence[Any], kinds: Sequence[tuple[Any, ...]]) -> bool:
    """Give functions their code as it was kept; whether it was there.

    Args:
        key: What decides the code.
        dispatchers: The functions.
        kinds: The types that each one is given.
    """
    with suppress(Exception):  # whatever broken content raises
        file = _folder() / _name(key)
        content = file.read_bytes()
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            return False
        # Each process numbers its symbols from 1: only code of one rule shares an engine.
        engine = _core.codegen.JITCPUCodegen("fabula.rule")
        target: Any = cpu_target.target_context.subtarget(_internal_codegen=engine)
        made = []
        for kept, kind in zip(pickle.loads(content[_DIGEST:]), kinds, strict=True):
            code = _core.compiler.CompileResult._rebuild(target, *kept)
            known = _core.typing.signature(code.signature.return_type, *kind)
            made.append(code._replace(signature=known))
        for dispatcher, code in zip(dispatchers, made, strict=True):
            dispatcher.add_overload(code)
        with suppress(OSError):
            os.utime(file)
        return True
    return False


def write(key: str, dispatchers: Sequence[Any], kinds: Sequence[tuple[Any, ...]]) -> None:
    """Keep the code of functions, where it stands for itself: without addresses or objects.

    Args:
        key: What decides the code.
        dispatchers: The functions.
        kinds: The types that each one was compiled for.
    """
    code = [each.overloads[kind] for each, kind in zip(dispatchers, kinds, strict=True)]
    if not all(_stands_alone(each) for each in code):
        return
    content = io.BytesIO()
    with suppress(OSError, SinkError, RuntimeError, pickle.PicklingError):
        pickler: Any = _Pickler
        pickler(content, protocol=4).dump([each._reduce() for each in code])
        folder, made = _folder(), content.getvalue()
        with replacing(folder / _name(key)) as temporary:
            temporary.write_bytes(hashlib.sha256(made).digest() + made)
        kept = sorted(folder.glob(_name("*")), key=lambda file: file.stat().st_mtime)
        for old in kept[:-MOST]:
            old.unlink(missing_ok=True)


def _stands_alone(code: Any) -> bool:
    environments = [code.environment, *code._find_referenced_environments()]
    is_bound = code.lifted or code.library.has_dynamic_globals or code.reload_init
    return not is_bound and not any(each.consts for each in environments)


def _folder() -> Path:
    """The folder in which numba keeps the code of this one's functions.

    Raises:
        RuntimeError: There is none that can be written.
    """
    anyone: Callable[..., Any] = _folder
    return Path(_core.caching.CompileResultCacheImpl(anyone).locator.get_cache_path())


def _name(key: str) -> str:
    return f"rule-{key}.nbc"


class _Pickler(serialize.NumbaPickler):
    """Tells tuples with names by their fields: each process makes their classes."""

    def reducer_override(self, obj: Any) -> Any:
        fields = getattr(obj, "_fields", None)
        if isinstance(obj, type) and fields and obj.__module__ == tuple_of.__module__:
            return tuple_of, (obj.__name__, fields)
        return super().reducer_override(obj)  # type: ignore[no-untyped-call]
