"""What a personal detail can be, how it is told, and what columns of it are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fabula.pii.detector import Detector, Detectors
from fabula.render.amounts import percent

FEWEST = 5
"""Distinct values that forms need at least; words need `FEWEST_WORDS`."""


def lack(name: str, entry: Detector) -> str | None:
    """What an entry lacks, in words."""
    if name != entry.name or not name.isidentifier():
        return "has no name that is one word"
    if not entry.title.strip():
        return "has no `title`"
    if not 0 < entry.least <= 1 or entry.fewest < 1:
        return "has a `least` that is not above 0 and at most 1, or a `fewest` below 1"
    if entry.weighed:
        return None
    if entry.detects is None and not entry.form:
        return "has neither `detects` nor a `form`"
    for pattern in (entry.form, entry.unless, entry.named, entry.called):
        try:
            re.compile(pattern)
        except re.error as error:
            return f"has a pattern that is not a regular expression: {error}"
    if not entry.told.strip():
        return "has no words for its reason, `told`"
    made = {"code", *DETECTORS.builtin()} - {*BLURRED}
    return None if entry.made_as in made else f"has no `made_as` of {', '.join(sorted(made))}"


DETECTORS: Detectors = Detectors(
    "detector", home="fabula.pii.entries", order=lambda *_: 0, lacks=lack
)
"""Every detector, and so every kind of personal detail, by name; Fabula's own in their order."""


class _Titles(Mapping[str, str]):
    """What a column of each kind holds; kinds of plug-ins too."""

    def __getitem__(self, kind: str) -> str:
        return DETECTORS[kind].title

    def __iter__(self) -> Iterator[str]:
        return iter(DETECTORS)

    def __len__(self) -> int:
        return len(DETECTORS)


TITLES: Mapping[str, str] = _Titles()
"""Every kind, and what a column of it holds."""

BLURRED = ("birth_date", "coordinate")
"""Numbers and times that are about people by how exact they are."""


@dataclass(frozen=True)
class Finding:
    """A column of personal details.

    Attributes:
        kind: One of `TITLES`.
        share: The share of the distinct values looked at that are of the kind.
        confidence: From 0 to 1.
        reason: What tells, in words.
        scheme: Which national id, one of `SCHEMES`; else empty.
    """

    kind: str
    share: float
    confidence: float
    reason: str
    scheme: str = ""

    @property
    def direct(self) -> bool:
        """Whether one value can tell who someone is."""
        return DETECTORS[self.kind].direct

    @property
    def made_as(self) -> str:
        """The kind of Fabula's own that new values are made as."""
        entry = DETECTORS[self.kind]
        return self.kind if DETECTORS.is_builtin(self.kind) else entry.made_as


def named(kind: str, name: str) -> bool:
    """Whether a column's name says that it holds details of a kind, also in the plural."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    words = DETECTORS[kind].named
    found = re.search(rf"(^|[_\W])({words})(e?s)?([_\W\d]|$)", spaced, re.IGNORECASE)
    return found is not None and found.end() >= len(spaced) - 1  # `contactTitle` is not a contact


def found_as(kind: str, part: float, told: str, scheme: str = "") -> Finding:
    """What was found in a share of the values."""
    return Finding(kind, round(part, 3), round(min(1.0, 0.4 + 0.6 * part), 2),
                   f"{percent(part)} of its values {told}", scheme)  # fmt: skip
