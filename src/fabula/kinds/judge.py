"""Verdicts of a language model."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractFilled

_SCALE = re.compile(r"\s*(?P<low>\d+)\s*\.\.\s*(?P<high>\d+)(?![\d.])")


@column_kind(example="{kind: judge, of: [question, answer], rubric: {helpful: 1..5}, at_least: 3}")
class Judge(AbstractFilled):
    """A language model's verdict on other columns of the row.

    Attributes:
        of: The columns that it reads.
        rubric: A question that yes or no answers, or criteria with their scales and, if need be,
            what they mean (`{helpful: 1..5, correct: "1..5 no fact is wrong"}`); the score is
            their mean.
        at_least: Rows with a lower score (or a no) are made again, a few times, then rejected.
    """

    kind: Literal["judge"] = "judge"
    of: tuple[str, ...] = Field(min_length=1)
    rubric: str | dict[str, str]
    at_least: float | None = None

    positional: ClassVar = ("of", "rubric")
    short_forms: ClassVar = {"of": {"type": "string"}}

    @model_validator(mode="before")
    @classmethod
    def _of_as_list(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("of"), str):
            return {**data, "of": [data["of"]]}
        return data

    @model_validator(mode="after")
    def _scales_rise(self) -> Judge:
        for criterion in self.criteria:
            self.scale(criterion)
        return self

    @property
    def criteria(self) -> tuple[str, ...]:
        """The criteria of the rubric; none if it is a question."""
        return tuple(self.rubric) if isinstance(self.rubric, dict) else ()

    def scale(self, criterion: str) -> tuple[int, int]:
        """The lowest and highest grade of a criterion."""
        assert isinstance(self.rubric, dict)
        found = _SCALE.match(self.rubric[criterion])
        if found is None or int(found["low"]) >= int(found["high"]):
            raise ValueError(f"the scale of `{criterion}` must look like `1..5`")
        return int(found["low"]), int(found["high"])

    def meaning(self, criterion: str) -> str:
        """What a criterion means, in words."""
        assert isinstance(self.rubric, dict)
        told = _SCALE.sub("", self.rubric[criterion], count=1).strip(" ,:-")
        return told or f"how {criterion} the row is"

    def arrow_type(self) -> str:
        """A mean grade, or yes and no."""
        return "float64" if self.criteria else "bool"

    def reads(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that it judges."""
        del before
        return self.of
