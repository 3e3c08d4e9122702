"""A detector is one entry: a kind of personal detail, and what tells a column of it by its values.

Fabula's own kinds are in `fabula.pii.entries`; a detector of a plug-in decides before them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fabula.extensions import Register

Share: TypeAlias = Callable[[Sequence[str], str], float]
"""The share of differing values that are of a kind, given them as texts and the column's name."""


@dataclass(frozen=True)
class Detector:
    """Everything known about one kind of personal detail.

    Attributes:
        name: The kind: `passport`.
        title: What a column of it holds: `passport numbers`.
        detects: The share of a column's differing values that are of the kind, from 0 to 1; None
            if `form` tells.
        form: A regular expression that a value of the kind matches as a whole.
        valid: Whether a value of that form is one, by its check digits.
        unless: A form that all values have if they are of another kind.
        told: What the values do, for the reason: `have the form of a passport number`.
        least: The share that tells a column of the kind.
        fewest: Differing values that are needed to tell.
        direct: One value can tell who somebody is.
        made_as: The kind of Fabula's own that new values are made as; `code`: of the same forms.
        named: A regular expression of the words that columns of the kind are called by.
        called: The form of values that count where the column's name says the kind.
        weighed: Told by `fabula.pii.finding`, which weighs kinds against each other.
    """

    name: str
    title: str
    detects: Share | None = None
    form: str = ""
    valid: Callable[[str], bool] | None = None
    unless: str = ""
    told: str = ""
    least: float = 0.9
    fewest: int = 5
    direct: bool = True
    made_as: str = "code"
    named: str = ""
    called: str = ""
    weighed: bool = False

    def share_of(self, texts: Sequence[str], name: str) -> float:
        """The share of some values that are of the kind, told by `detects` or by their form."""
        if self.detects is not None:
            return float(self.detects(texts, name))
        if self.unless and all(re.fullmatch(self.unless, text) for text in texts):
            return 0.0
        fit = [text for text in texts if re.fullmatch(self.form, text)]
        return sum(self.valid is None or self.valid(text) for text in fit) / len(texts)


class Detectors(Register[Detector]):
    """The detectors by name."""

    def add(self, entry: Detector) -> Detector:
        """Register a detector under its name."""
        return self.register(entry.name, entry)
