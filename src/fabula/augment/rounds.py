"""Rows that one model writes and others read; what readers refuse is written again.

A row goes through rounds until it is kept, and each round tells the writer why the last one failed.
A round whose replies are all known costs nothing and doesn't count, so the same call goes on where
an earlier one gave rows up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from fabula.augment.asking import SAMPLE_STEP, Asker, AskOptions, counting, job_options
from fabula.errors import FabulaError
from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import Reject, RowField, RowProblems, RowsJob, RowsResult

if TYPE_CHECKING:
    from fabula.spec.models import ModelLike

ROUNDS = 3
"""Rounds of new replies before a row is given up."""
REASON = RowField("reason", {"type": "string"}, "why, in one sentence", required=False)
_REASON_SHOWN = 300

Rows: TypeAlias = Mapping[int, dict[str, Any]]
"""Rows by their place."""
Verdict: TypeAlias = Callable[[Mapping[str, Any]], Any]
Reader: TypeAlias = "ModelLike | Verdict | bool"
"""Who reads rows: a model, `True` for the writer's, a function of a row, or `False` for nobody."""


@dataclass(frozen=True)
class Form:
    """What is asked for one row: its fields, by which prompt, and how a reply is checked."""

    fields: Sequence[RowField]
    prompt: Callable[[int], str]
    system: str
    check: Callable[[int], RowProblems] | None = None


class AbstractRounds(ABC):
    """The rows of one call while they are written and read."""

    def __init__(self, n: int, options: AskOptions, *, name: str) -> None:
        self.rows: list[dict[str, Any] | None] = [None] * n
        self.refused: Counter[str] = Counter()
        self.rejects: dict[int, Reject] = {}
        self.reasons: dict[int, str] = {}
        self.total = RowsResult([])
        self.replies = 0
        self.error: FabulaError | None = None
        self._ask_options, self._name = options, name

    @abstractmethod
    async def one_round(self, asker: Asker, places: Sequence[int], again: int) -> None:
        """Write the rows of these places, have them read, and keep or refuse each."""

    async def go(self, asker: Asker, places: Iterable[int] | None = None) -> None:
        """Go through rounds until all rows are kept, given up, or an error stops them."""
        wanted = range(len(self.rows)) if places is None else list(places)
        most = 1 if self._ask_options.get("rehearsal") is not None else ROUNDS
        asked = again = 0
        while asked < most and self.error is None:
            missing = [place for place in wanted if self.rows[place] is None]
            if not missing:
                return
            calls, cached = self.total.calls, self.total.cached
            try:
                await self.one_round(asker, missing, again)
            except FabulaError as error:
                self.error = error
            asked += self.total.calls > calls or self.total.cached == cached
            again += 1
            if watch := counting(self._ask_options.get("progress"), self._name, len(self.rows)):
                watch(len(self.rows) - self.rows.count(None))

    def _job(self, places: Sequence[int], again: int, form: Form) -> RowsJob:
        """A job of one row for each place, other than those of earlier rounds."""
        options = job_options(self._ask_options)
        options["sample"] += again * SAMPLE_STEP
        del options["rows_per_call"]
        return RowsJob(
            subject="",
            fields=tuple(form.fields),
            n=len(places),
            prompts=[form.prompt(place) for place in places],
            system=form.system,
            row_checks=None if form.check is None else [form.check(place) for place in places],
            reopens=False,
            **options,
        )

    async def written(self, asker: Asker, places: Sequence[int], again: int, form: Form) -> Rows:
        """What the writer wrote; what it could not write is among the rejects."""
        if not places:
            return {}
        result = await ask_rows(asker.model(), self._job(places, again, form))
        self._count(result)
        self.replies += result.parsed
        for reject in result.rejects:
            at = places[reject.row]
            self.rejects[at] = replace(reject, row=at)
            self.reasons[at] = reject.reason
        rows = zip(places, result.rows, strict=True)
        return {place: row for place, row in rows if row is not None}

    async def read(
        self, asker: Asker, places: Sequence[int], again: int, form: Form, reader: Reader = True
    ) -> Rows:
        """What a reader says of each place; missing where it says nothing."""
        if not places:
            return {}
        model = asker.model(None if reader is True else reader)  # type: ignore[arg-type]
        result = await ask_rows(model, self._job(places, again, form))
        self._count(result)
        said = zip(places, result.rows, strict=True)
        return {place: row for place, row in said if row is not None}

    async def confirmed(
        self,
        asker: Asker,
        rows: Rows,
        again: int,
        form: Form,
        *,
        reader: Reader,
        why: Callable[[int, Mapping[str, Any]], str],
    ) -> Rows:
        """The rows that a reader confirms; the others are refused with what it says.

        `why` tells what is wrong by a verdict, or nothing.
        """
        if reader is False:
            return rows
        if callable(reader):
            return {place: row for place, row in rows.items() if self._passes(reader, place, row)}
        verdicts = await self.read(asker, list(rows), again, form, reader)
        kept = {}
        for place, row in rows.items():
            verdict = verdicts.get(place)
            if verdict is None and self.error is not None:
                continue
            told = "the judge gave no verdict" if verdict is None else why(place, verdict)
            if told:
                reason = "" if verdict is None else str(verdict.get("reason") or "").strip()
                self.refuse(place, told, row, reason)
            else:
                kept[place] = row
        return kept

    def _passes(self, judge: Verdict, place: int, row: Mapping[str, Any]) -> bool:
        said = judge(row)
        if said is True or (not said and said is not False):
            return True
        listed = [] if said is False else [said] if isinstance(said, str) else list(said)
        self.refuse(place, "the judge function refuses it", row, "; ".join(map(str, listed)))
        return False

    def keep(self, place: int, row: dict[str, Any]) -> None:
        """Keep a row."""
        self.rows[place] = row
        self.rejects.pop(place, None)

    def refuse(self, place: int, why: str, row: Mapping[str, Any], reason: str = "") -> None:
        """Refuse a row; the next round is told why."""
        reason = reason[:_REASON_SHOWN]
        self.refused[why] += 1
        self.reasons[place] = f"{why} ({reason})" if reason else why
        self.rejects[place] = Reject(place, self.reasons[place], self.raw(row), 1)

    def raw(self, row: Mapping[str, Any]) -> str:
        """What of a row stands among the rejects."""
        return str(next(iter(row.values()), ""))

    def told(self, place: int) -> str:
        """What a prompt says about the last refusal of a row."""
        reason = self.reasons.get(place, "")[:_REASON_SHOWN]
        return f"An earlier one was refused: {reason}. Write another one." if reason else ""

    def _count(self, result: RowsResult) -> None:
        self.total.count(result)
        if result.error is not None and result.error.code != "rows.unusable":
            self.error = result.error

    def result(self) -> RowsResult:
        """All calls as one job.

        Raises:
            FabulaError: What stopped it, where no row is kept.
        """
        if self.error is not None and not any(row is not None for row in self.rows):
            raise self.error
        rejects = [self.rejects[place] for place in sorted(self.rejects)]
        return replace(self.total, rows=self.rows, rejects=rejects, error=self.error)
