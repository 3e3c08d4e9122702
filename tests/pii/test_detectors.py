"""Detectors of plug-ins: they decide before Fabula's kinds, and every part of Fabula takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.extending import Detector, register
from fabula.pii import find, find_in_table
from fabula.pii.kinds import DETECTORS, TITLES
from fabula.privacy.proposing import propose

RINGS = [f"{letter}{number:04}-{letter}" for letter in "KLMN" for number in range(17, 2_000, 40)]


def rings(texts: Sequence[str], name: str) -> float:
    """The share of numbers on rings of birds."""
    del name
    return float(np.mean([bool(re.fullmatch(r"[A-Z]\d{4}-[A-Z]", text)) for text in texts]))


def own(monkeypatch: pytest.MonkeyPatch, **parts: Any) -> Detector:
    """A registered detector, which the test takes away again."""
    assert len(DETECTORS.known())
    for kept in ("_entries", "_sources"):
        monkeypatch.setattr(DETECTORS, kept, dict(getattr(DETECTORS, kept)))
    given: dict[str, Any] = {"detects": rings, "told": "have the form of a ring", **parts}
    return register(Detector("ring", "numbers on rings", **given))


def test_its_kind_is_found_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    own(monkeypatch)
    found = find(pa.array(RINGS), "c")
    assert found is not None
    assert (found.kind, found.direct, found.made_as) == ("ring", True, "code")
    assert found.reason == "100 % of its values have the form of a ring"
    assert TITLES["ring"] == "numbers on rings"
    assert find(pa.array(RINGS[:3]), "c") is None or find(pa.array(RINGS[:3])).kind != "ring"  # type: ignore[union-attr]


def test_it_decides_before_fabulas_own_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    mails = pa.array([f"u{n}@mail.example" for n in range(9)])
    own(monkeypatch, detects=lambda texts, _: np.mean(["@" in text for text in texts]))
    assert find_in_table(pa.table({"c": mails}))["c"].kind == "ring"


def test_fits_make_new_values_and_specs_list_none(monkeypatch: pytest.MonkeyPatch) -> None:
    own(monkeypatch)
    rng = np.random.default_rng(0)
    birds = pa.table({"ring": RINGS, "weight": rng.normal(20, 2, len(RINGS)).round(1)})
    model = fb.fit(birds, model="copula")
    made = model.sample(200)
    assert not set(RINGS) & set(made["ring"].to_pylist())
    assert all(re.fullmatch(r"[A-Z]\d{4}-[A-Z]", ring) for ring in made["ring"].to_pylist())
    assert "have the form of a ring" in str(model.card())
    text = fb.infer(birds).spec.to_yaml()
    assert not any(ring in text for ring in RINGS)


def test_a_mask_proposes_the_kind_that_new_values_are_made_as(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own(monkeypatch)
    (table,) = propose({"birds": pa.table({"ring": RINGS})}).tables.values()
    assert (table.columns["ring"].kind, table.columns["ring"].detail) == ("ring", "code")


@pytest.mark.parametrize(
    ("detects", "told"),
    [
        (lambda *_: 1 / 0, "ZeroDivisionError"),
        (lambda *_: 7, "returns 7, not a share"),
        (lambda *_: float("nan"), "returns nan, not a share"),
        (lambda *_: None, "TypeError"),
    ],
)
def test_one_that_fails_is_named_with_the_column(
    detects: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(monkeypatch, detects=detects)
    with pytest.raises(UsageError, match=f"the detector `ring` fails on column `c`: .*{told}"):
        find(pa.array(RINGS), "c")


@pytest.mark.parametrize(
    ("parts", "lack"),
    [
        ({"told": ""}, "has no words for its reason"),
        ({"least": 0.0}, "has a `least` that is not above 0"),
        ({"made_as": "birth_date"}, "has no `made_as` of account, card, city, code"),
    ],
)
def test_an_incomplete_one_is_refused(
    parts: dict[str, Any], lack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=lack):
        own(monkeypatch, **parts)
