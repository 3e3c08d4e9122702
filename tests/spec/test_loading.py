"""Specs from YAML and JSON: what is accepted, and how problems are told."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabula.errors import SpecError, Violation
from fabula.kinds import KINDS
from fabula.kinds.base.parameters import as_moment
from fabula.spec.loading import build_spec, parse_spec
from fabula.spec.locations import Source
from fabula.spec.plain import to_plain
from fabula.spec.tables import DatasetSpec
from tests.spec.specs import specs

JARGON = re.compile(
    r"input should|union|\btag\b|\[type=|pydantic|literal|tuple|dict", re.IGNORECASE
)
SHOP = Path(__file__).parents[2] / "examples" / "shop.yaml"


def problems(text: str) -> tuple[Violation, ...]:
    """What is wrong with a spec's text."""
    with pytest.raises(SpecError) as caught:
        parse_spec(text, file="shop.yaml")
    return caught.value.violations


def column(parameters: str) -> str:
    """A spec whose one column, on line 4, has these parameters."""
    return f"tables:\n  t:\n    columns:\n      a: {{{parameters}}}\n"


def only(text: str) -> Violation:
    """The one thing that is wrong with a spec's text."""
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def test_a_file_becomes_a_spec() -> None:
    spec = parse_spec(SHOP.read_text(), file="shop.yaml")
    assert list(spec.tables) == ["products", "customers", "orders"]
    assert spec.tables["orders"].n == 10_000
    assert spec.source.file == "shop.yaml"


def test_yaml_and_json_of_the_same_spec_are_equal() -> None:
    yaml = "tables: {t: {columns: {a: {kind: datetime, start: 2024-05-01, within: 3d}}}}"
    spec = parse_spec(yaml)
    twin = {"kind": "datetime", "start": "2024-05-01", "within": "3d"}
    assert spec == parse_spec(json.dumps({"tables": {"t": {"columns": {"a": twin}}}}))
    assert spec == DatasetSpec.model_validate_json(spec.model_dump_json())


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("100_000", 100_000),
        ("0x1f", 31),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("00123", "00123"),
        ("'12'", "12"),
        ("no", "no"),
        ("True", True),
        ("~", None),
        ("2024-05-01", dt.date(2024, 5, 1)),
        ("2024-05-01 10:30:00", dt.datetime(2024, 5, 1, 10, 30)),
        ("1.2.3", "1.2.3"),
        ("été", "été"),
        ("12:30", "12:30"),
    ],
)
def test_plain_scalars_mean_what_people_expect(written: str, value: object) -> None:
    spec = parse_spec(column(f"kind: constant, value: {written}"))
    found = spec.tables["t"].columns["a"].value
    assert found == value
    assert type(found) is type(value)


def test_anchors_and_merge_keys_share_parameters() -> None:
    spec = parse_spec(
        "tables:\n  t:\n    columns:\n"
        "      a: &base {kind: normal, mean: 3, std: 2}\n"
        "      b: {<<: *base, mean: 5}\n      c: *base\n"
    )
    columns = spec.tables["t"].columns
    assert columns["a"] == columns["c"]
    assert columns["b"].model_dump() == columns["a"].model_dump() | {"mean": 5}


def test_windows_files_with_a_byte_order_mark_load() -> None:
    spec = parse_spec("\ufefftables:\r\n  t:\r\n    columns:\r\n      a: {kind: key}\r\n")
    assert list(spec.tables["t"].columns) == ["a"]


def test_every_problem_is_told_at_once_in_the_order_of_the_file() -> None:
    """Journeys, rule 6."""
    found = problems(
        "nmae: shop\n"
        "tables:\n"
        "  t:\n"
        "    n: ten\n"
        "    columns:\n"
        "      a: {kind: chioce, values: [1]}\n"
        "      b: {kind: reference}\n"
        "    checks:\n"
        "      - {kind: row, sql: 'a > 0'}\n"
        "      - {kind: rwo}\n"
    )
    assert [(item.code, item.where, item.line) for item in found] == [
        ("spec.unknown-key", "nmae", 1),
        ("spec.wrong-type", "tables.t.n", 4),
        ("spec.unknown-kind", "tables.t.columns.a.kind", 6),
        ("spec.missing-key", "tables.t.columns.b.to", 7),
        ("spec.unknown-kind", "tables.t.checks.1.kind", 10),
    ]
    assert {item.file for item in found} == {"shop.yaml"}


def test_an_unknown_kind_is_shown_as_in_the_guide() -> None:
    """Journey (a)."""
    with pytest.raises(SpecError) as caught:
        parse_spec(column("kind: chioce"), file="shop.yaml")
    assert str(caught.value) == (
        "error[spec.unknown-kind]: column kind `chioce` does not exist\n"
        "  --> shop.yaml:4  tables.t.columns.a.kind\n"
        "\n"
        f"hint: did you mean `choice`? `fabula kinds` lists all {len(KINDS)}"
    )


@pytest.mark.parametrize(
    ("parameters", "code", "message", "hint"),
    [
        ("kind: bool", "unknown-kind", "column kind `bool` does not exist", "`bernoulli`"),
        ("kind: normal, mu: 3", "unknown-key", "a `normal` column has no key `mu`", "`mean`"),
        ("kind: normal, qqq: 3", "unknown-key", "has no key `qqq`", "its keys are"),
        ("kind: normal, rubric: 3", "unknown-key", "no key `rubric`", "{kind: judge}`; here, keys"),
        ("kind: expr", "missing-key", "an `expr` column needs `sql`", "add `sql:`"),
        ("values: [1, 2], balance: exact", "missing-key", "has no `kind`", "`kind: choice`"),
        ("nulls: 0.5", "missing-key", "has no `kind`", "there are"),
        ("kind: normal, mean: [1]", "wrong-type", "`mean` must be a number or an expression", None),
        ("kind: key, start: x", "wrong-type", "must be a whole number, not `x`", None),
        ("kind: key, unique: maybe", "wrong-type", "must be true or false, not `maybe`", None),
        ("kind: choice, values: a", "wrong-type", "`values` must be a list, not `a`", None),
        ("kind: choice, values: []", "out-of-range", "`values` is empty", None),
        ("kind: choice, values: [[1]]", "wrong-type", "item 1 of `values` must be", None),
        ("kind: choice, values: {a: -1}", "out-of-range", "item 1 of `weights` must be", None),
        ("kind: key, nulls: 1.5", "out-of-range", "`nulls` must be at most 1, not 1.5", None),
        ("kind: zipf, exponent: 0", "out-of-range", "`exponent` must be above 0, not 0", None),
        ("kind: person, field: nmae", "bad-value", "`field` can't be `nmae`", "`name`"),
        ("kind: llm, type: strng", "bad-value", "`type` can't be `strng`", "`str`"),
        ("kind: sequence, step: 3 dayz", "bad-value", "`3 dayz` is not a duration", None),
        ("kind: datetime, start: '2024-13-01'", "bad-value", "is not a date or time", None),
        ("kind: datetime", "bad-value", "give `end`, or `within`", None),
        ("kind: normal, std: .nan", "wrong-type", "`std` must be a finite number", None),
        ("kind: mixture, of: [{kind: nrmal}]", "unknown-kind", "distribution `nrmal`", "`normal`"),
    ],
)
def test_a_wrong_parameter_is_told_in_plain_words(
    parameters: str, code: str, message: str, hint: str | None
) -> None:
    found = only(column(parameters))
    assert found.code == f"spec.{code}"
    assert message in found.message
    assert hint is None or hint in (found.hint or "")
    assert found.line == 4
    assert not JARGON.search(found.message + (found.hint or ""))


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        ("", "empty", None, "fabula init"),
        ("# nothing\n", "empty", None, "fabula init"),
        ("- a\n- b\n", "wrong-type", None, "not a list"),
        ("hello", "wrong-type", None, "not `hello`"),
        ("tables:\n\tt: 1\n", "syntax", 2, "not tabs"),
        ("name: a: b\n", "syntax", 1, "quotes"),
        ("tables: {t: {columns: {a: {kind: key}}\n", "syntax", 2, "close every"),
        ("name: 'a\n", "syntax", 2, "quotes"),
        ('name: "\\d"\n', "syntax", 1, "single quotes"),
        ("name: @x\n", "syntax", 1, "quotes"),
        ("a: 1\n---\nb: 2\n", "syntax", 2, "one document"),
        ("name: !!python/name:os.system x\n", "syntax", 1, "remove it"),
        ("name: {{ x }}\n", "syntax", 1, "templates"),
        ("name: *nowhere\n", "syntax", 1, "before"),
        ("name: 2024-02-31\n", "syntax", 1, "is not a number, date or time"),
        ("name: a\x00b\n", "syntax", None, "not valid YAML"),
        ("name: 1\nname: 2\n", "duplicate-key", 2, "first on line 1"),
        ('{"name": "a", "name": "b"}', "duplicate-key", 1, "twice"),
        ("fabula: 2\ntables: {t: {columns: {a: {kind: key}}}}\n", "version", 1, "newer Fabula"),
        ("columns: {a: {kind: key}}\ntables: {}\n", "out-of-range", 2, "`tables` is empty"),
        ("tables: {t: {columns: {1: {kind: key}}}}\n", "wrong-type", 1, 'quotes around it: "1"'),
        ("tables: {t: {columns: {a: person}}}\n", "wrong-type", 1, "{kind: person}"),
        ("tables: {t: {columns: {a: }}}\n", "wrong-type", 1, "not nothing"),
        ("tables: {t: }\n", "wrong-type", 1, "not nothing"),
        (
            "tables: {t: {per_parent: {of: a, qqq: 3}, columns: {}}}\n",
            "unknown-key",
            1,
            "its keys are distribution, fixed, max, min, of",
        ),
    ],
)
def test_a_file_that_is_no_spec_is_told_with_its_line(
    text: str, code: str, line: int | None, words: str
) -> None:
    found = problems(text)[-1] if code != "out-of-range" else problems(text)[1]
    assert found.code == f"spec.{code}"
    assert found.line == line
    assert found.file == "shop.yaml"
    assert words in found.message + " " + (found.hint or "")


def test_broken_json_is_told_as_json() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec('{\n  "tables": \n}', file="shop.json")
    assert "not valid JSON" in caught.value.message
    assert caught.value.line == 3


def test_an_exponential_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    started = time.process_time()
    assert "too many" in only("\n".join(lines)).message
    assert time.process_time() - started < 20


def test_deep_nesting_is_refused() -> None:
    assert "nested too deeply" in only("a: " + "[" * 5_000 + "]" * 5_000).message


def test_a_table_without_tables_above_it_is_told_where_it_belongs() -> None:
    found = {item.where: item for item in problems("columns: {a: {kind: key}}\n")}
    assert "tables come first" in (found["columns"].hint or "")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("generalise: {postcode: 3}", "`generalise` belongs under `tables.NAME.source`"),
        ("split: {train: 0.9}", "`split` belongs under `outputs`"),
        ("temperature: 1", "`temperature` belongs under `models.NAME`"),
        ("tables: {a: {seed: 1, n: 1}}", "`seed` belongs at the top of the spec"),
        ("tables: {a: {kind: key, n: 1}}", "under `tables.NAME.columns.NAME` or under"),
    ],
)
def test_a_key_in_the_wrong_place_is_told_where_it_belongs(text: str, hint: str) -> None:
    found = next(each for each in problems(text) if each.code == "spec.unknown-key")
    assert hint in (found.hint or "")


def test_problems_found_later_get_their_line_too() -> None:
    spec = parse_spec(SHOP.read_text(), file="shop.yaml")
    lines = SHOP.read_text().splitlines()
    places = {
        "tables.orders.columns.total.sql": "total:",
        "tables.orders.checks.1.column": "column: customer_id",
        "tables.products.columns.blurb.prompt": 'prompt: "One',
        "tables.customers.nowhere.at.all": "customers:",
        "seed": "seed: 7",
    }
    for violation, text in zip(
        spec.source.located([Violation("x", "y", where) for where in places]),
        places.values(),
        strict=True,
    ):
        assert violation.line is not None
        assert text in lines[violation.line - 1]
        assert violation.file == "shop.yaml"


def test_names_that_hold_dots_are_found() -> None:
    text = "tables:\n  a.b:\n    columns:\n      c.d: {kind: key}\n"
    assert Source(text).line("tables.a.b.columns.c.d.start") == 4


def test_a_spec_made_in_python_has_no_line() -> None:
    spec = DatasetSpec(tables={"t": {"n": 1, "columns": {"a": {"kind": "key"}}}})
    (violation,) = spec.source.located([Violation("x", "y", "tables.t")])
    assert (violation.file, violation.line) == (None, None)


@pytest.mark.parametrize("data", [None, [], 5, "text", {}])
def test_python_values_that_are_no_spec_are_refused(data: Any) -> None:
    with pytest.raises(SpecError):
        build_spec(data)


def test_a_wide_spec_loads_in_reasonable_time() -> None:
    """2,000 columns, a fifth of the largest spec that is promised to load in five seconds."""
    columns = "".join(f"      c{i}: {{kind: normal, mean: {i}, std: 2}}\n" for i in range(2_000))
    started = time.process_time()
    spec = parse_spec("tables:\n  wide:\n    columns:\n" + columns)
    assert len(spec.tables["wide"].columns) == 2_000
    assert time.process_time() - started < 4


def test_moments_in_text_and_as_dates_are_one() -> None:
    assert as_moment(dt.date(2024, 5, 1)) == dt.datetime(2024, 5, 1)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(specs, st.data())
def test_a_spec_with_anything_in_any_place_is_read_or_told_in_plain_words(
    spec: DatasetSpec, data: st.DataObject
) -> None:
    values = to_plain(spec)
    node: Any = values
    while True:
        key = data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = data.draw(junk)
    try:
        build_spec(values)
    except SpecError as error:
        told = [f"{item.message} {item.hint}" for item in error.violations]
        assert not [text for text in told if JARGON.search(text)]
