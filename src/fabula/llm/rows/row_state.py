"""The state of each row of a job: open, complete or given up; and its problems."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fabula.llm.json_schema.wording import as_json
from fabula.llm.rows.job import Reject, RowsJob, TableCheck
from fabula.llm.rows.placeholders import Placeholders
from fabula.llm.rows.row_check import ItemCheck
from fabula.llm.rows.uniqueness import Distinct

TRANSPORT_FAILURES = 2
"""Failed calls for one row after which the row is given up."""
RECENT = 4
"""Number of latest rows that prompts may show."""


class Board:
    """The rows of one job in progress."""

    def __init__(self, job: RowsJob, check: ItemCheck) -> None:
        self.rows: list[dict[str, Any] | None] = [None] * job.n
        self.rejects: dict[int, Reject] = {}
        self.asked_now: set[int] = set()  # places that this run requested, not only an earlier one
        self.problems: dict[int, list[str]] = {}
        self.raw: dict[int, str] = {}
        self.distinct = Distinct(job)
        self.made = 0
        self.repeats = 0
        self.all_repeats = 0
        self.recent: deque[dict[str, Any]] = deque(maxlen=RECENT)
        self._open = list(range(job.n))  # a heap; sorted is one
        self._spare: list[tuple[dict[str, Any], str]] = []
        self._job = job
        self._tries: dict[int, int] = {}
        self._failures: dict[int, int] = {}
        self._cuts: dict[int, int] = {}
        self._check = check
        self._placeholders = Placeholders(job)
        self._names = [each.name for each in job.fields]

    @property
    def is_done(self) -> bool:
        """True if every row is complete or given up."""
        return not self._open

    def take_open(self, most: int) -> list[int]:
        """The first open places, for the next call; `give_back` returns those not filled."""
        return [heapq.heappop(self._open) for _ in range(min(most, len(self._open)))]

    def most_at_once(self, usual: int) -> int:
        """Number of rows for the next call: fewer if its first row was cut repeatedly."""
        cuts = self._cuts.get(self._open[0], 0) if self._open else 0
        return max(1, usual >> max(0, cuts - 1))

    def were_cut(self, places: Iterable[int]) -> None:
        """Record that a reply to several rows ended before these."""
        for place in places:
            self._cuts[place] = self._cuts.get(place, 0) + 1

    def give_back(self, places: Iterable[int]) -> None:
        """Reopen the places that are neither filled nor given up."""
        for place in places:
            if self.rows[place] is None and place not in self.rejects:
                heapq.heappush(self._open, place)

    def offer(self, place: int, item: Any) -> bool:
        """Accept an answer for a row, or record why not."""
        values, problems = self._valid(place, item)
        if problems:
            self.note(place, "; ".join(problems), raw=as_json(item))
            return False
        repeat = self.distinct.problem(values)
        if repeat:
            self.repeats += 1
            self.all_repeats += 1
            first = self.raw.get(place) or as_json(item)  # a repeat says nothing about this row
            self.note(place, repeat, raw=first, counts=False)
            return False
        soft = self._job.soft_row(values) if self._job.soft_row and self._may_ask(place) else ()
        if soft:
            self.note(place, "; ".join(soft), raw=as_json(item))
            return False
        self._take(place, values)
        self._keep_reasoning(place, item)
        return True

    def _keep_reasoning(self, place: int, item: Any) -> None:
        """Store the model's reasoning with a row; prompts and checks don't see it."""
        name, made = self._job.reasoning, self.rows[place]
        if name and made is not None and isinstance(item, Mapping):
            self.rows[place] = {**made, name: item.get(name)}

    def _may_ask(self, place: int) -> bool:
        """Whether one more answer for a row may be requested before it is lost."""
        return self._tries.get(place, 0) < self._job.attempts

    def keep_spare(self, item: Any, key: str) -> None:
        """Keep a good row beyond those asked of a reply, for a place that stays empty."""
        values, problems = self._valid(None, item)
        if not problems:
            self._spare.append((values, key))

    def use_spare(self) -> tuple[int, list[tuple[int, str]]]:
        """Fill open places with spare rows that repeat nothing.

        Returns:
            How many rows are left out, and the places filled, each with the key of its reply.
        """
        filled: list[tuple[int, str]] = []
        for values, key in self._spare:
            if self.distinct.problem(values):
                self.all_repeats += 1
            elif self._open:
                place = heapq.heappop(self._open)
                self._take(place, values)
                filled.append((place, key))
        left = len(self._spare) - len(filled)
        self._spare.clear()
        return left, filled

    def note(self, place: int, problem: str, *, raw: str = "", counts: bool = True) -> None:
        """Record a problem of a row; after the last attempt the row is given up."""
        told = self.problems.setdefault(place, [])
        if problem not in told:
            told.append(problem)
        self.raw[place] = raw
        self._tries[place] = self._tries.get(place, 0) + counts
        if self._tries[place] > self._job.attempts:
            self.reject(place, "; then ".join(told))

    def fail(self, place: int, problem: str) -> None:
        """Record that a call for this row failed; this doesn't count as an attempt."""
        self._failures[place] = self._failures.get(place, 0) + 1
        if self._failures[place] >= TRANSPORT_FAILURES:
            self.reject(place, problem)

    def reject(self, place: int, reason: str) -> None:
        """Give a row up."""
        tries = max(1, self._tries.get(place, 0) + self._failures.get(place, 0))
        self.rejects[place] = Reject(place, reason, self.raw.get(place, ""), tries)

    def reopen(self) -> bool:
        """Reopen rows that only earlier runs gave up, with all attempts; returns whether any exist.

        This comes last, so that everything before it is replayed from the ledger request by
        request.
        """
        again = self.rejects.keys() - self.asked_now
        for place in again:
            for past in (
                self.rejects,
                self.problems,
                self.raw,
                self._tries,
                self._failures,
                self._cuts,
            ):
                past.pop(place, None)
        self.give_back(again)
        return bool(again)

    def check_table(self) -> None:
        """Reopen the rows that break a rule over the whole table."""
        job = self._job
        for check, is_soft in ((job.check_table, False), (job.soft_table, True)):
            if check is not None and self.is_done:
                self._reopen_broken(check, is_soft=is_soft)

    def _reopen_broken(self, check: TableCheck, *, is_soft: bool) -> None:
        places = [place for place, row in enumerate(self.rows) if row is not None]
        found = check([self._merged(place, self.rows[place]) for place in places])
        for position, problem in found.items():
            place = places[position]
            if is_soft and not self._may_ask(place):
                continue
            row = self._merged(place, self.rows[place])
            self.distinct.remove(row)
            self.rows[place] = None
            self.made -= 1
            self.note(place, problem, raw=as_json(row))
        self.give_back(places)

    def _valid(self, place: int | None, item: Any) -> tuple[dict[str, Any], Sequence[str]]:
        """The row's known and requested values, normalised, and their problems."""
        values, problems = self._check(item)
        problems += self._placeholders.problems(values, place)
        row = self._merged(place, values)
        checks = [self._job.check_row] if self._job.check_row is not None else []
        if self._job.row_checks is not None and place is not None:
            checks.append(self._job.row_checks[place])
        for check in checks if not problems else ():
            try:
                problems += check(row)
            except (
                ValueError,
                AssertionError,
            ) as exc:  # rejections; other errors are bugs
                problems.append(f"{type(exc).__name__}: {exc}")
        return row, problems

    def _merged(self, place: int | None, values: Mapping[str, Any] | None) -> dict[str, Any]:
        known: dict[str, Any] = {}
        for rows in (self._job.beside, self._job.given):
            if rows is not None and place is not None:
                known |= rows[place]
        return {**known, **(values or {})}

    def _take(self, place: int, row: dict[str, Any]) -> None:
        self.distinct.add(row)
        self.rows[place] = made = {name: row[name] for name in self._names}
        self.recent.append(made)
        self.made += 1
