"""What is rewritten how: the options read, and one task for each rewrite, dealt exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fabula.augment.asking import AskOptions
from fabula.augment.pairs.attributes import Attributes, dealt
from fabula.augment.rewriting.languages import code_of, usual_language
from fabula.augment.rewriting.ways import (
    BACK,
    BORDERLINE,
    PREFER,
    RED_TEAM,
    TRANSLATE,
    Way,
    way_of,
)
from fabula.augment.rounds import Reader
from fabula.augment.solving.solve import Judge
from fabula.augment.solving.verifiers import VERIFIERS
from fabula.errors import UsageError, did_you_mean
from fabula.io.examples import plain_value
from fabula.streams import stream
from fabula.training.table_rows import given_rows

if TYPE_CHECKING:
    from fabula.types import TableLike

TEXTS = ("question", "prompt", "instruction", "text", "user")
"""Columns that are rewritten if none is named."""
ANSWER = "answer"
ORIGINAL, CHANGE, DISTANCE, LANGUAGE, TRANSLATION, CAME_BACK, RULE = (
    "original", "change", "distance", "language", "translation", "came_back", "rule",
)  # fmt: skip
CHOSEN, REJECTED, CHOSEN_SCORE, REJECTED_SCORE = (
    "chosen", "rejected", "chosen_score", "rejected_score",
)  # fmt: skip
_LONGER = "longer"
_BULLET = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+")


class RewriteOptions(AskOptions, total=False):
    """What `rewrite` takes besides the set and the way; see `rewrite`."""

    text: str
    answer: str
    kinds: Sequence[str] | Mapping[str, str] | Mapping[str, float]
    languages: Sequence[str] | Mapping[str, float]
    language: str
    distance: Sequence[float]
    balance: Attributes
    by: str | Judge
    samples: int
    judge: Reader
    rubric: str
    at_least: int
    ratio: float
    policy: str
    borderline: float
    extra: str
    against: TableLike


@dataclass(frozen=True)
class Task:
    """One rewrite before it is asked.

    Attributes:
        row: The row that is rewritten.
        change: Its kind of change, or the language that it goes through.
        attributes: Further attributes, as dealt.
        rule: The rule of the policy that it is about.
        longer: Which side of a preference is the longer one.
    """

    row: Mapping[str, Any]
    change: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    rule: str = ""
    longer: str = ""


@dataclass(frozen=True)
class Plan:
    """All rewrites of a call, and what they share.

    Attributes:
        way: The way.
        tasks: One for each rewrite.
        text: The column that is rewritten.
        answer: The column of the answers; empty if there is none.
        kinds: The instruction of each kind of change.
        band: The wanted distances.
        language: The language of the texts; empty if it can't be told.
        notes: What is not checked.
    """

    way: Way
    tasks: Sequence[Task]
    text: str
    answer: str
    kinds: Mapping[str, str]
    band: tuple[float, float]
    language: str
    notes: tuple[str, ...] = ()


def planned(data: TableLike, how: str, n: int | None, options: RewriteOptions) -> Plan:
    """The options read, and every rewrite planned.

    Raises:
        UsageError: An option is wrong, or a column is missing.
    """
    way = way_of(how)
    _check_options(way, options)
    rows = [plain_value(dict(row)) for row in given_rows(data).rows]
    columns = list(rows[0]) if rows else []
    text = _text_column(columns, options.get("text", "")) if rows else options.get("text", "text")
    empty = [place for place, row in enumerate(rows) if not str(row[text] or "").strip()]
    if empty:
        raise UsageError(
            f"{len(empty):,} rows have no `{text}`, the first is row {empty[0] + 1}",
            code="usage.rewrite",
            hint="drop these rows",
        )
    if not rows and n:
        raise UsageError(
            f"{n} rewrites of no rows can't be made", code="usage.rows", hint="give a set with rows"
        )
    answer = options.get("answer", ANSWER)
    if "answer" in options and rows and answer not in columns:
        raise _no_column(answer, columns)
    answer = answer if answer in columns or way.name == RED_TEAM else ""
    _check_names(way, columns, options.get("balance", {}))
    _check_verifier(options.get("by"), columns, answer, rows)
    kinds, shares = _kinds(way, options)
    tasks = _tasks(way, rows, len(rows) if n is None else n, shares, options)
    language = options.get("language") or usual_language([str(row[text]) for row in rows[:500]])
    if way.name in (TRANSLATE, BACK) and rows and not language:
        raise UsageError(
            f"the language of `{text}` can't be told",
            code="usage.rewrite",
            hint='name it: `language="Swahili"`, or `--language Swahili`',
        )
    return Plan(way, tasks, text, answer, kinds, _band(way, options), language,
                _notes(way, options, answer, shares))  # fmt: skip


def _check_options(way: Way, options: RewriteOptions) -> None:
    """Refuse options that mean nothing to this way."""
    of = {
        "languages": (TRANSLATE, BACK), "policy": (RED_TEAM,), "borderline": (RED_TEAM,),
        "rubric": (PREFER,), "at_least": (PREFER,), "ratio": (PREFER,),
    }  # fmt: skip
    for name, ways in of.items():
        if name in options and way.name not in ways:
            raise UsageError(
                f"`{name}` means nothing to `{way.name}`",
                code="usage.rewrite",
                hint=f"leave it out; it is for `{'` and `'.join(ways)}`",
            )
    for name in ("by", "distance"):
        if name in options and way.name in (PREFER, RED_TEAM):
            raise UsageError(
                f"`{name}` means nothing to `{way.name}`", code="usage.rewrite", hint="leave it out"
            )
    if way.name in (PREFER, RED_TEAM) and options.get("judge") is False:
        raise UsageError(
            f"`{way.name}` needs a judge", code="usage.judge", hint="leave `judge` out, or name one"
        )
    if way.name == PREFER and callable(options.get("judge")):
        raise UsageError(
            "`prefer` needs a model as its judge, which gives scores",
            code="usage.judge",
            hint='name one: `judge="openai:gpt-4o-mini"`, or `--judge openai:gpt-4o-mini`',
        )
    if way.name in (TRANSLATE, BACK) and not options.get("languages"):
        raise UsageError(
            f"`{way.name}` needs languages",
            code="usage.rewrite",
            hint='give `languages=["de"]`, or `--languages de`',
        )
    if way.name == RED_TEAM and not str(options.get("policy", "")).strip():
        raise UsageError(
            "`red-team` needs the policy that the prompts try to break",
            code="usage.policy",
            hint='give its text or its file: `policy="policy.md"`, or `--policy policy.md`',
        )


def _text_column(columns: Sequence[str], asked: str) -> str:
    if asked:
        if asked not in columns:
            raise _no_column(asked, columns)
        return asked
    found = [name for name in TEXTS if name in columns] or list(columns)
    if len(columns) > 1 and found == list(columns):
        raise UsageError(
            "no column is named to rewrite",
            code="usage.rewrite",
            hint=f"give `text=` or `--text`, one of {', '.join(columns)}",
        )
    return found[0]


def _no_column(name: str, columns: Sequence[str]) -> UsageError:
    return UsageError(
        f"there is no column `{name}`",
        code="usage.unknown-column",
        hint=did_you_mean(name, columns) or f"there are {', '.join(columns)}",
    )


def added(way: Way) -> tuple[str, ...]:
    """The columns that a way adds."""
    if way.name == PREFER:
        return (CHANGE, CHOSEN, REJECTED, CHOSEN_SCORE, REJECTED_SCORE)
    more = {TRANSLATE: (LANGUAGE, CAME_BACK), BACK: (LANGUAGE, TRANSLATION), RED_TEAM: (RULE,)}
    return (ORIGINAL, CHANGE, DISTANCE, *more.get(way.name, ()))


def _check_names(way: Way, columns: Sequence[str], balance: Attributes) -> None:
    """Refuse columns that the result needs, unless an earlier rewrite made them."""
    is_rewritten = {ORIGINAL, CHANGE, DISTANCE} <= set(columns)
    for name in (*added(way), *balance):
        if (name in columns and not is_rewritten) or (name in balance and name in added(way)):
            raise UsageError(
                f"the set has a column `{name}`, which the rewrites need",
                code="usage.unknown-column",
                hint="rename it",
            )


def _check_verifier(
    by: Any, columns: Sequence[str], answer: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    if by is None or callable(by):
        return
    known = [name for name, entry in VERIFIERS.items() if entry.verify is not None]
    if by not in known:
        hint = did_you_mean(by, known) or f"choose among {', '.join(known)}"
        raise UsageError(f"there is no verifier `{by}`", code="usage.verifier", hint=hint)
    for name in VERIFIERS[by].needs if rows else ():
        if name not in columns and not (name == ANSWER and answer):
            raise _no_column(name, columns)


def _kinds(way: Way, options: RewriteOptions) -> tuple[dict[str, str], dict[str, float]]:
    """The instruction of each kind of change, and its share."""
    given: Any = options.get("languages") if way.kinds is None else options.get("kinds")
    known = dict(way.kinds or {})
    if not given:
        return known, dict.fromkeys(known, 1.0)
    if not isinstance(given, Mapping):
        given = dict.fromkeys([given] if isinstance(given, str) else given, 1.0)
    own = {name: text for name, text in given.items() if isinstance(text, str)}
    shares = {name: 1.0 if name in own else float(share) for name, share in given.items()}
    for name in shares if way.kinds is not None else ():
        if name not in known and name not in own:
            hint = did_you_mean(name, known) or f"choose among {', '.join(known)}"
            hint += f'; or give your own: `kinds={{{name!r}: "what to change"}}`'
            raise UsageError(f"there is no kind `{name}`", code="usage.kinds", hint=hint)
    return {**known, **own}, shares


def _tasks(
    way: Way,
    rows: Sequence[Mapping[str, Any]],
    n: int,
    shares: Mapping[str, float],
    options: RewriteOptions,
) -> list[Task]:
    if n < 0:
        raise UsageError(f"{n} rewrites can't be made", code="usage.rows", hint="give 0 or more")
    if not n:
        return []
    extra: dict[str, Any] = {}
    if way.name == PREFER:
        extra[_LONGER] = [CHOSEN, REJECTED]
    if way.name == RED_TEAM:
        border = options.get("borderline", 0.2)
        if not 0 <= border < 1:
            raise UsageError(
                f"`borderline` is {border:g}", code="usage.share", hint="give a share below 1"
            )
        extra[BORDERLINE] = {True: border, False: 1 - border} if border else [False]
        extra[RULE] = rules_of(str(options["policy"]))
    deal = {**extra, CHANGE: shares, **options.get("balance", {})}
    names = list(options.get("balance", {}))
    # Rows in another order, so that a kind of change does not depend on a row's place in the set.
    order = stream(0, "rewrite", "rows", 0).permutation(len(rows)).tolist()
    tasks = [
        Task(
            rows[order[place % len(rows)]],
            BORDERLINE if each.get(BORDERLINE) else each[CHANGE],
            {name: each[name] for name in names},
            each.get(RULE, ""),
            each.get(_LONGER, ""),
        )
        for place, each in enumerate(dealt(deal, n))
    ]
    at = sorted(range(n), key=lambda place: (order[place % len(rows)], place))
    return [tasks[place] for place in at]


def rules_of(policy: str) -> list[str]:
    """The rules of a policy, a text or a file: its bullets, else its paragraphs, else its lines.

    Raises:
        UsageError: It has none.
    """
    text = policy
    if len(policy) < 1_000 and "\n" not in policy and Path(policy).is_file():
        text = Path(policy).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    rules: list[str] = []
    if any(_BULLET.match(line) for line in lines):
        for line in lines:
            if _BULLET.match(line):
                rules.append(_BULLET.sub("", line, count=1).strip())
            elif rules and line.strip():
                rules[-1] = f"{rules[-1]} {line.strip()}"
    else:
        parts = "\n".join(lines).strip().split("\n\n")
        parts = lines if len(parts) == 1 else parts
        rules = [" ".join(part.split()) for part in parts]
    rules = list(dict.fromkeys(filter(None, rules)))
    if not rules or (rules == [policy] and " " not in policy.strip()):
        raise UsageError(
            f"`{policy[:80]}` is neither a file nor a policy with rules",
            code="usage.policy",
            hint="write one rule a line, each with `- ` before it",
        )
    return rules


def _band(way: Way, options: RewriteOptions) -> tuple[float, float]:
    given = tuple(options.get("distance", way.distance))
    if len(given) != 2 or not 0 <= given[0] < given[1]:
        raise UsageError(
            f"`distance` is {', '.join(f'{each:g}' for each in given)}",
            code="usage.distance",
            hint="give both ends: `distance=(0.05, 0.6)`, or `--distance 0.05..0.6`",
        )
    return float(given[0]), float(given[1])


def _notes(
    way: Way, options: RewriteOptions, answer: str, shares: Mapping[str, float]
) -> tuple[str, ...]:
    notes = []
    if way.name in (TRANSLATE, BACK):
        unknown = [language for language in shares if not code_of(language)]
        if unknown:
            notes.append(f"language not checked, since it can't be told: {', '.join(unknown)}")
    if way.name not in (PREFER, RED_TEAM):
        if answer and options.get("by") is None:
            state = "kept" if way.keeps_answer else "written by the model"
            notes.append(
                f"answers are {state} and not verified; `--by` (Python: `by`) has them verified"
            )
        if options.get("judge", options.get("by") is None) is False and not options.get("by"):
            notes.append("no judge read whether the rewrites say what they should")
    return tuple(notes)


def largest(band: tuple[float, float]) -> str:
    """The upper bound of a band in words."""
    return "any" if band[1] == inf else f"{band[1]:.2f}"
