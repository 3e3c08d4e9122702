"""A tool: its name, the JSON Schema of its arguments, and what answers a call of it.

A function, a program in the sandbox or a table answers; a tool without an answer of its own is
played by a model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from fabula.errors import UsageError, did_you_mean
from fabula.io.examples import plain_value
from fabula.training.tools import TOOL_NAME, misfit

if TYPE_CHECKING:
    from fabula.types import TableLike

State: TypeAlias = MutableMapping[str, Any]
"""What the tools of one conversation remember."""
Run: TypeAlias = Callable[[Mapping[str, Any], State], Any]
"""Answers a call: takes the arguments and the state, returns a JSON value."""

MOST_ROWS = 20
"""Rows that one look-up answers with."""
MOST_KEYS = 200
"""Mentioned keys that a request lists."""


class ToolFailure(Exception):
    """A call that its tool answers with an error, which the assistant sees."""


@dataclass(frozen=True)
class Tool:
    """A tool that an assistant may call.

    Attributes:
        name: Its name: letters, digits, `_`, `-`, `.`.
        description: What it does, for the model.
        parameters: JSON Schema of its arguments, an object.
        run: Answers a call; None lets a model play the tool.
        keys: For a table's tool, the values that each argument can look up, by their text.

    Raises:
        UsageError: The name or the schema is none that services take.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    run: Run | None = field(default=None, compare=False)
    keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not TOOL_NAME.fullmatch(self.name):
            raise UsageError(
                f"a tool can't be called `{self.name[:80]}`",
                code="usage.tool",
                hint="use up to 64 letters, digits, `_`, `-` and `.`",
            )
        problem = misfit({}, {**self.parameters, "required": []})
        if problem or self.parameters.get("type", "object") != "object":
            raise UsageError(
                f"the parameters of `{self.name}` are not a JSON Schema of an object: {problem}",
                code="usage.tool",
                hint='write {"type": "object", "properties": {…}, "required": […]}',
            )

    @classmethod
    def from_table(
        cls, name: str, table: TableLike, *, by: str | Sequence[str], description: str = ""
    ) -> Tool:
        """A tool that looks up rows of a table.

        Args:
            name: The tool's name.
            table: One table, in any form.
            by: The columns whose values a call gives.
            description: What it does, for the model.

        Raises:
            UsageError: The table lacks a column.
        """
        from fabula.io.tables import as_table

        rows = [plain_value(row) for row in as_table(table, name=name).to_pylist()]
        columns = [by] if isinstance(by, str) else list(by)
        known = list(rows[0]) if rows else columns
        for column in columns:
            if column not in known:
                raise UsageError(
                    f"`{name}` looks up by `{column}`, which its table lacks",
                    code="usage.unknown-column",
                    hint=did_you_mean(column, known) or f"there are {', '.join(known)}",
                )
        keys = {
            column: {str(row[column]): row[column] for row in rows if row[column] is not None}
            for column in columns
        }
        schema = {
            "type": "object",
            "properties": {column: {"type": _type_of(keys[column])} for column in columns},
            "required": columns,
            "additionalProperties": False,
        }
        told = description or f"Look up {name.replace('_', ' ')} by {', '.join(columns)}."
        return cls(name, told, schema, _look_up(rows, columns), keys)

    @property
    def declared(self) -> dict[str, Any]:
        """The tool as OpenAI's chat and TRL declare it."""
        parameters = {"type": "object", "properties": {}, **self.parameters}
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}

    def asked(self, said: frozenset[str], made: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The schema of a call of it that was not made before; empty if none is left.

        Args:
            said: The words of the conversation: a key is one of them, if any is there.
            made: The arguments of earlier calls.
        """
        properties = dict(self.parameters.get("properties", {}))
        required = list(self.parameters.get("required", ()))
        for name, part in properties.items():
            known = self.keys.get(name, {})
            mentioned = [known[text] for text in sorted(known.keys() & said)][:MOST_KEYS]
            if mentioned:
                used = [call.get(name) for call in made if len(self.keys) == 1]
                properties[name] = {"enum": [key for key in mentioned if key not in used]}
                if not properties[name]["enum"]:
                    return {}
            elif name not in required:
                properties[name] = {"anyOf": [part, {"type": "null"}]}
        arguments = {**self.parameters, "type": "object", "properties": properties}
        return {
            "type": "object",
            "properties": {"name": {"const": self.name}, "arguments": arguments},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }

    def given(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call, without those that may be left out and were."""
        needed = self.parameters.get("required", ())
        arguments: Mapping[str, Any] = call["arguments"]
        return {k: v for k, v in arguments.items() if v is not None or k in needed}

    def problem(self, arguments: Mapping[str, Any]) -> str:
        """How arguments break the schema, in words; empty if they fit."""
        return misfit(arguments, self.parameters)


def _type_of(keys: Mapping[str, Any]) -> str:
    kinds = {type(value) for value in keys.values()}
    if kinds <= {int} and kinds:
        return "integer"
    return "number" if kinds and kinds <= {int, float} else "string"


def _look_up(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Run:
    found: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(str(row[column]) for column in columns), []).append(row)

    def run(arguments: Mapping[str, Any], _: State) -> Any:
        here = found.get(tuple(str(arguments.get(column)) for column in columns), [])
        if not here:
            asked = json.dumps(arguments, ensure_ascii=False, default=str)
            raise ToolFailure(f"nothing is found for {asked}")
        return here[0] if len(here) == 1 else here[:MOST_ROWS]

    return run
