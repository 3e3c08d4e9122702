"""`fb.grounded`: questions and answers from documents, each with the spans that carry it.

A model writes a question, its answer and quotes from passages that it is shown. Code finds each
quote in its source or sends it back; a judge then reads whether the quotes alone carry the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from fabula.augment.asking import Asker, asking, shortfall
from fabula.augment.grounded.passages import FEWEST
from fabula.augment.grounded.plan import Documents, GroundedOptions, Plan, Task, planned
from fabula.augment.grounded.result import Grounded
from fabula.augment.grounded.wording import (
    JUDGE_SYSTEM,
    NO_ANSWER,
    NONE,
    SYSTEM,
    judge_prompt,
    question_prompt,
)
from fabula.augment.rounds import REASON, AbstractRounds, Form
from fabula.augment.user_checks import unless_overlapping
from fabula.llm.rows.job import RowField, RowProblems
from fabula.llm.rows.sync import run_sync

_AT_ONCE = 4
"""Questions about one passage that don't know of each other; later ones are told the earlier."""
_NEAR = 3
"""Passages of all documents that a judge of an unanswerable question sees besides its own."""
_FIELDS = (
    RowField("question", {"type": "string", "minLength": 1}),
    RowField("answer", {"type": "string"}),
    RowField("quotes", {"type": "array", "items": {"type": "string"}, "maxItems": 8}),
)
_LETTERS = re.compile(r"\w+")
_VERDICT = RowField("is_right", {"type": "boolean"})


def grounded(documents: Documents, n: int = 100, **options: Unpack[GroundedOptions]) -> Grounded:
    """Have a model write questions about documents, with answers that their sources carry.

    Every reply is kept, so the same call again costs nothing and gives the same questions, and
    after a failure it asks only for what is missing.

    Args:
        documents: Files (PDF, DOCX, HTML, Markdown, text), folders of them, or texts by name.
        n: Questions wanted.
        options: The rest, by name: `model`, `attempts`, `max_calls` … as `rows` takes them, and

            - `kinds`: Exact shares of questions over `one` passage, over `several`, and of those
              that the documents don't answer (`none`); by default `{"one": 6, "several": 2,
              "none": 2}`.
            - `balance`: Attributes dealt evenly, as `pairs` takes them: `tone`, `language` …
            - `passage`: Characters of a passage at most; by default 1,500.
            - `judge`: Who reads whether the quotes alone carry the answer: a model, by default
              the same one, a function of a row that returns problems, or `False` for nobody.
            - `no_answer`: The answer to questions that the documents don't answer.
            - `extra`: A further instruction.
            - `against`: An evaluation file, in any form: questions and answers that overlap with
              it are refused and asked again.

    Returns:
        The questions with what was refused; `write` exports them.

    Raises:
        UsageError: An option is wrong.
        SourceError: A document can't be read, or has no text.
        PartialRunError: Questions are missing; `rows` of the error holds those that are there.
        ModelError: A model can't be used at all.

    Examples:
        >>> text = "Cats sleep for up to 16 hours a day."
        >>> made = grounded({"cats.txt": text}, 1, model="fake", kinds={"one": 1})
        >>> made[0]["spans"][0]["quote"]
        'Cats sleep for up to 16 hours a day.'
    """
    return run_sync(agrounded(documents, n, **options))


async def agrounded(
    documents: Documents, n: int = 100, **options: Unpack[GroundedOptions]
) -> Grounded:
    """`grounded` for callers with their own event loop: same arguments, same questions."""
    run = _Run(planned(documents, n, options), options)
    async with asking(options, name="questions") as asker:
        await run.ask(asker)
    result, made = run.result(), run.made()
    on_result = options.get("on_result")
    if on_result is not None:
        on_result(result)
    if len(made) < n and options.get("rehearsal") is None:
        raise shortfall(result, made)
    return made


class _Run(AbstractRounds):
    """The questions of one call while they are asked."""

    def __init__(self, plan: Plan, options: GroundedOptions) -> None:
        super().__init__(len(plan.tasks), options, name="questions")
        self.plan, self.options = plan, options
        self.tasks, self.passages = plan.tasks, plan.passages
        self.seen: set[str] = set()
        self.known: dict[int, list[str]] = {}
        self.overlap = unless_overlapping(lambda _: (), options.get("against"))

    async def ask(self, asker: Asker) -> None:
        """Ask until all questions are there or given up."""
        waves: dict[int, list[int]] = {}
        for place, task in enumerate(self.tasks):
            waves.setdefault((task.number - 1) // _AT_ONCE, []).append(place)
        for wave in sorted(waves):
            await self.go(asker, waves[wave])

    async def one_round(self, asker: Asker, places: Sequence[int], again: int) -> None:
        """Write questions, and keep those that are new and that the judge confirms."""
        form = Form(_FIELDS, self._prompt, SYSTEM, self._check)
        written = await self.written(asker, places, again, form)
        new = {}
        for place, row in written.items():
            if (plain := _plain(row["question"])) in self.seen:
                self.refuse(place, "it repeats a question", row)
            else:
                self.seen.add(plain)
                new[place] = self._row(self.tasks[place], row)
        judging = Form(
            (_VERDICT, REASON),
            lambda place: self._judge_prompt(place, written[place]),
            JUDGE_SYSTEM,
        )
        reader = self.options.get("judge", True)
        kept = await self.confirmed(asker, new, again, judging, reader=reader, why=self._judged)
        for place, row in kept.items():
            self.keep(place, row)
            self.known.setdefault(self.tasks[place].shown[0], []).append(row["question"])

    def _prompt(self, place: int) -> str:
        task = self.tasks[place]
        extra = (self.options.get("extra", "").strip(), self.told(place))
        return question_prompt(
            task.kind,
            [self.passages[place] for place in task.shown],
            task.attributes,
            number=task.number,
            count=task.count,
            known=self.known.get(task.shown[0], ()),
            extra="\n\n".join(filter(None, extra)),
        )

    def _check(self, place: int) -> RowProblems:
        """What is wrong with a reply; its answer and quotes are put into their final form."""

        def problems(row: dict[str, Any]) -> Sequence[str]:
            found = self._problems(self.tasks[place], row)
            if found:
                self.refused[found[0][0]] += 1
            return [told for _, told in found]

        return problems

    def _problems(self, task: Task, row: dict[str, Any]) -> list[tuple[str, str]]:
        quotes = [quote for quote in row["quotes"] if quote.strip()]
        if task.kind == NONE:
            row["answer"] = self.options.get("no_answer", NO_ANSWER)
            if quotes:
                return [("a question without an answer quotes one", "leave `quotes` empty")]
        elif not row["answer"].strip():
            return [("the answer is empty", "`answer` is empty")]
        else:
            spans = self._spans(task, quotes)
            lost = [quote for quote, span in zip(quotes, spans, strict=True) if span is None]
            if lost:
                told = (
                    f"the quote {quote[:160]!r} does not stand in the passages word by word, or "
                    f"has fewer than {FEWEST} letters; copy it" for quote in lost
                )  # fmt: skip
                return [("a quote does not stand in its source", each) for each in told]
            quoted = {place for span in spans if span is not None for place in span[0]}
            if missing := [place for place in task.shown if place not in quoted]:
                number = task.shown.index(missing[0]) + 1
                return [("a passage is not quoted", f"quote passage {number} too, word by word")]
        row["quotes"] = quotes
        return [("it overlaps with the evaluation file", each) for each in self.overlap(row)]

    def _spans(
        self, task: Task, quotes: Sequence[str]
    ) -> list[tuple[set[int], dict[str, Any]] | None]:
        """The passages that hold each quote, and the first one's span."""
        found: list[tuple[set[int], dict[str, Any]] | None] = []
        for quote in quotes:
            spans = {place: self.passages[place].span(quote) for place in task.shown}
            held = {place: span for place, span in spans.items() if span is not None}
            found.append((set(held), next(iter(held.values()))) if held else None)
        return found

    def _judged(self, place: int, verdict: Mapping[str, Any]) -> str:
        if verdict["is_right"]:
            return ""
        if self.tasks[place].kind == NONE:
            return "the documents answer it, says the judge"
        return "the quotes don't carry the answer, says the judge"

    def raw(self, row: Mapping[str, Any]) -> str:
        """The question."""
        return str(row["question"])

    def _judge_prompt(self, place: int, row: Mapping[str, Any]) -> str:
        task = self.tasks[place]
        shown = list(task.shown)
        if task.kind == NONE:
            shown += self.plan.likeness.nearest(row["question"], _NEAR, but=shown)
        return judge_prompt(task.kind, row, [self.passages[at] for at in shown])

    def _row(self, task: Task, row: Mapping[str, Any]) -> dict[str, Any]:
        spans = [span[1] for span in self._spans(task, row["quotes"]) if span is not None]
        context = "\n\n".join(self.passages[place].text for place in task.shown)
        told = {"question": row["question"], "answer": row["answer"]}
        return {**task.attributes, "kind": task.kind, **told, "spans": spans, "context": context}

    def made(self) -> Grounded:
        """The questions that are complete."""
        return Grounded(
            tuple(row for row in self.rows if row is not None),
            len(self.tasks),
            {document.name: document for document in self.plan.documents},
            len(self.passages),
            self.replies,
            {why: count for why, count in self.refused.items() if count},
            self.options.get("judge", True) is not False,
            self.plan.notes,
            tuple(self.rejects[place] for place in sorted(self.rejects)),
        )


def _plain(question: str) -> str:
    return " ".join(_LETTERS.findall(question.casefold()))
