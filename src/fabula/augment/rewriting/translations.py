"""Translations that are translated back: kept as they are, or as texts in other words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fabula.augment.asking import Asker
from fabula.augment.rewriting.languages import name_of
from fabula.augment.rewriting.plan import CAME_BACK, CHANGE, LANGUAGE, ORIGINAL, TRANSLATION
from fabula.augment.rewriting.run import (
    NEW_TEXT,
    SYSTEM,
    TEXT,
    Problem,
    language_problems,
    new_numbers,
    shown,
)
from fabula.augment.rewriting.texts import Texts
from fabula.augment.rewriting.ways import BACK
from fabula.augment.rounds import Form


class Translations(Texts):
    """Texts into another language and back, by writers who don't know of each other."""

    async def one_round(self, asker: Asker, places: Sequence[int], again: int) -> None:
        """Translate there and back, and keep what says the same."""
        there = Form((NEW_TEXT,), self._there, SYSTEM, self.check(self._there_problems))
        translated = await self.written(asker, places, again, there)

        def back(place: int) -> str:
            told = f"{self.plan.way.task} Into {name_of(self.plan.language)}."
            return f"{shown('The given text', translated[place][TEXT])}\n\n{told}"

        form = Form((NEW_TEXT,), back, SYSTEM, self.check(self._back_problems))
        returned = await self.written(asker, list(translated), again, form)
        rows = {}
        for place, row in returned.items():
            found = self._whole_problem(place, row[TEXT])  # notes the distance, too
            made = self._pair(place, translated[place][TEXT], row[TEXT])
            if found:
                self.refuse(place, found[0], made, found[1])
            else:
                rows[place] = made
        await self.settle(asker, rows, again)

    @property
    def _is_back(self) -> bool:
        return self.plan.way.name == BACK

    def _there(self, place: int) -> str:
        task = self.tasks[place]
        told = f"{self.plan.way.task} Into {name_of(task.change)}."
        return self.prompt(place, shown("The given text", self.given(task)), told)

    def _there_problems(self, place: int, row: dict[str, Any]) -> list[Problem]:
        task = self.tasks[place]
        found = self.text_problems(place, row[TEXT], language=task.change, may_repeat=self._is_back)
        return found or new_numbers(self.given(task), row[TEXT])

    def _back_problems(self, place: int, row: dict[str, Any]) -> list[Problem]:
        """What is wrong with what came back, whatever the translation was."""
        found = language_problems(row[TEXT], self.plan.language)
        return found or new_numbers(self.given(self.tasks[place]), row[TEXT])

    def _whole_problem(self, place: int, text: str) -> Problem | None:
        """What is wrong with a translation by what came back."""
        if self._is_back:
            found = self.text_problems(place, text, band=self.plan.band)
            return found[0] if found else None
        return self.distance_problem(place, text, self.plan.band)

    def _pair(self, place: int, translation: str, back: str) -> dict[str, Any]:
        task = self.tasks[place]
        new = {self.plan.text: back if self._is_back else translation}
        other = {TRANSLATION: translation} if self._is_back else {CAME_BACK: back}
        more = {ORIGINAL: self.given(task), CHANGE: self.plan.way.name, LANGUAGE: task.change}
        return self.made(place, new, {**more, **other})

    def _judge_prompt(self, row: Mapping[str, Any]) -> str:
        """The judge reads two texts of one language: the given one and what came back."""
        came = row[self.plan.text] if self._is_back else row[CAME_BACK]
        return super()._judge_prompt({ORIGINAL: row[ORIGINAL], self.plan.text: came})
