"""Texts from other columns."""

from __future__ import annotations

from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn


@column_kind(example="{kind: template, text: '{{ city | upper }}-{{ id }}'}", aka=("jinja",))
class Template(AbstractColumn):
    """Text from other columns of the row: a sandboxed Jinja template."""

    kind: Literal["template"] = "template"
    text: str

    section: ClassVar = "texts"
    positional: ClassVar = ("text",)

    def arrow_type(self) -> str:
        """Texts."""
        return "string"
