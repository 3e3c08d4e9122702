"""Functions that a spec file names, such as `rules.py:total`: found alongside it, and permitted.

A file's bytes are read once: what was hashed and permitted is what runs. For the sandbox, a
function's source is cut out, and nothing of the file runs here.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from fabula.errors import SourceError, did_you_mean
from fabula.io.run_files import inside
from fabula.kinds.base.code import FILE_SHA256, ModelFile
from fabula.llm.client.permission import check_code

MOST_BYTES = 1 << 20
_MODEL = re.compile(r"(?P<file>[^:]+\.py)(?::\w+)?")
_PLACE = re.compile(r"(?P<file>[^:]+\.py|(?P<module>[\w.]+)):(?P<name>\w+)")


class Source:
    """A function that only the sandbox runs, from its source."""

    def __init__(self, source: str, name: str, signature: inspect.Signature) -> None:
        self.source, self.__name__, self.__signature__ = source, name, signature

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Nothing of it runs here.

        Raises:
            RuntimeError: It was called.
        """
        raise RuntimeError("this function runs only in the sandbox")


def permitted_module(path: Path) -> ModuleType:
    """A file of models as a module, run as it is where the user allows it.

    Raises:
        ValueError: There is no such file, or running it fails.
        UsageError: Nobody permitted it.
    """
    path, text = _read(path.parent.resolve(), path.name)
    sha256 = hashlib.sha256(text).hexdigest()
    check_code(path, sha256, spec=False)
    return _module(path, path.name, text, sha256)


class CodeOf:
    """Finds the functions and models that a spec file names.

    Args:
        spec: The spec file; code is in files of its folder or below.
    """

    def __init__(self, spec: Path) -> None:
        self._folder = spec.parent.resolve()

    def __call__(self, place: str, sandboxed: bool) -> Callable[..., Any]:
        """The function at a place, `FILE.py:NAME` or `MODULE:NAME`, or one for the sandbox alone.

        Raises:
            ValueError: There is no such function.
            UsageError: Nobody permitted the file.
        """
        found = _PLACE.fullmatch(place)
        if found is None:
            raise ValueError(f"`{place[:200]}` does not name a function; write `rules.py:total`")
        file, name = found["file"], found["name"]
        if found["module"]:
            file = file.replace(".", "/") + ".py"
        path, text = _read(self._folder, file)
        if sandboxed:
            return _source(file, text, name)
        sha256 = hashlib.sha256(text).hexdigest()
        check_code(path, sha256)
        return _defined(_module(path, file, text, sha256), file, name)

    def model(self, place: str) -> ModelFile:
        """The file of a model at a place, `FILE.py` or `FILE.py:WORLD`.

        Raises:
            ValueError: There is no such file.
            UsageError: Nobody permitted it.
        """
        found = _MODEL.fullmatch(place)
        if found is None:
            raise ValueError(f"`{place[:200]}` does not name a model; write `shop.py`")
        path, text = _read(self._folder, found["file"])
        sha256 = hashlib.sha256(text).hexdigest()
        check_code(path, sha256)
        return ModelFile(place, str(path), text, sha256)


def _read(folder: Path, file: str) -> tuple[Path, bytes]:
    """A file of a folder, by a name that leads nowhere else, and what is in it."""
    try:
        path = inside(folder, file)
        if path.exists() and not path.is_file():
            raise ValueError(f"`{file}` is not a file")
        with path.open("rb") as opened:
            text = opened.read(MOST_BYTES + 1)
    except SourceError as error:
        raise ValueError(
            f"`{file[:200]}` must be a file in the spec's folder or below, without links and `..`"
        ) from error
    except FileNotFoundError as error:
        raise ValueError(
            f"there is no `{file}` in the spec's folder; installed code is used by its"
            " registered names, see `fabula plugins`"
        ) from error
    except OSError as error:
        raise ValueError(f"`{file}` can't be read: {error.strerror}") from error
    if len(text) > MOST_BYTES:
        raise ValueError(f"`{file}` has more than {MOST_BYTES:,} bytes")
    return path, text


def _module(path: Path, file: str, text: bytes, sha256: str) -> ModuleType:
    """The file as a module, run once for each of its versions."""
    name = f"_{hashlib.sha256(f'{path}{sha256}'.encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    vars(module).update({"__file__": str(path), FILE_SHA256: sha256})
    sys.modules[name] = module
    try:
        exec(compile(text, str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:  # whatever a stranger's file raises
        del sys.modules[name]
        raise ValueError(f"`{file}` fails: {type(error).__name__}: {error}") from error
    return module


def _defined(module: ModuleType, file: str, name: str) -> Callable[..., Any]:
    """A function that a module defines itself; what it imports is not the spec's to call."""
    own = {
        key: value
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }
    if name not in own:
        hint = did_you_mean(name, own) or f"it defines {', '.join(own) or 'none'}"
        raise ValueError(f"`{file}` defines no function `{name}`; {hint}")
    return own[name]


def _source(file: str, text: bytes, name: str) -> Source:
    """A function's source, cut out of its file."""
    try:
        tree = ast.parse(text)
        code = text.decode()
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"`{file}` is not Python in UTF-8: {error}") from error
    own = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if name not in own:
        hint = did_you_mean(name, own) or f"it defines {', '.join(own) or 'none'}"
        raise ValueError(f"`{file}` defines no function `{name}`; {hint}")
    node = own[name]
    if node.decorator_list:
        raise ValueError("`sandboxed` needs a plain function (`def`), without decorators")
    return Source(ast.get_source_segment(code, node) or "", name, _signature(node))


def _signature(node: ast.FunctionDef) -> inspect.Signature:
    given, kinds = node.args, inspect.Parameter
    plain = [*given.posonlyargs, *given.args]
    listed = [kinds(item.arg, kinds.POSITIONAL_OR_KEYWORD) for item in plain]
    listed += [kinds(item.arg, kinds.VAR_POSITIONAL) for item in [given.vararg] if item]
    listed += [kinds(item.arg, kinds.KEYWORD_ONLY) for item in given.kwonlyargs]
    listed += [kinds(item.arg, kinds.VAR_KEYWORD) for item in [given.kwarg] if item]
    returns = "" if node.returns is None else ast.unparse(node.returns)
    return inspect.Signature(listed, return_annotation=returns)
