"""Options come from a verb's signature and docstring."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Unpack

import pytest
from typer.testing import CliRunner
from typing_extensions import TypedDict

from fabula.cli.arguments import Count, Names, Splitting, Words
from fabula.cli.group import new_app
from fabula.cli.options import verb


class Shared(TypedDict, total=False):
    """Shared.

    Options:
        names (A,B): Names of
            things.
        most: The most.
    """

    names: Names
    most: Count
    loud: bool


class Derived(Splitting, total=False):
    """Derived in a module that has another `read_shares`."""


def read_shares(text: str) -> str:
    return f"not for `--split {text}`"


def called(*arguments: str):
    app, seen = new_app(), []

    @verb(app)
    def shout(
        text: str,
        *,
        n: Count | None = None,
        word: Annotated[Words, "--say"] = (),
        **how: Unpack[Shared],
    ) -> None:
        """Shout.

        Options:
            text (TEXT): What is shouted.
            most: The very most.
        """
        seen.append((text, n, word, how))

    result = CliRunner().invoke(app, arguments)
    return result, *seen


def test_options_that_are_left_out_are_missing_from_their_group():
    assert called("a")[1] == ("a", None, (), {})


def test_zero_is_not_the_same_as_left_out():
    assert called("a", "--most", "0")[1] == ("a", None, (), {"most": 0})


def test_values_are_read_as_their_type_says():
    given = ("a", "-n", "2", "--say", "x", "--say", "y", "--names", "p, q", "--loud")
    assert called(*given)[1] == ("a", 2, ["x", "y"], {"names": ["p", "q"], "loud": True})


def test_an_inherited_option_keeps_its_reader_beside_another_of_that_name():
    app, seen = new_app(), []

    @verb(app)
    def shout(**how: Unpack[Derived]) -> None:
        """Shout."""
        seen.append(how)

    CliRunner().invoke(app, ["--split", "train=0.9"])
    assert seen == [{"split": {"train": 0.9}}]


def test_help_comes_from_the_docstring_and_the_verb_overrides_its_group():
    shown = called("--help")[0].output
    assert "--names A,B" in shown
    assert "Names of things." in shown
    assert "The very most." in shown
    assert "Options:\n  text" not in shown


def test_a_bound_of_the_type_is_kept_where_the_option_may_be_left_out():
    assert called("a", "-n", "-1")[0].exit_code == 2


def test_help_for_an_option_that_does_not_exist_is_an_error():
    def shout(text: str) -> None:
        """Shout.

        Options:
            txet: A misspelt name.
        """

    with pytest.raises(TypeError, match="`shout` has no option txet"):
        verb(new_app())(shout)


def test_no_help_shows_types_of_python_or_inequalities() -> None:
    """`<int range>`, `<list[Path]>` and `[x>=0]` mean nothing to who types a command."""
    help_texts = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text(encoding="utf-8")
    assert not re.findall(r"<(?:int|str|float|path|list)\b[^>]*>|x>=|<=x", help_texts)
