"""The ready-made specs, for tests."""

from __future__ import annotations

from importlib.resources import files

FOLDER = files("fabula").joinpath("templates")
TEMPLATES = sorted(
    file.name.removesuffix(".yaml") for file in FOLDER.iterdir() if file.name.endswith(".yaml")
)
"""Their names."""


def template(name: str) -> str:
    """The text of a template."""
    return FOLDER.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
