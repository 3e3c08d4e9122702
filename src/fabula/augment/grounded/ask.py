"""`fb.grounded`: questions and answers from documents, each with the spans that carry it.

A model writes a question, its answer and quotes from passages that it is shown. Code finds each
quote in its source or sends it back; a judge then reads whether the quotes alone carry the answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

from fabula.augment.asking import (
    SAMPLE_STEP,
    Asker,
    asking,
    counting,
    job_options,
    shortfall,
)
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
from fabula.augment.user_checks import unless_overlapping
from fabula.errors import FabulaError
from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import Reject, RowField, RowProblems, RowsJob, RowsResult
from fabula.llm.rows.sync import run_sync

ROUNDS = 3
"""How often a question is asked from the start if the judge refuses it or it repeats another."""
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


@dataclass
class _Run:
    """The questions of one call while they are asked."""

    plan: Plan
    options: GroundedOptions
    refused: Counter[str] = field(default_factory=Counter)
    rejects: dict[int, Reject] = field(default_factory=dict)
    total: RowsResult = field(default_factory=lambda: RowsResult([]))
    seen: set[str] = field(default_factory=set)
    unwritten: set[int] = field(default_factory=set)
    known: dict[int, list[str]] = field(default_factory=dict)
    replies: int = 0
    error: FabulaError | None = None

    def __post_init__(self) -> None:
        self.tasks, self.passages = self.plan.tasks, self.plan.passages
        self.rows: list[dict[str, Any] | None] = [None] * len(self.tasks)
        self.overlap = unless_overlapping(lambda _: (), self.options.get("against"))

    async def ask(self, asker: Asker) -> None:
        """Ask until all questions are there or given up."""
        waves: dict[int, list[int]] = {}
        for place, task in enumerate(self.tasks):
            waves.setdefault((task.number - 1) // _AT_ONCE, []).append(place)
        rounds = 1 if self.options.get("rehearsal") is not None else ROUNDS
        for wave in sorted(waves):
            for again in range(rounds):
                missing = [
                    place
                    for place in waves[wave]
                    if self.rows[place] is None and place not in self.unwritten
                ]
                if missing and self.error is None:
                    await self._round(asker, missing, again)

    async def _round(self, asker: Asker, missing: Sequence[int], again: int) -> None:
        try:
            result = await ask_rows(asker.model(), self._job(missing, again))
            self._count(result)
            rows = zip(missing, result.rows, strict=True)
            written = {place: row for place, row in rows if row is not None}
            for reject in result.rejects:
                at = missing[reject.row]
                self.rejects[at] = replace(reject, row=at)
                self.unwritten.add(at)
            await self._judge(asker, self._new(written), again)
        except FabulaError as error:
            self.error = error
        if watch := counting(self.options.get("progress"), "questions", len(self.tasks)):
            watch(len(self.rows) - self.rows.count(None))

    def _new(self, written: Mapping[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """The questions that repeat none, whatever the case and the punctuation."""
        new = {}
        for place, row in written.items():
            if (plain := _plain(row["question"])) in self.seen:
                self._refuse(place, row, "it repeats a question")
            else:
                self.seen.add(plain)
                new[place] = row
        return new

    def _job(self, places: Sequence[int], again: int) -> RowsJob:
        options = job_options(self.options)
        options["sample"] += again * SAMPLE_STEP
        options["attempts"] *= ROUNDS  # a quote goes wrong more easily than a value
        del options["rows_per_call"]
        return RowsJob(
            subject="",
            fields=_FIELDS,
            n=len(places),
            prompts=[self._prompt(self.tasks[place]) for place in places],
            system=SYSTEM,
            row_checks=[self._check(place) for place in places],
            **options,
        )

    def _prompt(self, task: Task) -> str:
        return question_prompt(
            task.kind,
            [self.passages[place] for place in task.shown],
            task.attributes,
            number=task.number,
            count=task.count,
            known=self.known.get(task.shown[0], ()),
            extra=self.options.get("extra", ""),
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

    async def _judge(
        self, asker: Asker, written: Mapping[int, Mapping[str, Any]], again: int
    ) -> None:
        """Keep the questions that the judge confirms."""
        judge = self.options.get("judge", True)
        made = {place: self._row(self.tasks[place], row) for place, row in written.items()}
        if callable(judge) and written:
            for place, row in made.items():
                said = judge(row)
                is_fine = said is True or (not said and said is not False)
                self._settle(place, row, "" if is_fine else "the judge function refuses it")
            return
        if judge is False or not written:
            for place, row in made.items():
                self._settle(place, row, "")
            return
        places = list(written)
        options = job_options(self.options)
        options["sample"] += again * SAMPLE_STEP
        del options["rows_per_call"]
        job = RowsJob(
            subject="",
            fields=(_VERDICT,),
            n=len(places),
            prompts=[self._judge_prompt(place, written[place]) for place in places],
            system=JUDGE_SYSTEM,
            **options,
        )
        model = asker.model(None if judge is True else judge)  # type: ignore[arg-type]
        result = await ask_rows(model, job)
        self._count(result, is_judge=True)
        for place, verdict in zip(places, result.rows, strict=True):
            if verdict is None and self.error is not None:
                continue
            why = "the judge gave no verdict" if verdict is None else ""
            if verdict is not None and not verdict["is_right"]:
                is_none = self.tasks[place].kind == NONE
                why = "the documents answer it, says the judge" if is_none else ""
                why = why or "the quotes don't carry the answer, says the judge"
            self._settle(place, made[place], why)

    def _judge_prompt(self, place: int, row: Mapping[str, Any]) -> str:
        task = self.tasks[place]
        shown = list(task.shown)
        if task.kind == NONE:
            shown += self.plan.likeness.nearest(row["question"], _NEAR, but=shown)
        return judge_prompt(task.kind, row, [self.passages[at] for at in shown])

    def _settle(self, place: int, row: dict[str, Any], why: str) -> None:
        if why:
            self._refuse(place, row, why)
        else:
            self.rows[place] = row
            first = self.tasks[place].shown[0]
            self.known.setdefault(first, []).append(row["question"])
            self.rejects.pop(place, None)

    def _refuse(self, place: int, row: Mapping[str, Any], why: str) -> None:
        self.refused[why] += 1
        self.rejects[place] = Reject(place, why, row["question"], 1)

    def _row(self, task: Task, row: Mapping[str, Any]) -> dict[str, Any]:
        spans = [span[1] for span in self._spans(task, row["quotes"]) if span is not None]
        context = "\n\n".join(self.passages[place].text for place in task.shown)
        told = {"question": row["question"], "answer": row["answer"]}
        return {**task.attributes, "kind": task.kind, **told, "spans": spans, "context": context}

    def _count(self, result: RowsResult, *, is_judge: bool = False) -> None:
        total = self.total
        total.usage += result.usage
        total.calls += result.calls
        total.cached += result.cached
        total.notes = dict(Counter(total.notes) + Counter(result.notes))
        total.modes = dict(Counter(total.modes) + Counter(result.modes))
        if not is_judge:
            self.replies += result.parsed
        if result.error is not None and result.error.code != "rows.unusable":
            self.error = result.error

    def result(self) -> RowsResult:
        """The calls of writer and judge together, as one job."""
        if self.error is not None and not any(row is not None for row in self.rows):
            raise self.error
        rejects = [self.rejects[place] for place in sorted(self.rejects)]
        return replace(self.total, rows=self.rows, rejects=rejects, error=self.error)

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
