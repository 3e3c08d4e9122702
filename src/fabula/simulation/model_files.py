"""Models as users name them: a world, or a Python file that makes one."""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType

from fabula.errors import SourceError, SpecError, UsageError, Violation, did_you_mean
from fabula.io.places import sha256_of, write_text
from fabula.io.templates import templates
from fabula.kinds.base.code import ModelFile
from fabula.simulation.faults import placed
from fabula.simulation.world import PARAMETERS, World
from fabula.types import Path as PathLike


def load_world(
    model: World | PathLike | ModelFile, parameters: Mapping[str, float] | None = None
) -> World:
    """The world that is meant: itself, or that of a file, `shop.py` or `shop.py:shop`.

    The file runs as a program does that its user starts. A file that a spec names and its user
    allowed runs as it was allowed, without the modules next to it.

    Args:
        model: The world or the file.
        parameters: Numbers that the model asks for by `World.parameter`.

    Raises:
        UsageError: There is no such file or parameter, or it makes no world, or several.
        SpecError: The file fails; the error has its line.
    """
    if isinstance(model, World):
        if parameters:
            raise fixed_parameters()
        return model
    token = PARAMETERS.set(dict(parameters or {}))
    try:
        world = _loaded(model)
    finally:
        PARAMETERS.reset(token)
    if unknown := [name for name in parameters or {} if name not in world.parameters]:
        known = did_you_mean(unknown[0], world.parameters)
        raise UsageError(
            f"the model has no parameter `{unknown[0]}`",
            code="usage.parameter",
            hint=known or f"it has {', '.join(world.parameters) or 'none'}",
        )
    return world


def fixed_parameters() -> UsageError:
    """The error of parameters for a world that is made already."""
    return UsageError(
        "a world has its parameters when it is made",
        code="usage.parameter",
        hint="name the model's file: `shop.py`",
    )


def file_of(model: PathLike | ModelFile) -> tuple[Path, str]:
    """The file of a model, and the name of the world that is meant: `shop.py:shop`."""
    file, _, name = str(model).partition(".py:")
    return Path(file + ".py" if name else file), name


def _loaded(model: PathLike | ModelFile) -> World:
    path, name = file_of(model)
    allowed = model if isinstance(model, ModelFile) else None
    try:
        text = allowed.text if allowed else path.read_bytes()
    except OSError as error:
        example = path.stem if path.stem in ready_models() else "store"
        raise UsageError(
            f"`{path}` can't be read: {(error.strerror or str(error)).lower()}",
            code="usage.file",
            hint="name a Python file that makes a `World`, or try "
            f"`fabula simulate --example {example}`",
        ) from error
    if path.suffix in (".yaml", ".yml", ".json"):
        raise UsageError(
            f"`{path}` is a spec, and a model of agents is a Python file",
            code="usage.file",
            hint=f"`fabula generate {path} -o out/` runs a spec",
        )
    worlds = {
        key: value
        for key, value in vars(_run(path, text, alone=allowed is not None)).items()
        if isinstance(value, World)
    }
    if name and name not in worlds:
        hint = did_you_mean(name, worlds) or f"it makes {', '.join(worlds) or 'none'}"
        raise UsageError(f"`{path}` makes no world `{name}`", code="usage.model", hint=hint)
    if name:
        return worlds[name]
    if len({id(world) for world in worlds.values()}) != 1:
        made = ", ".join(worlds) or "none"
        raise UsageError(
            f"`{path}` makes {made}, and one `World` is needed",
            code="usage.model",
            hint=f"name one: `{path}:{next(iter(worlds))}`" if worlds else "write `shop = World()`",
        )
    return next(iter(worlds.values()))


def ready_models() -> dict[str, str]:
    """The texts of the models that come with Fabula, by name."""
    return templates(".py")


def copy_of_ready_model(name: str) -> tuple[Path, bool]:
    """A ready model as a file `NAME.py` in the current folder, and whether it was written now.

    Raises:
        UsageError: There is no such model, or a file of that name has another text.
    """
    models = ready_models()
    if name not in models:
        hint = did_you_mean(name, models) or f"there are {', '.join(models)}"
        raise UsageError(f"there is no ready model `{name}`", code="usage.example", hint=hint)
    path = Path(f"{name}.py")
    if not path.exists():
        write_text(path, models[name])
        return path, True
    if path.read_text(encoding="utf-8", errors="replace") != models[name]:
        raise UsageError(
            f"`{path}` exists, and is not the ready model as it comes",
            code="usage.exists",
            hint=f"run your file with `fabula simulate {path}`, or work in another folder",
        )
    return path, False


def source_sha256(world: World) -> str:
    """The hash of the files that hold a world's rules, and of the modules next to them."""
    functions = [rule.function for rule in world.rules.values()]
    functions += [*world.laws.values(), *world.measures.values()]
    functions += [each.fallback for each in world.decisions.values() if callable(each.fallback)]
    named = {Path(function.__code__.co_filename) for function in functions}
    folders = {str(path.resolve().parent) for path in named if path.is_file()}
    loaded = [getattr(module, "__file__", None) for module in [*sys.modules.values()]]
    # A program has a thousand modules: as texts, their folders are told in a fiftieth of the time.
    own = {Path(file) for file in loaded if file and os.path.dirname(file) in folders}  # noqa: PTH120
    digest = hashlib.sha256()
    for path in sorted({path.resolve() for path in (named | own) if path.is_file()}):
        digest.update(path.read_bytes())
    for function in functions:
        if not Path(function.__code__.co_filename).is_file():
            digest.update(function.__code__.co_code + repr(function.__code__.co_consts).encode())
    return digest.hexdigest()


def _run(path: Path, text: bytes, *, alone: bool) -> ModuleType:
    """The file as a module, run now."""
    module = ModuleType(f"_model_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        with nullcontext() if alone else _importable(path.resolve().parent):
            exec(compile(text, str(path), "exec"), vars(module))
    except SpecError as error:
        raise placed(error, str(path), _line_of(error, path)) from error
    except SyntaxError as error:
        message = f"the model is not Python: {error.msg}"
        raise SpecError(
            [Violation("simulation.model", message, None, None, str(path), error.lineno)]
        ) from error
    except (Exception, SystemExit) as error:  # whatever a user's file raises
        message = f"the model fails: {type(error).__name__}: {error}"
        hint, line = None, _line_of(error, path)
        if alone and isinstance(error, ModuleNotFoundError):
            hint = "a model that a spec names imports installed packages alone: make it one file"
        raise SpecError(
            [Violation("simulation.model", message, None, hint, str(path), line)]
        ) from error
    return module


def _line_of(error: BaseException, path: Path) -> int | None:
    """The last line of a file that an error came from."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno for f in reversed(frames) if f.filename == str(path)), None)


def file_sha256(path: Path, declared_at: tuple[str, int]) -> str:
    """The digest of a file with the rows of a population.

    Raises:
        SourceError: It can't be read; the error has the line of the population.
    """
    file, line = declared_at
    try:
        return sha256_of(path)
    except OSError as error:
        raise SourceError(
            f"`{path}` can't be read: {(error.strerror or str(error)).lower()}",
            code="source.unreadable",
            where=str(path),
            hint="a population's `source` is a file, from the current folder on",
            file=file,
            line=line,
        ) from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Find modules next to the model, as Python does for a program."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
