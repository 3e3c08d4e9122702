"""Every command, Python block and spec of the README and the documentation works as written."""

from __future__ import annotations

import pytest

from fabula import api
from fabula.spec.loading import parse_spec
from tests.docs.pages import PAGES, ROOT, blocks, run_page

NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
COSTLY = ("documents.md", "simulation.md", "testing.md", "learned.md")
"""Pages whose commands take seconds."""

RUN = [
    pytest.param(page, id=name, marks=pytest.mark.slow if page.name in COSTLY else ())
    for page, name in zip(PAGES, NAMES, strict=True)
]


@pytest.mark.parametrize("page", RUN)
def test_commands_print_what_the_page_shows(page, tmp_path, monkeypatch):
    """Run from top to bottom in an empty folder; refresh with `python -m tests.docs.pages`."""
    monkeypatch.chdir(tmp_path)
    for printed in run_page(page):
        assert printed.code == 0 or printed.command.startswith("fabula "), printed.printed
        assert printed.holds, (
            f"`{printed.command}` prints\n{printed.printed}\nbut the page shows\n{printed.shown}"
        )


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_specs_are_coherent(page):
    """Every YAML block that is a whole spec passes `fabula validate`."""
    for block in blocks(page):
        names_code = "kind: simulation" in block.text  # read where its code stands, by its commands
        if block.language == "yaml" and "fabula: 1\n" in block.text and not names_code:
            api.validate(parse_spec(block.text, file=page.name))
