"""The embedded model: SmolLM2-135M in this process, without key, server or network.

The weights are downloaded once. Good for short names, titles, sentences and filler; not for
arithmetic, facts, programs or specs.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from fabula.errors import ModelError, PrerequisiteError
from fabula.llm.client.chat import ChatModel
from fabula.spec.models import ModelSpec

LARGE_FILE = 600_000_000
"""Minimum size in bytes of a user's GGUF file that is assumed to follow instructions."""


def open_named(settings: ModelSpec) -> ChatModel:
    """Open `local` or `local:FILE`; see `open_local`."""
    return open_local(settings.name or None)


def open_local(path: str | None = None) -> ChatModel:
    """Open the embedded model, or any GGUF file; the first call downloads and loads its weights.

    Args:
        path: A GGUF file, or None for SmolLM2-135M-Instruct, downloaded once into `FABULA_HOME`.

    Raises:
        PrerequisiteError: The extra `local` is not installed.
        ModelError: The file is missing or not a GGUF file.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        error = PrerequisiteError.for_extra("local", needed_by="the embedded model")
        error.hint = f"{error.hint}; or see placeholders with `--model fake`"
        raise error
    from fabula.llm.providers.local.engine import LocalModel
    from fabula.llm.providers.local.pull import SHA256, pull_weights

    if path is None:
        return LocalModel("local", f"local:{SHA256}", pull_weights, "completion")
    weights = Path(path).expanduser().resolve()
    size = _checked_size(weights)
    identity = f"local:{weights.name}:{size}"
    follows = size >= LARGE_FILE
    return LocalModel(
        f"local:{path}", identity, lambda: weights, "chat" if follows else "completion"
    )


def _checked_size(weights: Path) -> int:
    """The size of a file, checked to be a GGUF file."""
    try:
        with weights.open("rb") as file:
            magic = file.read(4)
    except OSError as problem:
        raise ModelError(
            f"the model file `{weights}` can't be read: {problem.strerror or problem}",
            code="model.missing-file",
            hint="give the path of a GGUF file, as in `local:/models/qwen3-4b.gguf`",
        ) from problem
    if magic != b"GGUF":
        raise ModelError(
            f"`{weights}` is not a GGUF file",
            code="model.unreadable",
            hint="give the path of a GGUF file, as in `local:/models/qwen3-4b.gguf`",
        )
    return weights.stat().st_size
