"""An answer of the page: what its template shows, and the same as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fabula.render.pages import page
from fabula.runs.manifest import json_ready
from fabula.web.files import ShownFile

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What is on a page.

    Attributes:
        template: The page's template; empty where `values["page"]` is a whole page.
        values: What the template shows.
        data: The same as plain values.
        file: A file that is sent as it is, in place of a page.
    """

    template: str
    values: Values
    data: Any
    file: ShownFile | None = None

    def as_html(self) -> tuple[str, str]:
        """The page, and what it is."""
        text = page(self.template, **self.values) if self.template else str(self.values["page"])
        return text, "text/html"

    def as_json(self) -> tuple[str, str]:
        """Its values, and what they are."""
        return json.dumps(json_ready(self.data), ensure_ascii=False), "application/json"
