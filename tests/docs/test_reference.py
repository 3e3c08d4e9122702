"""The reference covers every verb, kind and check, and says what the code says."""

from __future__ import annotations

import inspect

import pytest

import fabula as fb
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


def test_every_public_name_is_in_the_reference_of_python():
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    names = set(fb.__all__) - {"__version__", "col"}
    assert [name for name in names if f"### `fb.{name}`\n" not in page] == []


FUNCTIONS = [name for name in fb.__all__ if inspect.isfunction(getattr(fb, name))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_of_a_verb_is_documented(name: str):
    """Where `rows` explains how a model is asked, the other verbs say so."""
    function = getattr(fb, name)
    text = inspect.getdoc(function) or ""
    if "as `rows` takes" in text:
        text += inspect.getdoc(fb.rows) or ""
    if "as `balance` takes" in text.lower():
        text += (inspect.getdoc(fb.balance) or "") + (inspect.getdoc(fb.rows) or "")
    if inspect.iscoroutinefunction(inspect.unwrap(function)):
        text = "same arguments" in text and (inspect.getdoc(getattr(fb, name[1:])) or "") * 2
        text = f"{text}{inspect.getdoc(fb.rows)}"
    parameters = inspect.signature(function).parameters
    assert [p for p in parameters if f"`{p}`" not in text and f"{p}: " not in text] == []
