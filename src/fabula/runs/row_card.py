"""One row in full, with how each value was made: as text, and as a card in notebooks."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from fabula.render import amounts
from fabula.render.results import Result
from fabula.render.values import whole
from fabula.runs.provenance import Origin


@dataclass(frozen=True, repr=False)
class RowCard(Result):
    """One row of a run.

    Attributes:
        table: Its table.
        row: Its place in the table, from 0.
        values: Its values by column.
        origins: How each of them was made.
    """

    table: str
    row: int
    values: Mapping[str, Any]
    origins: Mapping[str, Origin]

    def report(self) -> str:
        """The row as text: each value, how it was made, and the prompts and replies behind it."""
        lines = [f"{self.table}, row {self.row + 1:,}"]
        for name, value in self.values.items():
            lines += ["", f"{name}: {whole(value).text}"]
            if name in self.origins:
                lines += [f"  {line}" for line in _told(self.origins[name])]
        return "\n".join(lines)

    @override
    def _body(self) -> str:
        from fabula.render.pages import page  # only notebooks and pages need templates

        cells = [
            {"name": name, "value": whole(value), "made": (made := self.origins.get(name)),
             "calls": call_cells(made) if made else []}
            for name, value in self.values.items()
        ]  # fmt: skip
        return page("row_card.html", table=self.table, number=self.row + 1, cells=cells)


def call_cells(made: Origin) -> list[dict[str, Any]]:
    """The calls behind a value, as a page shows them."""
    cells = []
    for each in made.calls:
        when = dt.datetime.fromtimestamp(each.created, dt.UTC).isoformat(" ", "minutes")[:16]
        counts = [count for count in (each.prompt_tokens, each.completion_tokens)
                  if count is not None]  # fmt: skip
        cells.append(
            {
                "model": each.model,
                "when": f"{when} UTC, {amounts.duration(each.seconds)}",
                "tokens": " + ".join(f"{count:,}" for count in counts) + " tokens"
                if counts
                else "",
                "cost": "price unknown" if each.cost is None else amounts.money(each.cost),
                "messages": [(role, whole(said)) for role, said in each.messages],
                "reply": whole(each.reply),
                "reasoning": whole(each.reasoning) if each.reasoning else None,
                "problem": each.problem,
            }
        )
    return cells


def _told(made: Origin) -> Iterator[str]:
    """How a value was made, in lines."""
    by = f" by {made.model}{' (a fake model)' if made.fake else ''}" if made.model else ""
    yield f"{made.kind}{by}" + (f", {made.stream}" if made.stream else "")
    for text in (made.note, made.code, made.card):
        yield from text.splitlines()
    for call in call_cells(made):
        yield " · ".join(filter(None, (call["model"], call["when"], call["tokens"], call["cost"])))
        parts = [*call["messages"], ("reasoning", call["reasoning"]), ("reply", call["reply"])]
        for role, said in parts:
            if said is not None:
                yield from textwrap.indent(f"{role}: {said.text}", "  ").splitlines()
