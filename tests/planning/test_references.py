"""References that can't be resolved or kept, and the order of tables that they make."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.engines.builders import planned, violations

KEY = {"kind": "key"}
PARENTS: dict[str, Any] = {
    "n": 10,
    "columns": {
        "id": KEY,
        "size": {"kind": "uniform"},
        "name": {"kind": "choice", "values": ["a", "b"]},
    },
}


def to(table: str, **rest: Any) -> dict[str, Any]:
    return {"kind": "reference", "to": table, **rest}


def with_child(columns: dict[str, Any], **table: Any) -> dict[str, Any]:
    size = {} if "per_parent" in table else {"n": 5}
    return {"parents": PARENTS, "children": {**size, "columns": columns, **table}}


CASES = {
    "unknown table": (
        with_child({"p": to("parent")}),
        "spec.unknown-reference",
        "column `p` refers to table `parent`, which does not exist",
        "did you mean `parents`?",
    ),
    "unknown column": (
        with_child({"p": to("parents.idd")}),
        "spec.unknown-reference",
        "column `p` refers to `parents.idd`, which does not exist",
        "did you mean `id`?",
    ),
    "parent without key": (
        {
            "a": {"n": 1, "columns": {"x": {"kind": "normal"}}},
            "b": {"n": 1, "columns": {"a": to("a")}},
        },
        "spec.no-key",
        "table `a` has no single key that `a` could refer to",
        "add `id: {kind: key}` to `a`, or write `to: a.COLUMN`",
    ),
    "repeating target": (
        with_child({"p": to("parents.name")}),
        "spec.ambiguous-reference",
        "column `p` refers to `parents.name`, whose values may repeat",
        "add `unique: true` to `parents.name`, or refer to its key",
    ),
    "unknown weights": (
        with_child({"p": to("parents", weights="sise")}),
        "spec.unknown-column",
        "`weights` names `sise`, which `parents` does not define",
        "did you mean `size`?",
    ),
    "weights of text": (
        with_child({"p": to("parents", weights="name")}),
        "spec.wrong-type",
        "`weights` of `p` must be a number, but `name` is dictionary<values=string, "
        "indices=int32, ordered=0>",
        None,
    ),
    "skew and weights": (
        with_child({"p": to("parents", weights="size", skew=1.1)}),
        "spec.bad-reference",
        "`p` has both `skew` and `weights`",
        "drop one of them",
    ),
    "unique and skew": (
        with_child({"p": to("parents", unique=True, skew=1.1)}),
        "spec.bad-reference",
        "`p` is unique, so every parent is used once: `skew` and `weights` can't be kept",
        "drop one of them",
    ),
    "weights in a distinct pair": (
        with_child({"p": to("parents", skew=1.1), "q": to("parents")}, unique=[["p", "q"]]),
        "spec.bad-reference",
        "`p` can't have `skew` or `weights`: its combinations may not repeat",
        "drop `skew`; every combination is then equally likely",
    ),
    "overlapping pairs": (
        with_child({name: to("parents") for name in "pqr"}, unique=[["p", "q"], ["q", "r"]]),
        "spec.bad-reference",
        "`q` is in several groups of references that may not repeat",
        "keep one of the groups, or check the other with `kind: unique`",
    ),
    "skew to its own table": (
        {"a": {"n": 5, "columns": {"id": KEY, "boss": to("a", skew=2)}}},
        "spec.bad-reference",
        "`boss` refers to earlier rows of its own table, drawn evenly: `unique`, `skew` and "
        "`weights` can't be kept",
        "drop one of them",
    ),
    "rows from its own rows": (
        {
            "a": {
                "per_parent": {"of": "a", "fixed": 2},
                "columns": {"id": KEY, "boss": to("a")},
            }
        },
        "spec.bad-reference",
        "the rows of `a` can't follow from its own rows",
        "give the table `n`; a reference to itself makes a tree",
    ),
    "missing driver values": (
        with_child({"p": to("parents", nulls=0.5)}, per_parent={"of": "parents", "fixed": 1}),
        "spec.bad-reference",
        "`per_parent` gives `p` its values: `nulls` can't be kept",
        "leave out `nulls`",
    ),
    "unique driver": (
        with_child({"p": to("parents", unique=True)}, per_parent={"of": "p", "fixed": 2}),
        "spec.bad-reference",
        "`p` is unique, but `per_parent` allows several rows of a parent",
        "add `max: 1` to it",
    ),
    "unknown driver": (
        with_child({"p": to("parents")}, per_parent={"of": "parent", "fixed": 2}),
        "spec.unknown-reference",
        "`per_parent` names table `parent`, which does not exist",
        "did you mean `parents`?",
    ),
    "driver without a reference": (
        with_child({"x": {"kind": "normal"}}, per_parent={"of": "parents", "fixed": 2}),
        "spec.unknown-reference",
        "no column of `children` refers to `parents`",
        "add `parents_id: {kind: reference, to: parents}`",
    ),
    "several drivers": (
        with_child(
            {"p": to("parents"), "q": to("parents")}, per_parent={"of": "parents", "fixed": 2}
        ),
        "spec.ambiguous-reference",
        "several columns refer to `parents`: `p`, `q`",
        "write `of: p`",
    ),
    "children by an expression": (
        with_child({"p": to("parents")}, per_parent={"of": "parents", "poisson": "p.size"}),
        "spec.bad-number",
        "`mean` of `per_parent` must be a plain number, not an expression",
        None,
    ),
    "fewer than no children": (
        with_child({"p": to("parents")}, per_parent={"of": "parents", "poisson": -3}),
        "spec.bad-number",
        "`mean` must not be below 0",
        None,
    ),
    "cycle of tables": (
        {
            "a": {"n": 5, "columns": {"id": KEY, "b": to("b")}},
            "b": {"n": 5, "columns": {"id": KEY, "c": to("c")}},
            "c": {"n": 5, "columns": {"id": KEY, "a": to("a")}},
        },
        "plan.cycle",
        "a.b → b.c → c.a → a: no order of tables satisfies these references, and none is nullable"
        " or deferred",
        "make one nullable or deferrable: add `nulls: 0.1` or `deferred: true` to `a.b`",
    ),
    "too few parents": (
        with_child({"p": to("parents", unique=True)}, n=11),
        "plan.too-few-values",
        "only 10 distinct values of `p` for 11 rows that must differ",
        "ask for at most 10 rows, or allow more values",
    ),
    "too few pairs": (
        with_child({"p": to("parents"), "q": to("parents")}, n=101, unique=[["p", "q"]]),
        "plan.too-few-values",
        "only 100 distinct values of `p` and `q` for 101 rows that must differ",
        "ask for at most 100 rows, or allow more values",
    ),
    "too few partners": (
        with_child(
            {"p": to("parents"), "q": to("parents")},
            per_parent={"of": "p", "fixed": 11},
            primary_key=["p", "q"],
        ),
        "plan.too-few-values",
        "only 10 distinct values of `q` for 11 rows that must differ",
        "ask for at most 10 rows, or allow more values",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_reference_that_can_not_be_kept_is_named(case: str) -> None:
    """Names the table, the column and what to do."""
    tables, code, message, hint = CASES[case]
    found = {item.message: item for item in violations(tables)}[message]
    assert (found.code, found.hint) == (code, hint)
    assert str(found.where).startswith("tables.")


def test_wrong_references_of_all_tables_are_named_at_once() -> None:
    tables = with_child({"p": to("nope"), "q": to("parents.nope"), "r": to("parents.name")})
    tables["more"] = {"n": 1, "columns": {"s": to("nothing")}}
    assert [item.where for item in violations(tables)] == [
        "tables.children.columns.p.to",
        "tables.children.columns.q.to",
        "tables.children.columns.r.to",
        "tables.more.columns.s.to",
    ]


def test_parents_come_before_their_children_in_any_order_of_the_spec() -> None:
    """A parent written after its child."""
    plan = planned(
        {
            "lines": {"n": 5, "columns": {"order": to("orders")}},
            "orders": {"n": 5, "columns": {"id": KEY, "customer": to("customers")}},
            "customers": {"n": 5, "columns": {"id": KEY}},
        }
    )
    assert plan.order == ("customers", "orders", "lines")


def test_a_cycle_breaks_at_its_nullable_reference() -> None:
    plan = planned(
        {
            "a": {"n": 5, "columns": {"id": KEY, "b": to("b")}},
            "b": {"n": 5, "columns": {"id": KEY, "a": to("a", nulls=0.2)}},
        }
    )
    assert plan.order == ("b", "a")
    assert plan["b"].references["a"].loose
    assert not plan["a"].references["b"].loose


def test_a_reference_to_the_own_table_is_no_cycle_of_tables() -> None:
    assert planned({"a": {"n": 5, "columns": {"id": KEY, "boss": to("a")}}}).order == ("a",)


def test_a_reference_takes_the_type_of_what_it_names() -> None:
    """Keys never differ in type."""
    plan = planned(
        {
            "a": {"n": 5, "columns": {"id": {"kind": "uuid"}}},
            "b": {"n": 5, "columns": {"a": to("a"), "day": to("c")}},
            "c": {
                "n": 5,
                "primary_key": "day",
                "columns": {"day": {"kind": "sequence", "start": dt.date(2024, 1, 1)}},
            },
        }
    )
    assert [str(plan["b"].columns[name].type) for name in ("a", "day")] == ["string", "date32[day]"]


def test_a_model_is_not_asked_about_rows_that_it_has_still_to_fill() -> None:
    """A clear refusal instead of endless recursion."""
    columns = {
        "id": {"kind": "key"},
        "boss": {"kind": "reference", "to": "staff"},
        "note": {"kind": "llm"},
        "bio": {"kind": "text", "prompt": "A colleague of {{ boss.note }}"},
    }
    (found,) = violations({"staff": {"n": 3, "columns": columns}})
    assert found.code == "plan.cycle"
    assert "`bio` uses `boss.note` of an earlier row" in found.message


def test_tables_in_a_cycle_that_models_fill_are_refused() -> None:
    """Each would wait for the rows that the next one keeps."""
    columns = {"id": {"kind": "key"}, "name": {"kind": "llm"}}
    spec: dict[str, Any] = {
        "shops": {"n": 3, "columns": {**columns, "best": reference_to("people", nulls=0.5)}},
        "people": {"n": 3, "columns": {**columns, "shop": reference_to("shops")}},
    }
    (found,) = violations(spec)
    assert found.code == "plan.cycle"
    assert "models fill all of these tables" in found.message
    del spec["people"]["columns"]["name"]
    assert planned(spec).order == ("shops", "people")


def reference_to(table: str, **more: object) -> dict[str, object]:
    return {"kind": "reference", "to": table, **more}
