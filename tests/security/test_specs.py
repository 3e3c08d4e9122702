"""Specs from strangers: SQL, templates and patterns end in time, within bounds, at their place."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import FabulaError, SpecError
from fabula.fakers.linear import linear_pattern
from fabula.io.expressions import parse_expression
from fabula.io.sql_bounds import may_grow
from tests.security.test_bombs import cost


def made(columns: dict[str, Any], n: int = 3) -> Any:
    spec = {"tables": {"t": {"n": n, "columns": {"a": {"kind": "key"}, **columns}}}}
    path = Path("s.json")
    path.write_text(json.dumps(spec))
    return fb.generate(path)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(columns: dict[str, Any], n: int = 3) -> FabulaError:
    """The error of a spec, which names the column within seconds."""
    began = time.process_time()
    with pytest.raises(FabulaError) as caught:
        made(columns, n)
    assert time.process_time() - began < 8  # two queries of 4 s; none of them is the rule
    assert "tables.t.columns.x" in str(caught.value)
    return caught.value


HEAVY = [
    "repeat('a', 1000000000)",
    "repeat('a', a * 1000000000)",
    "lpad('a', 2000000000, 'b')",
    "rpad('a', 2000000000, 'b')",
    "list_reduce(range(100000000), lambda x, y: x + y)",
    "len(range(0, 100000000))",
    "len(range(0, 100000000, 2))",
    "len(generate_series(1, 100000000))",
    "levenshtein(repeat('a', 100000), repeat('b', 100000))",
    "damerau_levenshtein(repeat('a', 20000), repeat('b', 20000))",
    "printf('%99999999d', a)",
    "format('{:>99999999}', a)",
    "printf(repeat('%d', a), a)",
    "list_resize([1], 1000000000, 1)",
    "bitstring('1', 900000000)",
    "generate_subscripts(range(9), 1)",
    "(" * 3000 + "a" + ")" * 3000,
    "a + " * 200_000 + "1",
]


@pytest.mark.parametrize("sql", HEAVY, ids=lambda sql: sql[:30])
def test_sql_that_asks_for_too_much_is_refused(sql: str) -> None:
    refused({"x": {"kind": "expr", "sql": sql}})


GROWING = [
    ("length(list_reduce(range(40), lambda s, x: s || s, 'a'))", 3),
    ("length(replace(repeat('a', 100000), 'a', repeat('b', 100000)))", 3),
    ("len(list_transform(range(10000), lambda x: repeat('a', 100000)))", 3),
    ("len(flatten(list_transform(range(10000), lambda x: range(10000))))", 3),
    ("luhn(repeat(a::text, 20000))", 4_000),
    ("regexp_replace(repeat('a', 100000), 'a|b' || a, 'c', 'g')", 4_000),
]
"""What the arguments' sizes don't bound, in one row or in thousands."""


@pytest.mark.slow
@pytest.mark.parametrize(("sql", "rows"), GROWING, ids=lambda value: str(value)[:40])
def test_sql_whose_values_grow_is_stopped_within_its_memory(sql: str, rows: int) -> None:
    """A process of its own: its peak counts nothing else."""
    columns = {"a": {"kind": "key"}, "x": {"kind": "expr", "sql": sql}}
    Path("s.json").write_text(json.dumps({"tables": {"t": {"n": rows, "columns": columns}}}))
    code, told = cost("generate", "s.json", "-o", "out", folder=Path())
    assert code == 2
    assert "tables.t.columns.x.sql" in told
    assert "it takes " in told


@pytest.mark.slow
def test_a_check_whose_sql_grows_fails_and_says_so() -> None:
    """Its query reads a whole table, in a run and over data at rest."""
    grows = "len(list_transform(range(10000), lambda x: repeat('a', 100000))) > a"
    spec = {"tables": {"t": {"n": 3, "columns": {"a": {"kind": "key"}}, "checks": [
        {"kind": "window", "sql": f"{grows} OR count(*) OVER () > 0"}
    ]}}}  # fmt: skip
    Path("s.json").write_text(json.dumps(spec))
    code, told = cost("generate", "s.json", "-o", "out", folder=Path())
    assert code == 1
    assert "it takes more than 300 MB for 3 rows" in told


@pytest.mark.slow
def test_columns_that_double_each_other_are_stopped() -> None:
    """Each joins two texts: for short ones, that calls for no limit."""
    doubled = {f"x{at}": {"kind": "expr", "sql": f"x{at - 1} || x{at - 1}"} for at in range(1, 40)}
    columns = {"a": {"kind": "key"}, "x0": {"kind": "expr", "sql": "a::text"}, **doubled}
    Path("s.json").write_text(json.dumps({"tables": {"t": {"n": 3, "columns": columns}}}))
    code, told = cost("generate", "s.json", "-o", "out", folder=Path())
    assert code == 2
    assert "SQL makes " in told


@pytest.mark.parametrize(
    ("sql", "grows"),
    [("round(a / 2, 2) + abs(b)", False), ("upper(a) || '-' || b", False), ("a > b", False),
     ("avg(a) OVER (PARTITION BY b)", False), ("d + INTERVAL 1 DAY", False),
     ("lpad(a, 9, '0')", False), ("lpad(a, b, '0')", True), ("lpad(a, 9, b)", True),
     ("[a]", True), ("repeat(a, 9)", True), ("replace(a, 'x', 'yy')", True),
     ("string_agg(a)", True), ("list_reduce([a], lambda s, x: s || s)", True),
     (" || ".join("a" * 20), True), (f"a || '{'x' * 3000}'", True)],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_only_queries_that_can_grow_limit_the_process(sql: str, grows: bool) -> None:
    assert may_grow(parse_expression(sql, across=True).sql) is grows


def test_the_limit_of_memory_is_lifted_after_a_query() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    made({"x": {"kind": "expr", "sql": "list_sum([a, 2])"}})
    refused({"x": {"kind": "expr", "sql": GROWING[2][0]}})
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


CLOCKS = [
    "ago(INTERVAL 1 DAY)", "pg_postmaster_start_time()", "pg_conf_load_time()", "pg_sleep(1000)",
    "sleep_ms(1000)", "now()", "today()", "current_timestamp", "random()", "uuid()", "uuidv7()",
    "current_catalog()", "nextval('s')", "getenv('HOME')", "current_setting('threads')",
    "list_transform([1], lambda v: random())", "txid_current()", "current_query()",
]  # fmt: skip


@pytest.mark.parametrize("sql", CLOCKS)
def test_sql_that_would_not_repeat_is_refused(sql: str) -> None:
    refused({"x": {"kind": "expr", "sql": sql}})


USED = [
    ("if(a > 1, 'x', 'y')", "y"), ("nullif(a, 1)", None), ("list_sum([a, 2])", 3),
    ("split_part('a-b', '-', 2)", "b"), ("repeat('ab', 2)", "abab"), ("lpad('7', 3, '0')", "007"),
    ("len(range(5))", 5), ("range(2, 5)[1]", 2), ("len(range(0, 10, 5))", 2),
    ("levenshtein('ab', 'ac')", 1), ("printf('%05d', a)", "00001"), ("luhn('7992739871')", None),
    ("len(list_transform(range(9), lambda x: 1))", 9), ("len(generate_series(1, 3))", 3),
    ("strftime(DATE '2024-02-03', '%d')", "03"), ("date_part('year', DATE '2024-02-03')", 2024),
    ("array_to_string(['a', 'b'], '-')", "a-b"), ("fmod(7, 4)", 3),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "first"), USED)
def test_functions_that_repeat_still_work(sql: str, first: Any) -> None:
    found = made({"x": {"kind": "expr", "sql": sql}})["x"][0].as_py()
    assert first is None or found == first


TEMPLATES = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}"
    "{% endfor %}",
    "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}"
    "{% endfor %}",
    "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(60) %}"
    "{% set n.s %}{{ n.s }}{{ n.s }}{% endset %}{% endfor %}",
    "{{ 'a' * 10**10 }}",
    "{{ 10**10 * 'a' }}",
    "{{ 'a'.center(10**10) }}",
    "{{ 'a' | center(10**10) }}",
    "{{ 'a'.ljust(10**10) }}{{ 'a'.rjust(10**10) }}{{ 'a'.zfill(10**10) }}",
    "{{ '%10000000000d' | format(a) }}",
    "{{ '%10000000000d' % a }}",
    "{{ '%*d' % (10000000000, a) }}",
    "{{ '{:>9999999999}'.format(a) }}",
    "{{ '{:>{}}'.format(a, 10**10) }}",
    "{{ [a] * 10**9 }}",
    "{{ ([a] * 1000) | batch(10**10, 'x') | list }}",
    "{{ 'x' | indent(10**10, true) }}",
    "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ " + "(" * 3000 + "a" + ")" * 3000 + " }}",
    "{{ 9**(9**9) }}",
    "{{ (9**999) * (9**999) * (9**999) * (9**999) * (9**999) * (9**999) }}",
    "{{ range(10**10) | list }}",
    "{{ 'a'.format_map }}",
    "{{ range }}",
    "{{ a.__class__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{% include 'x' %}",
    "{{ cycler('a') }}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
    "{% macro m(n) %}{% if n %}{% call m(n - 1) %}{% endcall %}{% call m(n - 1) %}{% endcall %}"
    "{% endif %}{% endmacro %}{{ m(40) }}",
    "{% block b %}{% for i in range(9) %}{{ self.b() }}{% endfor %}{% endblock %}",
    "{{ ('a\\n' * 300000) | indent(1000) }}",
    "{{ ('a\\n' * 300000) | indent('x' * 1000) }}",
]


@pytest.mark.parametrize("text", TEMPLATES, ids=lambda text: text[:40])
def test_a_template_that_asks_for_too_much_is_refused(text: str) -> None:
    refused({"x": {"kind": "template", "text": text}})


@pytest.mark.parametrize(
    ("text", "first"),
    [("{{ a }}-{{ '%03d' % a }}", "1-001"), ("{{ 'x' * 3 }}", "xxx"), ("{{ a + 1 }}", "2"),
     ("{% for i in range(3) %}{{ i }},{% endfor %}", "0,1,2,"), ("{{ 'b' | center(5) }}", "  b  "),
     ("{{ 'a' ~ a ~ none }}", "a1None"), ("{{ 'aa' | replace('a', 'b') }}", "bb"),
     ("{{ '{:>4}'.format(a) }}", "   1"), ("{{ 'a b'.split() | join('-') }}", "a-b"),
     ("{{ 2 ** 10 }}", "1024"), ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(a) }}", "<1>")],
)  # fmt: skip
def test_templates_still_work(text: str, first: str) -> None:
    assert made({"x": {"kind": "template", "text": text}})["x"][0].as_py() == first


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+b", "(a|a?)+b", "(.*a){20}b", "([a-z]+)*b"])
def test_a_pattern_is_matched_in_linear_time(pattern: str) -> None:
    """Python's engine takes hours for these."""
    began = time.process_time()
    assert not linear_pattern(pattern).fullmatch("a" * 50_000 + "!")
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [(r"\w+", "Müller", True), (r"[\w-]+", "Zoë-Ann", True), (r"\d{3}", "12a", False),
     (r"[^]]x", "ax", True), (r"[]a]+", "]a", True), (r"[\u4e00-\u9fff]+", "中文", True),
     (r"\W", "é", False), (r"a\Z", "a", True), (r"[A-Z]{3}-\d+", "ABC-12", True),
     (r"(?i)abc", "ABC", True), (r"\[x\]", "[x]", True), (r"\s", "\xa0", True)],
)  # fmt: skip
def test_linear_patterns_mean_what_python_means(pattern: str, text: str, matches: bool) -> None:
    assert linear_pattern(pattern).fullmatch(text) is matches


@pytest.mark.parametrize("pattern", [r"(?=a)a", r"(a)\1", r"(?<!x)a"])
def test_a_pattern_that_needs_to_go_back_is_refused_before_anything_is_asked(pattern: str) -> None:
    error = refused({"x": {"kind": "llm", "pattern": pattern}})
    assert "linear time" in str(error)


@pytest.mark.parametrize("pattern", ["a{99999999999}", "(" * 2000 + "a" + ")" * 2000])
def test_a_pattern_that_python_can_not_parse_is_no_fault(pattern: str) -> None:
    """A dry run draws texts from it."""
    columns = {"x": {"kind": "llm", "pattern": pattern}}
    Path("s.json").write_text(json.dumps({"tables": {"t": {"n": 2, "columns": columns}}}))
    assert main(["generate", "s.json", "-o", "out", "--model", "fake"]) in (2, 4)


def test_lists_and_objects_of_a_provider_become_json() -> None:
    pytest.importorskip("faker")
    columns = {
        "x": {"kind": "provider", "name": "faker.profile", "size": 5},
        "y": {"kind": "provider", "name": "faker.words", "size": 5},
    }
    found = made(columns)
    assert "job" in json.loads(found["x"][0].as_py())
    assert isinstance(json.loads(found["y"][0].as_py()), list)


@pytest.mark.slow
def test_a_pattern_of_many_alternatives_is_drawn() -> None:
    many = "|".join("abc"[number % 3] for number in range(100_001))
    assert len(set(made({"x": {"kind": "pattern", "regex": many}}, 50)["x"].to_pylist())) == 3


def test_weights_whose_sum_is_no_number_keep_their_shares() -> None:
    spec = {"x": {"kind": "choice", "values": {"p": 1e308, "q": 1e308}}}
    assert set(made(spec, 100)["x"].to_pylist()) == {"p", "q"}


@pytest.mark.parametrize(
    "text",
    ["seed: 0x" + "f" * 500_000, "seed: " + "9" * 500_000, '{"seed": ' + "9" * 500_000 + "}",
     "name: " + "a" * 5_000_000],
    ids=["hex", "digits", "json", "scalar"],
)  # fmt: skip
def test_a_spec_of_endless_values_is_one_clear_error(text: str) -> None:
    Path("s.yaml").write_text(text)
    with pytest.raises(FabulaError) as caught:
        fb.generate(Path("s.yaml"))
    assert len(str(caught.value)) < 2_000


@pytest.mark.slow
def test_thousands_of_problems_are_told_in_a_page() -> None:
    """Each problem's line was searched among all lines."""
    Path("s.yaml").write_text("".join(f"k{number}: &a{number} x\n" for number in range(8_000)))
    began = time.process_time()
    with pytest.raises(SpecError) as caught:
        fb.generate(Path("s.yaml"))
    assert time.process_time() - began < 8
    assert len(str(caught.value)) < 10_000
    assert "more problems follow" in str(caught.value)
    assert caught.value.violations[-1].line == 8_000


def test_a_key_where_a_name_belongs_is_refused_and_not_shown() -> None:
    model = {"base_url": "http://127.0.0.1:9/v1", "name": "m", "api_key_env": "sk-CANARY"}
    columns = {"a": {"kind": "llm"}}
    Path("s.json").write_text(
        json.dumps({"models": {"default": model}, "tables": {"t": {"n": 1, "columns": columns}}})
    )
    with pytest.raises(FabulaError) as caught:
        fb.generate(Path("s.json"))
    assert "environment variable" in str(caught.value)
    assert "CANARY" not in str(caught.value)
