"""Has a model write a program: asks, runs, gates, and asks again with what went wrong.

A round's request depends on the latest reply and its problem alone, so that a conversation stays
short, and the same command finds every reply in the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from fabula.codegen.asking import first_request, repair_request
from fabula.codegen.replies import read_reply
from fabula.codegen.running import ProgramOptions, Ran, run_program, run_unchecked
from fabula.codegen.script import Kept, keep, read_kept, scaled, with_constants, with_end
from fabula.codegen.targets import Targets
from fabula.errors import FabulaError, OutputError, ProgramError
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest, Usage
from fabula.llm.rows.sync import run_sync

ROUNDS = 3
"""Times a program goes back to the model."""
QUICK = 20.0
"""Seconds; a program that takes longer is not run again to see whether it repeats and grows."""
MANY = 100_000
"""Rows; a program of more is tried with half of them instead of twice as many."""

Tell = Callable[[str], None]
_DEMAND = re.compile(
    r"\b(make sure|ensure|should|must|mostly|usually|about|around|roughly|at least|at most|never"
    r"|always|no more than|each \w+ (?:has|takes)|rare|higher|lower|more|fewer)\b|\d ?%",
    re.I,
)
"""Words of a demand that reading tables and columns does not cover."""


@dataclass(frozen=True)
class Spent:
    """What was asked of the model: calls that it answered, replies that were known, and tokens."""

    calls: int = 0
    cached: int = 0
    usage: Usage = field(default_factory=Usage)

    def with_reply(self, reply: ChatReply) -> Spent:
        """The sum after one more reply."""
        return Spent(
            self.calls + (not reply.cached), self.cached + reply.cached, self.usage + reply.usage
        )

    def to_dict(self, model: ChatModel) -> dict[str, Any]:
        """As a run's manifest has it."""
        price = price_of(model.name, model.identity)
        return {
            "model": model.name,
            "identity": model.identity,
            "calls": self.calls,
            "cached": self.cached,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "cost": None if price is None else price.cost(self.usage),
        }


@dataclass(frozen=True)
class Program:
    """What came of having a program written.

    Attributes:
        ran: Its best run.
        text: The program as it is kept.
        assumptions: What the model wrote around it.
        spent: What was asked of the model, as a manifest has it.
        rounds: Replies that were needed.
        notes: What a user should know: names that were mapped, what does not repeat or grow.
        error: What stopped the asking before the gates passed.
    """

    ran: Ran | None
    text: str
    assumptions: str
    spent: Mapping[str, Any]
    rounds: int
    notes: tuple[str, ...] = ()
    error: FabulaError | None = None


@dataclass
class _Talk:
    """The conversation so far."""

    reply: str = ""
    problem: str = ""
    source: str = ""
    prose: str = ""
    best: tuple[Ran, str] | None = None
    spent: Spent = field(default_factory=Spent)

    @property
    def replies(self) -> int:
        """Replies so far, known ones included."""
        return self.spent.calls + self.spent.cached


def write_program(
    model: ChatModel,
    wanted: Targets,
    options: ProgramOptions,
    *,
    rounds: int = ROUNDS,
    tell: Tell | None = None,
) -> Program:
    """Have a model write a program that gives what is wanted.

    Returns:
        The program; with `error` where it never ran, or does not pass its gates.

    Raises:
        PrerequisiteError: The sandbox is not available here.
        ModelError: The model can't be used, and there is no program.
    """
    talk, say = _Talk(), tell or _silent
    number = 0
    while (
        talk.spent.calls <= rounds
    ):  # what an earlier run was told in vain is not a try of this one
        try:
            reply = run_sync(model.complete(_request(wanted, talk, number)))
        except FabulaError as error:
            if not talk.source:
                raise
            return _ended(model, talk, error)
        talk.spent = talk.spent.with_reply(reply)
        ran = _read(reply, talk, wanted, options)
        if ran is not None and ran.passed and not talk.problem:
            return _finished(ran, model, wanted, talk, options)
        number += 1
        say(f"round {number}: {_last(talk)}")
    return _ended(model, talk, _error(model, talk))


def _request(wanted: Targets, talk: _Talk, number: int) -> ChatRequest:
    if not talk.problem:
        return first_request(wanted)
    return repair_request(wanted, talk.reply, talk.problem, sample=number)


def _read(reply: ChatReply, talk: _Talk, wanted: Targets, options: ProgramOptions) -> Ran | None:
    """Run what a reply contains; of several candidates the first that passes, else the best."""
    found = read_reply(reply)
    talk.reply, talk.problem = reply.text, found.problem
    if not found.candidates:
        return None
    best: Ran | None = None
    for source in found.candidates:
        ran = run_program(source, wanted, options)
        if best is None or ran.merit > best.merit:
            best = ran
        if ran.passed:
            break
    assert best is not None
    talk.source, talk.prose = best.source, found.prose
    talk.problem = found.problem or best.problem
    if talk.best is None or best.merit >= talk.best[0].merit:
        talk.best = (best, found.prose)
    return best


def _finished(
    ran: Ran, model: ChatModel, wanted: Targets, talk: _Talk, options: ProgramOptions
) -> Program:
    """The program with its constants named, as far as it still does the same then."""
    assert ran.fitted is not None
    sizes = {name: rows.num_rows for name, rows in ran.fitted.tables.items()}
    places = ran.fitted.places
    code = with_constants(read_kept(keep(ran.source, places, sizes)), {}, options.seed)
    best = run_program(code, wanted, options)
    notes: list[str] = []
    if not best.passed:
        code, best = ran.source, ran
        notes.append("its numbers of rows could not be named; change them by hand")
    assert best.fitted is not None
    text = with_end(code, best.fitted.places)
    if best.outcome.seconds < QUICK:
        if _unlike(best, ran):  # not so where the program takes its seed from outside
            notes += _unlike(best, run_unchecked(code, wanted, options))
        notes += _stuck(read_kept(text), best, wanted, options)
    notes = [*best.fitted.notes, *notes, *_unchecked(wanted)]
    return Program(best, text, talk.prose, talk.spent.to_dict(model), talk.replies, tuple(notes))


def _unchecked(wanted: Targets) -> Iterator[str]:
    """What a request demands in words that no gate looks at."""
    if wanted.strict or not _DEMAND.search(wanted.prompt):
        return
    checks = (
        [] if wanted.spec is None else [c for t in wanted.spec.tables.values() for c in t.checks]
    )
    also = f", and {', '.join(check.title for check in checks)}" if checks else ""
    yield (
        f"of the request, tables, columns, rows, keys and links are checked{also}; the rest of its "
        "words is not: declare what must hold with `--check`"
    )


def _unlike(one: Ran, other: Ran) -> list[str]:
    """Tables that differ between two runs with the same seed."""
    first, second = _tables(one), _tables(other)
    return [
        f"`{name}` differs between two runs with the same seed"
        for name, rows in first.items()
        if name not in second or not rows.equals(second[name])
    ]


def _stuck(kept: Kept, ran: Ran, wanted: Targets, options: ProgramOptions) -> list[str]:
    """Run a program with other numbers of rows, and tell which tables don't follow."""
    if not kept.rows:
        return []
    most = max(kept.rows.values())
    goal = scaled(kept.rows, 2 * most if most <= MANY else most // 2)
    grown = run_unchecked(with_constants(kept, goal, None), resized(wanted, goal), options)
    made, known = _tables(grown), _tables(ran)
    stuck = [
        name
        for name, rows in goal.items()
        if name in known and (name not in made or made[name].num_rows != rows)
    ]
    return [f"other numbers of rows are not kept by {', '.join(stuck)}"] if stuck else []


def _tables(ran: Ran) -> Mapping[str, pa.Table]:
    return {} if ran.fitted is None else ran.fitted.tables


def resized(wanted: Targets, rows: Mapping[str, int]) -> Targets:
    """What is wanted, with other numbers of rows."""
    tables = tuple(
        replace(table, rows=rows[table.name])
        if table.name in rows and table.rows is not None
        else table
        for table in wanted.tables
    )
    return replace(wanted, tables=tables, rows=None)


def _ended(model: ChatModel, talk: _Talk, error: FabulaError) -> Program:
    """What there is where the gates never passed: the best run that made tables, if any."""
    ran, prose = talk.best or (None, talk.prose)
    source = ran.source if ran is not None else talk.source
    spent = talk.spent.to_dict(model)
    return Program(ran, source, prose, spent, talk.replies, error=error)


def _error(model: ChatModel, talk: _Talk) -> FabulaError:
    problem = talk.problem.partition("\n")[0]
    replies = f"{talk.replies} {'reply' if talk.replies == 1 else 'replies'}"
    if not talk.source:
        return OutputError(
            f"`{model.name}` gave no program in {replies}: {problem}",
            code="program.none",
            hint="try a stronger model, or describe the tables more precisely",
        )
    return ProgramError(
        f"the program still fails after {replies}: {_last(talk)}",
        code="program.failed",
        hint="repair it by hand and `fabula program run` it, allow more --rounds, or try a "
        "stronger model",
    )


def _last(talk: _Talk) -> str:
    """The latest problem in one line."""
    lines = [line for line in talk.problem.splitlines() if line.strip()]
    if lines[0].endswith(":") and len(lines) > 1:
        return lines[1].removeprefix("- ") + (f" (and {len(lines) - 2} more)" if lines[2:] else "")
    return lines[0]


def _silent(line: str) -> None:
    del line
