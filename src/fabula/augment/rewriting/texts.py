"""Texts made harder, broader or other in words, with answers that an independent solver reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fabula.augment.asking import Asker
from fabula.augment.rewriting.plan import CHANGE, DISTANCE, ORIGINAL
from fabula.augment.rewriting.run import (
    JUDGE_SYSTEM,
    NEW_TEXT,
    SYSTEM,
    TEXT,
    VERDICT,
    AbstractRewrites,
    Problem,
    new_numbers,
    shown,
)
from fabula.augment.rounds import Form, Rows
from fabula.augment.solving.solve import SolveOptions, prepared, sampled
from fabula.augment.solving.verifiers import ANSWER, VERIFIERS, task_problem
from fabula.llm.rows.job import RowField

_SAMPLES = 2
_ROOM = 100
"""Samples of solvers that one round may use."""


class Texts(AbstractRewrites):
    """Texts, each written once a round, then checked by code, a solver and a judge."""

    async def one_round(self, asker: Asker, places: Sequence[int], again: int) -> None:
        """Write texts, and keep those that hold."""
        fields = [NEW_TEXT, *(RowField(name, _TEXT, "of the new text") for name in self._renewed)]
        form = Form(fields, self._prompt, SYSTEM, self.check(self._problems))
        written = await self.written(asker, places, again, form)
        rows = {place: self._row(place, row) for place, row in written.items()}
        await self.settle(asker, rows, again)

    async def settle(self, asker: Asker, rows: Rows, again: int) -> None:
        """Keep the rows that the judge confirms and a solver answers as they say."""
        form = Form(VERDICT, lambda place: self._judge_prompt(rows[place]), JUDGE_SYSTEM)
        judge = self.options.get("judge", self.options.get("by") is None)
        right = await self.confirmed(asker, rows, again, form, reader=judge, why=_judged)
        for place, row in (await self._solved(asker, right, again)).items():
            self.keep(place, row)

    @property
    def _renewed(self) -> list[str]:
        """The columns that the writer writes besides the text."""
        if self.plan.way.keeps_answer:
            return []
        by = self.options.get("by")
        needs = VERIFIERS[by].needs if isinstance(by, str) else ()
        return list(
            dict.fromkeys(filter(None, (self.plan.answer, *(n for n in needs if n != ANSWER))))
        )

    def _prompt(self, place: int) -> str:
        task, way = self.tasks[place], self.plan.way
        told = [way.task, self.plan.kinds.get(task.change, "")]
        given = {name: task.row[name] for name in self._renewed if task.row.get(name) is not None}
        known = [shown("What belongs to it", given)] if given else []
        if self._renewed:
            told.append(
                f"Write {' and '.join(f'`{name}`' for name in self._renewed)} of the new text too."
            )
        return self.prompt(
            place, shown("The given text", self.given(task)), *known, " ".join(filter(None, told))
        )

    def _problems(self, place: int, row: dict[str, Any]) -> list[Problem]:
        found = self.text_problems(
            place, row[TEXT], band=self.plan.band, language=self.plan.language
        )
        if self.plan.way.keeps_answer:
            return found or new_numbers(self.given(self.tasks[place]), row[TEXT])
        for name in self._renewed if not found else ():
            if not str(row[name]).strip():
                return [("the answer is empty", f"`{name}` is empty")]
        by = self.options.get("by")
        if not found and isinstance(by, str):
            named = {
                ANSWER if name == self.plan.answer else name: row[name] for name in self._renewed
            }
            if wrong := task_problem(VERIFIERS[by], named):
                return [("the answer has another form", wrong)]
        return found

    def _row(self, place: int, written: Mapping[str, Any]) -> dict[str, Any]:
        task = self.tasks[place]
        new = {self.plan.text: written[TEXT], **{name: written[name] for name in self._renewed}}
        return self.made(place, new, {ORIGINAL: self.given(task), CHANGE: task.change})

    def made(self, place: int, new: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
        """The row of a rewrite: the given one with what is new."""
        task = self.tasks[place]
        apart = {DISTANCE: round(self.distances.get(place, 0.0), 4)}  # a dry run measures none
        return {**task.row, **task.attributes, **new, **more, **apart}

    def _judge_prompt(self, row: Mapping[str, Any]) -> str:
        told = {"given": row[ORIGINAL], "new": row[self.plan.text]}
        asked = f"`is_right` is true if {self.plan.way.judged}. Otherwise it is false."
        return f"{shown('Two texts', told)}\n\n{asked}"

    async def _solved(self, asker: Asker, rows: Rows, again: int) -> Rows:
        """The rows whose answer an independent solver reaches, who never sees it."""
        by = self.options.get("by")
        if by is None or not rows:
            return rows
        samples = self.options.get("samples", _SAMPLES)
        number = self.options.get("sample", 0) + again * _ROOM
        names: SolveOptions = {"question": self.plan.text, "by": by, "samples": samples}
        if self.plan.answer:
            names["answer"] = self.plan.answer
        asked: SolveOptions = {**self._ask_options, **names, "sample": number}
        places = list(rows)
        run = prepared([rows[place] for place in places], asked)
        await sampled(asker, run, asked)
        self._count(run.total)
        self.error = self.error or run.error
        kept = {}
        for place, found in zip(places, run.kept, strict=True):
            if found:
                kept[place] = rows[place]
            elif self.error is None:
                said = "; ".join(
                    str(each["solution"])[:60] for each in run.seen[places.index(place)]
                )
                self.refuse(place, "a solver reaches another answer", rows[place], said)
        return kept


_TEXT = {"type": "string"}


def _judged(_: int, verdict: Mapping[str, Any]) -> str:
    return "" if verdict["is_right"] else "it does not hold, says the judge"
