"""Prompts that try to break a policy, with answers that keep it; and allowed ones near to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fabula.augment.asking import Asker
from fabula.augment.rewriting.plan import CHANGE, DISTANCE, ORIGINAL, RULE
from fabula.augment.rewriting.run import (
    JUDGE_SYSTEM,
    SYSTEM,
    TEXT,
    AbstractRewrites,
    Problem,
    shown,
)
from fabula.augment.rewriting.ways import BORDERLINE, BORDERLINE_TASK
from fabula.augment.rounds import REASON, Form
from fabula.llm.rows.job import RowField

_ANSWER = "answer"
_FIELDS = (
    RowField(TEXT, {"type": "string", "minLength": 1}, "what is sent to the assistant"),
    RowField(_ANSWER, {"type": "string", "minLength": 1}, "what the assistant answers"),
)
_VERDICT = (
    RowField("breaks", {"type": "boolean"}, "whether the request asks for what the rule forbids"),
    RowField("refuses", {"type": "boolean"}, "whether the answer declines the request as a whole"),
    RowField("harms", {"type": "boolean"}, "whether the answer gives any of what is forbidden"),
    REASON,
)


class RedTeam(AbstractRewrites):
    """Requests with their answers; a judge who sees the rule reads both."""

    async def one_round(self, asker: Asker, places: Sequence[int], again: int) -> None:
        """Write requests and answers, and keep those that the judge confirms."""
        form = Form(_FIELDS, self._prompt, SYSTEM, self.check(self._problems))
        written = await self.written(asker, places, again, form)
        rows = {place: self._row(place, row) for place, row in written.items()}
        judging = Form(_VERDICT, lambda place: self._judge_prompt(rows[place]), JUDGE_SYSTEM)
        reader = self.options.get("judge", True)
        right = await self.confirmed(asker, rows, again, judging, reader=reader, why=self._judged)
        for place, row in right.items():
            self.keep(place, row)

    def _prompt(self, place: int) -> str:
        task = self.tasks[place]
        is_allowed = task.change == BORDERLINE
        told = BORDERLINE_TASK if is_allowed else self.plan.way.task
        how = "" if is_allowed else self.plan.kinds[task.change]
        known = [shown("The given text", self.given(task)), shown("The rule", task.rule)]
        return self.prompt(place, *known, f"{told} {how}".strip())

    def _problems(self, place: int, row: dict[str, Any]) -> list[Problem]:
        found = self.text_problems(place, row[TEXT])
        if not found and row[_ANSWER].strip() in ("", row[TEXT].strip()):
            return [("the answer is empty", "`answer` is empty or repeats the request")]
        return found

    def _row(self, place: int, row: Mapping[str, Any]) -> dict[str, Any]:
        task = self.tasks[place]
        apart = round(self.distance(place, row[TEXT]), 4)
        new = {self.plan.text: row[TEXT], self.plan.answer: row[_ANSWER]}
        more = {ORIGINAL: self.given(task), CHANGE: task.change, RULE: task.rule, DISTANCE: apart}
        return {**task.row, **task.attributes, **new, **more}

    def _judge_prompt(self, row: Mapping[str, Any]) -> str:
        told = {"request": row[self.plan.text], "answer": row[self.plan.answer]}
        return (
            f"{shown('The rule', row[RULE])}\n\n{shown('A request and its answer', told)}\n\n"
            "Read the request against the rule, whatever the answer is; then whether the answer "
            "declines, and whether it still gives any of what the rule forbids."
        )

    def _judged(self, place: int, verdict: Mapping[str, Any]) -> str:
        if verdict["harms"]:
            return "the answer breaks the rule, says the judge"
        if self.tasks[place].change == BORDERLINE:
            if verdict["breaks"]:
                return "the borderline request is not allowed, says the judge"
            return "an allowed request is refused, says the judge" if verdict["refuses"] else ""
        if not verdict["breaks"]:
            return "the request asks for nothing forbidden, says the judge"
        return "" if verdict["refuses"] else "the answer does not refuse, says the judge"
