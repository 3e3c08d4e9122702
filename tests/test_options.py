"""Options by name: a misspelt one is an error of every verb, and names the nearest."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import fabula as fb
from fabula.describing.preferences import Preferences
from fabula.describing.round_trip import Comparison
from fabula.errors import FabulaError, UsageError
from fabula.spec.models import ModelSpec
from fabula.spec.outputs import OutputSpec

VERBS = [
    name
    for name in fb.__all__
    if callable(getattr(fb, name)) and not isinstance(getattr(fb, name), type)
]
OWN_CHECK = ("fit",)
"""Verbs whose further options depend on another one."""


def _misspelt(name: str) -> str:
    return name + name[-1]


def _named(verb: Any) -> list[str]:
    """The options that a verb documents in its own signature, by name."""
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each.name for each in inspect.signature(verb).parameters.values() if each.kind in kinds]


@pytest.mark.parametrize("name", VERBS)
def test_a_misspelt_option_of_any_verb_names_the_nearest(name: str) -> None:
    verb = getattr(fb, name)
    option = _named(verb)[-1]
    given = [{"a": [1] * 40}] if name in OWN_CHECK else []
    with pytest.raises(UsageError, match=f"`{_misspelt(option)}`") as caught:
        verb(*given, **{_misspelt(option): None})
    assert f"`{option}`" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "misspelt", "meant"),
    [
        ("rows", "uniqe", "unique"),
        ("arows", "chek_row", "check_row"),
        ("extend", "attemps", "attempts"),
        ("balance", "new_topic", "new_topics"),
        ("generate", "max_costs", "max_cost"),
        ("fit", "hiden", "hidden"),
    ],
)
def test_options_that_many_verbs_share_are_known_too(name: str, misspelt: str, meant: str) -> None:
    given, more = ([{"a": [1] * 40}], {"model": "vae"}) if name == "fit" else ([], {})
    with pytest.raises(UsageError) as caught:
        getattr(fb, name)(*given, **more, **{misspelt: 1})
    assert f"`{meant}`" in (caught.value.hint or "")


def test_a_misspelt_option_of_a_sample_names_the_nearest() -> None:
    model = fb.fit({"a": list(range(60)), "b": ["x", "y", "z"] * 20}, holdout=0.0)
    with pytest.raises(UsageError, match="takes no `givne`") as caught:
        model.sample(3, givne={"b": "x"})
    assert caught.value.hint == "did you mean `given`?"


@pytest.mark.parametrize("name", VERBS)
def test_verbs_travel_between_processes(name: str) -> None:
    assert pickle.loads(pickle.dumps(getattr(fb, name))) is getattr(fb, name)


@pytest.mark.parametrize(
    ("make", "misspelt", "meant"),
    [
        (lambda: ModelSpec(nam="m"), "nam", "name"),
        (lambda: OutputSpec(formt="csv"), "formt", "format"),
        (lambda: fb.TableSpec(colums={}), "colums", "columns"),
        (lambda: fb.DatasetSpec(tabels={}), "tabels", "tables"),
        (lambda: fb.Rehearsal(on_cal=print), "on_cal", "on_call"),
        (lambda: Comparison(tolerence=0.1), "tolerence", "tolerance"),
        (lambda: Preferences(stile="gossip"), "stile", "style"),
        (lambda: fb.Dataset({}).write("out", formt="csv"), "formt", "format"),
        (lambda: fb.rows(prompt="x", n=1, model={"nam": "m"}), "nam", "name"),
        (lambda: fb.rows(prompt="x", n=1, model="openai:m?top=1"), "top", "top_p"),
    ],
)
def test_a_misspelt_argument_of_a_class_or_method_names_the_nearest(
    make: Callable[[], Any], misspelt: str, meant: str
) -> None:
    with pytest.raises(FabulaError) as caught:
        make()
    assert f"`{misspelt}`" in str(caught.value)
    assert f"did you mean `{meant}`?" in str(caught.value)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (5, "a model is a name or its settings, not 5"),
        ({"name": "m", "temperature": -1}, "`temperature` must be at least 0, not -1"),
        ({"name": "m", "headers": {"X-Team": 1}}, "`X-Team` must be text, not 1"),
        ({"base_url": "http://127.0.0.1:1/v1"}, "`ModelSpec` needs `name`"),
    ],
)
def test_a_wrong_setting_of_a_model_is_told_in_words(model: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        fb.rows(prompt="x", n=1, model=model)
    assert caught.value.code == "model.setting"
