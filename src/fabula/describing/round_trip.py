"""The round trip: what a reader takes out of a text, compared with the fields it was made of.

Values are equal exactly, after normalisation (case, accents, punctuation, number forms), within a
numeric tolerance, or, for lists, as sets. Each field counts what was found, missed and added; each
row gets one verdict. Order alone is not a failure unless it is asked for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from fabula.describing.facts import folded
from fabula.llm.rows.job import RowField
from fabula.options import known_arguments
from fabula.render.amounts import percent

Verdict: TypeAlias = Literal[
    "exact", "normalised", "reordered", "lacks", "adds", "differs", "several", "empty", "malformed"
]
"""How a row came back. `several` are more objects than the source has, `empty` is none at all, and
`malformed` no valid reply; the first three are good."""

VALUE = "value"
"""The field of an item that is a plain value or a list of them."""

_GOOD = ("exact", "normalised", "reordered")


@dataclass(frozen=True)
class FieldScore:
    """How often values of one field came back.

    Attributes:
        found: Values of the source that came back.
        missed: Values of the source that did not.
        added: Values that came back without being in the source.
        exact: Found values that are the same to the letter.
    """

    found: int = 0
    missed: int = 0
    added: int = 0
    exact: int = 0

    def __add__(self, other: FieldScore) -> FieldScore:
        return FieldScore(
            self.found + other.found,
            self.missed + other.missed,
            self.added + other.added,
            self.exact + other.exact,
        )

    @property
    def precision(self) -> float | None:
        """Share of what came back that is right; None if nothing did."""
        came = self.found + self.added
        return self.found / came if came else None

    @property
    def recall(self) -> float | None:
        """Share of the source that came back; None if the source holds nothing."""
        there = self.found + self.missed
        return self.found / there if there else None


@dataclass(frozen=True)
class RowScore:
    """How one item came back, in one word and field by field, and whether that is good."""

    verdict: Verdict
    fields: Mapping[str, FieldScore]
    problems: tuple[str, ...] = ()
    passed: bool = False


@dataclass(frozen=True)
class RoundTrip:
    """The score of a whole set.

    Attributes:
        rows: Items compared.
        passed: Items that came back.
        verdicts: Items by verdict, as they are now.
        fields: The score of each field.
        regenerated: Texts that were written again.
        dropped: Texts that were given up.
    """

    rows: int
    passed: int
    verdicts: Mapping[str, int]
    fields: Mapping[str, FieldScore]
    regenerated: int = 0
    dropped: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The score as JSON-ready values."""
        scores = {
            name: {**vars(score), "precision": score.precision, "recall": score.recall}
            for name, score in self.fields.items()
        }
        return {**vars(self), "verdicts": dict(self.verdicts), "fields": scores}

    def __str__(self) -> str:
        lines = [f"Round trip: {self.passed:,} of {self.rows:,} texts state their fields"]
        lines.append("  " + ", ".join(f"{n:,} {name}" for name, n in self.verdicts.items()))
        for name, score in self.fields.items():
            lines.append(
                f"  {name}: precision {_share(score.precision)}, recall {_share(score.recall)}"
            )
        lines.append(f"  {self.regenerated:,} written again, {self.dropped:,} dropped")
        return "\n".join(lines)


@known_arguments
@dataclass(frozen=True)
class Comparison:
    """How values are compared.

    Attributes:
        tolerance: Relative difference of numbers that counts as equal.
        ordered: Whether the order of a list matters.
    """

    tolerance: float = 1e-6
    ordered: bool = False

    def row(self, source: Any, extracted: Sequence[Mapping[str, Any]] | None) -> RowScore:
        """The score of one item.

        Args:
            source: The item's fields.
            extracted: The objects that came out of its text; None if no valid reply came.
        """
        objects = source_objects(source)
        came = list(extracted or ())
        pairs, more = self._paired(objects, came)
        scores = {name: FieldScore() for each in objects for name in each}
        problems: list[str] = []
        grades: set[str] = set()
        for one, other in pairs:
            for name in one:
                score, grade, told = self._field(name, one.get(name), (other or {}).get(name))
                scores[name] += score
                grades.add(grade)
                problems += told
        for other in more:
            for name in scores:
                scores[name] += FieldScore(added=len(_values(other.get(name))))
        verdict = _verdict(objects, extracted, came, grades, scores)
        passed = verdict in _GOOD and not (self.ordered and verdict == "reordered")
        if verdict in ("several", "empty", "malformed"):
            problems = [_told_whole(verdict, len(came), len(objects)), *problems]
        return RowScore(verdict, scores, tuple(problems), passed)

    def _paired(
        self, objects: Sequence[Mapping[str, Any]], came: Sequence[Mapping[str, Any]]
    ) -> tuple[list[tuple[Mapping[str, Any], Mapping[str, Any] | None]], list[Mapping[str, Any]]]:
        """Each object of the source with the one that came back most like it, and the others."""
        places = [(i, j) for i in range(len(objects)) for j in range(len(came))]
        places.sort(key=lambda pair: -self._likeness(objects[pair[0]], came[pair[1]]))
        found: dict[int, int] = {}
        for i, j in places:
            if i not in found and j not in found.values():
                found[i] = j
        pairs = [(one, came[found[i]] if i in found else None) for i, one in enumerate(objects)]
        return pairs, [other for j, other in enumerate(came) if j not in found.values()]

    def _likeness(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
        return sum(self._field(name, one[name], other.get(name))[0].found for name in one)

    def _field(self, name: str, source: Any, came: Any) -> tuple[FieldScore, str, list[str]]:
        """The counts of one field, how it came back, and what differs."""
        wanted, given = _values(source), _values(came)
        left = list(given)
        missed, exact = [], 0
        for value in wanted:
            equal = next((other for other in left if value == other), None)
            if equal is None:
                equal = next((other for other in left if self._equal(value, other)), None)
            else:
                exact += 1
            if equal is None:
                missed.append(value)
            else:
                left.remove(equal)
        told = [f"`{name}` lacks {value}" for value in missed]
        told += [f"`{name}` has {value} too much" for value in left]
        score = FieldScore(len(wanted) - len(missed), len(missed), len(left), exact)
        if missed or left:
            return score, "differs", told
        if len(wanted) > 1 and not all(map(self._equal, wanted, given)):
            return score, "reordered", told
        return score, "exact" if exact == len(wanted) else "normalised", told

    def _equal(self, one: Any, other: Any) -> bool:
        if one == other:
            return True
        numbers = _number(one), _number(other)
        if numbers[0] is not None and numbers[1] is not None:
            return math.isclose(numbers[0], numbers[1], rel_tol=self.tolerance, abs_tol=1e-12)
        return bool(folded(str(one)).strip()) and folded(str(one)) == folded(str(other))


@dataclass
class Tally:
    """Adds the scores of rows up."""

    scores: list[RowScore] = field(default_factory=list)
    regenerated: int = 0
    dropped: int = 0

    def total(self) -> RoundTrip:
        """The score of all rows."""
        fields: dict[str, FieldScore] = {}
        for row in self.scores:
            for name, score in row.fields.items():
                fields[name] = fields.get(name, FieldScore()) + score
        verdicts = Counter[str](row.verdict for row in self.scores)
        passed = sum(row.passed for row in self.scores)
        return RoundTrip(
            len(self.scores), passed, {**verdicts}, fields, self.regenerated, self.dropped
        )


def source_objects(fields: Any) -> list[dict[str, Any]]:
    """An item as the objects that a reader may find in its text."""
    if isinstance(fields, Mapping):
        return [dict(fields)]
    if isinstance(fields, list | tuple) and fields and all(isinstance(x, Mapping) for x in fields):
        return [dict(each) for each in fields]
    return [{VALUE: fields}]


def fields_to_read(items: Sequence[Any]) -> tuple[RowField, ...]:
    """The fields that a reader is asked for, with the types that the items' values have."""
    types: dict[str, set[str]] = {}
    lists: set[str] = set()
    for each in (each for item in items for each in source_objects(item)):
        for name, value in each.items():
            types.setdefault(name, set()).update(map(_type_of, _values(value)))
            if isinstance(value, list | tuple):
                lists.add(name)
    return tuple(
        RowField(name, _listed(_schema(kinds), name in lists), required=False)
        for name, kinds in types.items()
    )


def _verdict(
    objects: Sequence[Any],
    extracted: Sequence[Any] | None,
    came: Sequence[Any],
    grades: set[str],
    scores: Mapping[str, FieldScore],
) -> Verdict:
    if extracted is None:
        return "malformed"
    if _is_bare(came) and not _is_bare(objects):
        return "empty"
    if len(came) > len(objects):
        return "several"
    missed = any(score.missed for score in scores.values())
    added = any(score.added for score in scores.values())
    if missed or added:
        return "differs" if missed and added else "lacks" if missed else "adds"
    if "reordered" in grades:
        return "reordered"
    return "normalised" if "normalised" in grades else "exact"


def _is_bare(objects: Sequence[Mapping[str, Any]]) -> bool:
    """Whether objects hold no value at all."""
    return not any(_values(value) for each in objects for value in each.values())


def _told_whole(verdict: Verdict, came: int, wanted: int) -> str:
    if verdict == "several":
        return f"a reader takes {came} objects out of the text instead of {wanted}"
    if verdict == "empty":
        return "a reader finds nothing in the text"
    return "a reader gave no valid answer about the text"


def _values(value: Any) -> list[Any]:
    """A field's values: those of a list, or the only one; none if it is missing."""
    if isinstance(value, list | tuple):
        return [each for each in value if each is not None]
    return [] if value is None or value == "" else [value]


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(str(value).replace(",", "")) if not isinstance(value, int | float) else value
    except ValueError:
        return None


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "object" if isinstance(value, Mapping) else "string"


def _schema(kinds: set[str]) -> dict[str, Any]:
    if kinds == {"integer", "number"}:
        return {"type": "number"}
    return {"type": next(iter(kinds))} if len(kinds) == 1 else {"type": "string"}


def _listed(schema: dict[str, Any], is_list: bool) -> dict[str, Any]:
    return {"type": "array", "items": schema} if is_list else schema


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)
