"""The files that come with Fabula to start from: specs, and models of agents."""

from __future__ import annotations

from importlib.resources import files


def templates(ending: str) -> dict[str, str]:
    """The texts of the templates with an ending such as `.yaml`, by name, in order."""
    found = sorted(files("fabula").joinpath("templates").iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(ending): file.read_text(encoding="utf-8")
        for file in found
        if file.name.endswith(ending)
    }
