"""Charts as PNG, for places that take no SVG: slides, chats, some wikis."""

from __future__ import annotations

import re

from fabula.errors import PrerequisiteError

WIDTH = 1600
"""Pixels across, so that a picture fills a slide and stays sharp."""

FONTS = "Arial, 'Liberation Sans', 'DejaVu Sans', 'Noto Sans', 'Segoe UI', Helvetica, sans-serif"
"""Fonts by name: the renderer knows no font for `sans-serif` where Arial is missing."""

_VARIABLE = re.compile(r"var\(--[\w-]+,\s*([^)]+)\)")


def png_of(svg: str) -> bytes:
    """A chart as PNG, drawn on white; text is set in the fonts of this machine.

    Raises:
        PrerequisiteError: The extra `charts` is missing.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError as exc:
        raise PrerequisiteError.for_extra("charts", needed_by="a chart as PNG") from exc
    fixed = _VARIABLE.sub(r"\1", svg)  # the page's colours are not here
    fixed = fixed.replace("system-ui, sans-serif", FONTS)
    return bytes(svg_to_bytes(svg_string=fixed, background="#ffffff", width=WIDTH))
