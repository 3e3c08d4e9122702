"""Attacks on releases: each finds a planted leak, and finds none without one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.privacy.release.attacks import (
    authorship_attack,
    inference_attack,
    intersection_attack,
    linkage_attack,
    told_by_group,
)
from tests.privacy.test_kanonymity import QUASI, patients


def test_linkage_finds_people_who_stand_alone_and_none_in_a_k_anonymous_table() -> None:
    real = patients()
    assert linkage_attack(real.select(QUASI)).alone > 0.5
    attack = linkage_attack(fb.generalise(real, quasi=QUASI, k=5).table.select(QUASI))
    assert (attack.alone, attack.k >= 5) == (0.0, True)
    assert attack.success <= 1 / 5 + 0.01


def test_a_person_with_several_rows_counts_once_in_a_group() -> None:
    rows = pa.table({"ward": ["eyes"] * 5 + ["heart"] * 2})
    people = np.array([0, 0, 0, 0, 0, 1, 2])
    assert linkage_attack(rows).k == 2
    attack = linkage_attack(rows, people)
    assert (attack.k, attack.tries, attack.alone) == (1, 3, 1 / 3)
    assert intersection_attack(rows, rows, people).k == 1


def test_groups_with_one_value_give_it_away() -> None:
    rng = np.random.default_rng(0)
    ward = rng.integers(0, 40, 4_000)
    told = pa.table({"ward": pa.array(ward), "hiv": pa.array(ward % 2)})
    assert told_by_group(told, ["ward"], "hiv") == 1.0
    free = told.set_column(1, "hiv", pa.array(rng.integers(0, 2, 4_000)))
    assert told_by_group(free, ["ward"], "hiv") == 0.0


def test_two_coarse_releases_together_are_finer_than_each() -> None:
    age = np.arange(1_000) % 100
    first = pa.table({"age": pa.array(age // 10)})
    second = pa.table({"age": pa.array((age + 5) // 10)})
    assert min(linkage_attack(table).k for table in (first, second)) >= 50
    assert intersection_attack(first, second).k == 50
    assert intersection_attack(first, first).k == linkage_attack(first).k


def test_every_row_of_a_person_counts_in_the_intersection_of_two_releases() -> None:
    """Ann alone has moved: only her second rows of both releases tell that."""
    ward = ["eyes", "eyes", "heart", "eyes", "eyes", "eyes", "eyes"]
    whose = ["ann", "bob", "ann", "cid", "dan", "bob", "cid"]
    rows, persons = pa.table({"ward": ward}), pa.chunked_array([pa.array(whose)])
    stayed = pa.table({"ward": ["eyes"] * 4}), pa.chunked_array([["ann", "bob", "cid", "dan"]])
    attack = intersection_attack(rows, stayed[0], whose=(persons, stayed[1]))
    assert attack.k == 1
    first = pa.table({"ward": ["eyes"] * 4})
    assert intersection_attack(first, stayed[0], whose=(stayed[1], stayed[1])).k == 4


def test_inference_sees_values_that_are_the_persons_own() -> None:
    rng = np.random.default_rng(1)
    real, drawn, held = (
        pa.chunked_array([pa.array(np.array(["a", "b", "c", "d"])[rng.integers(0, 4, 3_000)])])
        for _ in range(3)
    )
    assert inference_attack(real, real, drawn, held).excess > 0.7
    other = pa.chunked_array([real.combine_chunks().take(pa.array(rng.permutation(3_000)))])
    attack = inference_attack(other, real, drawn, held)
    assert attack.success == pytest.approx(attack.baseline, abs=0.05)


def test_authors_are_picked_by_their_words_and_not_from_redacted_notes() -> None:
    rng = np.random.default_rng(2)
    words = [f"word{n}" for n in range(400)]
    notes = [" ".join(rng.choice(words, 12)) for _ in range(300)]
    assert authorship_attack(notes, notes).success == 1.0
    redacted = authorship_attack(notes, ["[redacted]"] * 300)
    assert redacted.success <= 3 / 300
    others = [" ".join(rng.choice(words, 12)) for _ in range(300)]
    assert authorship_attack(notes, others).success <= 0.03
