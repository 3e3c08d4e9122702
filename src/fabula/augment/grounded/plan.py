"""Which questions are asked about which passages: kinds, attributes, passages, dealt exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from fabula.augment.asking import AskOptions
from fabula.augment.grounded.documents import Document, read_documents
from fabula.augment.grounded.passages import Likeness, Passage, passages_of
from fabula.augment.grounded.wording import KINDS, NONE, ONE, SEVERAL
from fabula.augment.pairs.attributes import Attributes, dealt
from fabula.errors import UsageError, did_you_mean
from fabula.streams import stream

if TYPE_CHECKING:
    from fabula.spec.models import ModelLike
    from fabula.types import TableLike

Documents: TypeAlias = str | PathLike[str] | Mapping[str, str] | Sequence[str | PathLike[str]]
Verdict: TypeAlias = Callable[[Mapping[str, Any]], Any]

_TAKEN = ("kind", "question", "answer", "quotes", "spans", "context")


class GroundedOptions(AskOptions, total=False):
    """What `grounded` takes besides the documents and the number; see `grounded`."""

    kinds: Mapping[str, float]
    balance: Attributes
    passage: int
    judge: ModelLike | Verdict | bool
    no_answer: str
    extra: str
    against: TableLike


@dataclass(frozen=True)
class Task:
    """One question before it is asked."""

    kind: str
    attributes: Mapping[str, Any]
    shown: tuple[int, ...]
    number: int
    count: int


@dataclass
class Plan:
    """All questions of a call, and what they are about."""

    passages: Sequence[Passage]
    documents: Sequence[Document]
    likeness: Likeness
    notes: tuple[str, ...]
    tasks: list[Task] = field(default_factory=list)


def planned(given: Documents, n: int, options: GroundedOptions) -> Plan:
    """The documents read, and every question planned.

    Raises:
        UsageError: An option is wrong.
        SourceError: A document can't be read.
    """
    size, attributes = options.get("passage", 1_500), options.get("balance", {})
    kinds = dict(options.get("kinds", {ONE: 6, SEVERAL: 2, NONE: 2}))
    wrong = next((kind for kind in kinds if kind not in KINDS), None)
    if wrong is not None:
        hint = did_you_mean(wrong, KINDS) or f"there are {', '.join(KINDS)}"
        raise UsageError(f"there is no kind `{wrong}`", code="usage.kinds", hint=hint)
    if n < 0 or size < 200:
        what = f"{n} questions" if n < 0 else f"passages of {size} characters"
        raise UsageError(
            f"{what} can't be made",
            code="usage.rows",
            hint="give 0 questions or more, and passages of 200 characters or more",
        )
    for name in attributes:
        if name in _TAKEN:
            raise UsageError(
                f"the attribute `{name}` has the name of a field",
                code="usage.attribute",
                hint="rename it",
            )
    read, left_out = read_documents(given)
    passages = [passage for document in read for passage in passages_of(document, size)]
    if n and kinds.get(SEVERAL) and len(passages) < 2:
        raise UsageError(
            "a question over several passages needs two, and the documents are one passage",
            code="usage.kinds",
            hint='give smaller passages (`passage=400`), or `kinds={"one": 1}`',
        )
    plan = Plan(passages, read, Likeness(passages), _notes(read, left_out))
    order = stream(0, "grounded", "passages", 0).permutation(len(passages)).tolist()
    firsts = [order[place % len(order)] for place in range(n)]
    counts, seen = Counter(firsts), Counter[int]()
    for first, row in zip(firsts, dealt({"kind": kinds, **attributes}, n), strict=True):
        kind = row.pop("kind")
        seen[first] += 1
        more = (
            plan.likeness.nearest(passages[first].text, 1, but=[first]) if kind == SEVERAL else ()
        )
        shown = (first, *more)
        plan.tasks.append(Task(kind, row, shown, seen[first], counts[first]))
    return plan


def _notes(documents: Sequence[Document], left_out: Sequence[str]) -> tuple[str, ...]:
    told = [f"{document.name}: {note}" for document in documents for note in document.notes]
    if left_out:
        shown = ", ".join(left_out[:3]) + ", …" * (len(left_out) > 3)
        told.append(f"{len(left_out):,} files of other formats were not read: {shown}")
    return tuple(told)
