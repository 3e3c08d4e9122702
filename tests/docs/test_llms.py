"""The overview for language models names pages that are there, and every guide tells its extra."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_every_page_of_the_overview_is_there() -> None:
    pages = re.findall(r"\]\(([^)]+)\)", (DOCS / "llms.txt").read_text(encoding="utf-8"))
    assert len(pages) > 10
    assert [page for page in pages if not (DOCS / page).is_file()] == []
