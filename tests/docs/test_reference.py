"""The reference covers every verb, kind and check, and says what the code says."""

from __future__ import annotations

from fabula.cli.verbs import VERBS
from fabula.kinds.checks import CHECKS
from fabula.reports.catalogue import kinds_markdown
from tests.docs.pages import ROOT

DOCS = ROOT / "docs"


def test_the_page_of_kinds_is_up_to_date():
    """Refresh with `fabula kinds --format markdown > docs/reference/kinds.md`."""
    page = (DOCS / "reference" / "kinds.md").read_text(encoding="utf-8")
    assert page == kinds_markdown() + "\n"


def test_every_verb_has_its_help_on_the_page():
    """A new verb is documented before it is merged."""
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"<!-- help: fabula {verb} -->" not in page] == []


def test_every_check_is_explained():
    """The guide's table has a line for each kind of check."""
    page = (DOCS / "guides" / "checks.md").read_text(encoding="utf-8")
    assert [kind for kind in CHECKS if f"| `{kind}` |" not in page] == []
