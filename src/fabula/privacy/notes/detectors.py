"""Detectors of third parties in notes: a protocol, and thin adapters of models.

A detector is any object with `find(texts)`. Without one, nobody but the people of the table is
searched by name, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from fabula.errors import PrerequisiteError, UsageError


class Span(NamedTuple):
    """A place in a text, in code points.

    Attributes:
        start: Where it starts.
        end: Where it ends.
        kind: What it is.
    """

    start: int
    end: int
    kind: str


class Detector(Protocol):
    """What finds people in texts."""

    def find(self, texts: Sequence[str]) -> Sequence[Sequence[Span]]:
        """The places of personal details in each text, in any order."""
        ...


class PresidioDetector:
    """Places that an analyzer of Microsoft Presidio finds.

    Args:
        analyzer: A `presidio_analyzer.AnalyzerEngine`; by default a new one, which needs a spaCy
            model on this machine.
        language: The language of the texts.
        least: The lowest score that counts.

    Raises:
        PrerequisiteError: `presidio-analyzer` is not installed.
    """

    def __init__(self, analyzer: Any = None, *, language: str = "en", least: float = 0.4) -> None:
        if analyzer is None:
            try:
                from presidio_analyzer import AnalyzerEngine
            except ImportError as exc:
                raise _missing("presidio-analyzer") from exc
            analyzer = AnalyzerEngine()
        self._analyzer, self._language, self._least = analyzer, language, least

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The places in each text."""
        return [
            [
                Span(hit.start, hit.end, str(hit.entity_type).lower())
                for hit in self._analyzer.analyze(text, language=self._language)
                if hit.score >= self._least
            ]
            for text in texts
        ]


class GlinerDetector:
    """Places that a GLiNER model finds.

    Args:
        model: A `gliner.GLiNER`, loaded by you.
        labels: What is searched.
        least: The lowest score that counts.
    """

    def __init__(
        self,
        model: Any,
        *,
        labels: Sequence[str] = ("person", "address", "organization"),
        least: float = 0.5,
    ) -> None:
        self._model, self._labels, self._least = model, list(labels), least

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The places in each text."""
        return [
            [
                Span(hit["start"], hit["end"], str(hit["label"]))
                for hit in self._model.predict_entities(text, self._labels, threshold=self._least)
            ]
            for text in texts
        ]


class ModelDetector:
    """Places that a language model names; what it names counts where it occurs in the text.

    The model sees the texts after everything known was replaced, third parties still in them: use
    one that may see them, such as `local`.

    Args:
        model: The model, as `fabula generate --model` takes it.
        options: Further options of `fabula.extract`, such as `max_calls`.

    Attributes:
        untrue: What the model named that is in no text, by count.
    """

    def __init__(self, model: str = "local", **options: Any) -> None:
        self._options = {"model": model, **options}
        self.untrue = 0

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """The places in each text.

        Raises:
            PartialRunError: The model gave nothing valid for a text.
        """
        from fabula.describing.extract import extract

        found = extract(
            list(texts), "words str, kind str", many=True, instructions=_ASKED, **self._options
        )
        return [self._places(text, named) for text, named in zip(texts, found, strict=True)]

    def _places(self, text: str, named: Sequence[Mapping[str, str]]) -> list[Span]:
        spans = []
        for each in named:
            words = each["words"].strip()
            kind = re.sub(r"\W+", "_", each["kind"].strip().lower()) or "person"
            places = [match.start() for match in re.finditer(re.escape(words), text)]
            self.untrue += not (words and places)
            spans += [Span(at, at + len(words), kind) for at in places if words]
        return spans


_ASKED = (
    "Give every person, address, and other detail in the text that could tell who somebody is:"
    " `words` exactly as they stand in the text, `kind` in one word, such as person or address."
)


def checked_spans(detector: Detector, texts: Sequence[str]) -> list[list[Span]]:
    """What a detector finds, in order, without overlaps.

    Raises:
        UsageError: The detector gave another number of texts, or a place outside of its text.
    """
    found = list(detector.find(texts))
    name = type(detector).__name__
    if len(found) != len(texts):
        raise UsageError(
            f"the detector `{name}` answered {len(found)} of {len(texts)} texts",
            code="notes.detector",
            hint="return a list of places for each text, an empty one where there is none",
        )
    kept: list[list[Span]] = []
    for text, spans in zip(texts, found, strict=True):
        mine: list[Span] = []
        for span in sorted((Span(*each) for each in spans), key=lambda each: (each[0], -each[1])):
            if not 0 <= span.start < span.end <= len(text):
                raise UsageError(
                    f"the detector `{name}` found {span.start}..{span.end} in a text of"
                    f" {len(text)} characters",
                    code="notes.detector",
                    hint="count places in code points, from 0",
                )
            if not mine or span.start >= mine[-1].end:
                mine.append(span)
        kept.append(mine)
    return kept


def _missing(package: str) -> PrerequisiteError:
    return PrerequisiteError(
        f"the detector needs `{package}`",
        code="prerequisite.package",
        hint=f"pip install {package}",
    )
