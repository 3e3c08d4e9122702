"""How a program is asked for, and how one that failed goes back, in words.

The stable parts come first. Data and the user's words are between marks, and what a program
printed is quoted, so that nothing in them reads as an instruction of ours.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from fabula.checks.structural import implied_checks
from fabula.codegen.targets import Targets, TargetTable
from fabula.kinds.base.columns import AbstractColumn
from fabula.llm.client.chat import ChatRequest, Message
from fabula.spec.plain import to_plain
from fabula.spec.tables import DatasetSpec
from fabula.testing.fake.programs import TABLES_MARK

PURPOSE = "program"

_SYSTEM = """\
You write Python programs that make realistic synthetic data. Reply with a few sentences on the \
assumptions that you make, then one Python code block with the whole program. The program
- uses nothing but Python's standard library, numpy and pandas, and runs without files, network, \
arguments or input;
- starts with `ROWS = {"table": number, ...}`, the rows of each table, and `SEED = 0`; every \
number of rows comes from ROWS, every random number from SEED;
- ends with one pandas DataFrame for each table, in a variable at the top level that is called \
like the table; a table's columns are called exactly as asked;
- makes parent tables first and draws foreign keys from the parent's keys; primary keys are unique \
and never missing; totals, counts and means are computed from the rows that they are about;
- draws values that depend on each other together, so that what should rise together does;
- draws whole columns with numpy instead of looping over rows, so that millions of rows work."""


def first_request(wanted: Targets, *, sample: int = 0) -> ChatRequest:
    """The request for a program."""
    return ChatRequest(_opening(wanted), sample=sample, purpose=PURPOSE)


def repair_request(wanted: Targets, reply: str, problem: str, *, sample: int) -> ChatRequest:
    """The request to repair a program: what was answered last, and what is wrong with it.

    `sample` is the round; it tells requests apart that are equal otherwise.
    """
    words = f"{problem}\n\nReply with the whole corrected program in one Python code block."
    turns = (*_opening(wanted), Message("assistant", reply or "(nothing)"), Message("user", words))
    return ChatRequest(turns, sample=sample, purpose=PURPOSE)


def fault_in_words(kind: str, message: str, line: int | None, source: str, trace: str) -> str:
    """What a run that failed tells the model: the error, its line, and that line's text."""
    said = [f"The program fails ({kind}): {message}"]
    lines = source.splitlines()
    if line is not None and 0 < line <= len(lines):
        said.append(f"Line {line} of the program: `{lines[line - 1].strip()}`")
    if trace:
        said.append(f"Traceback:\n{trace.strip()}")
    return "\n".join(said)


def _opening(wanted: Targets) -> tuple[Message, ...]:
    return (Message("system", _SYSTEM), Message("user", "\n\n".join(_parts(wanted))))


def _parts(wanted: Targets) -> Iterator[str]:
    if wanted.prompt:
        yield f"Write a program for this request:\n<request>\n{wanted.prompt}\n</request>"
    else:
        yield "Write a program for the tables below."
    if wanted.spec is not None:
        yield TABLES_MARK + json.dumps(tables_as_data(wanted), indent=1, ensure_ascii=False)
        rules = list(_rules(wanted.spec))
        if rules:
            yield "These rules are checked:\n" + "\n".join(f"- {line}" for line in rules)
    elif wanted.rows is not None:
        yield f"Number of rows of the main table: {wanted.rows}"


def tables_as_data(wanted: Targets) -> dict[str, Any]:
    """Each table's rows, columns and links as plain values."""
    assert wanted.spec is not None
    links = wanted.any_links
    return {table.name: _table(wanted.spec, table, links) for table in wanted.tables}


def _table(spec: DatasetSpec, table: TargetTable, any_links: Collection[str]) -> dict[str, Any]:
    asked = spec.tables[table.name]
    told: dict[str, Any] = {}
    if asked.prompt and len(spec.tables) > 1:
        told["about"] = asked.prompt
    if table.rows is not None:
        told["rows"] = table.rows
    elif asked.per_parent is not None:
        told["rows_per_parent"] = _plain(to_plain(asked.per_parent))
    if asked.key:
        told["primary_key"] = list(asked.key)
    if table.name in any_links:
        told["foreign_keys"] = "any that are needed, called like the other table: `TABLE_id`"
    told["columns"] = {
        name: _column(asked.columns[name], kind) for name, kind in table.types.items()
    }
    return told


def _column(column: AbstractColumn, kind: pa.DataType) -> dict[str, Any]:
    """A column's type and what its kind says."""
    plain = _plain(to_plain(column))
    if plain.get("kind") == "llm":
        plain = {key: value for key, value in plain.items() if key not in ("kind", "type")}
    if plain.get("kind") == "key":
        plain = {"kind": "key", "start": 1, "step": 1, **plain}
    told = {} if pa.types.is_null(kind) else {"type": type_word(kind)}
    return {**told, **plain}


def _rules(spec: DatasetSpec) -> Iterator[str]:
    for name, table in spec.tables.items():
        yield from (f"{name}: {check.in_words()}" for check in implied_checks(spec, name))
        yield from (f"{name}: {check.in_words()}" for check in table.checks)


def type_word(kind: pa.DataType) -> str:
    """An Arrow type in the words of Python."""
    if isinstance(kind, pa.DictionaryType):
        kind = kind.value_type
    for word, test in _WORDS.items():
        if test(kind):
            return word
    return str(kind)


_WORDS: Mapping[str, Any] = {
    "text": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    "whole number": pa.types.is_integer,
    "number": lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind),
    "true or false": pa.types.is_boolean,
    "date": pa.types.is_date,
    "date and time": pa.types.is_timestamp,
}


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
