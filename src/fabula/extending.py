"""What plug-in authors import: one `register` for all entries, and the entries' classes.

    >>> from fabula.extending import Score, metric, register
    >>> @register
    ... @metric("quality.rows", "row count", better="near", source="Rows over real rows")
    ... def rows(frames):
    ...     return Score(frames.synthetic.rows / frames.truth.rows, "About as many rows.")

Everything is imported when it is first used. The names here stay if they are; the modules that
they come from may move.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from fabula.errors import SinkError, UsageError
from fabula.extensions import Plugin, Register, load_plugins

if TYPE_CHECKING:
    from fabula.engines.families import AbstractFamily
    from fabula.engines.kinds import family_of
    from fabula.evaluation.metrics.frames import Frames
    from fabula.evaluation.metrics.metric import Metric, Score, metric
    from fabula.io.destinations import Destination, Incoming, Loading
    from fabula.io.formats import FileFormat
    from fabula.io.write import Encoder
    from fabula.kinds import column_kind
    from fabula.kinds.base.checks import AbstractCheck, AbstractRowRule
    from fabula.kinds.base.distributions import AbstractDistribution
    from fabula.kinds.base.sql import quoted
    from fabula.kinds.checks import check_kind
    from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest, Message, Usage
    from fabula.llm.client.presets import Interface, Provider
    from fabula.pii.detector import Detector
    from fabula.privacy.notes.detectors import Span
    from fabula.privacy.notes.entries import TextDetector
    from fabula.spec.models import ModelSpec
    from fabula.spec.training_formats import TrainingFormat
    from fabula.synthesizers.entry import SynthesizerEntry, option
    from fabula.synthesizers.model import CellColumn, CodeModel, Drawn, State
    from fabula.training.conversations import Conversation, Unfit
    from fabula.training.examples import Example
    from fabula.training.lines import Line
    from fabula.training.turns import Turn

__all__ = [
    "AbstractCheck",
    "AbstractDistribution",
    "AbstractFamily",
    "AbstractRowRule",
    "CellColumn",
    "ChatModel",
    "ChatReply",
    "ChatRequest",
    "CodeModel",
    "Conversation",
    "Destination",
    "Detector",
    "Drawn",
    "Encoder",
    "Example",
    "FileFormat",
    "Frames",
    "Incoming",
    "Interface",
    "Line",
    "Loading",
    "Message",
    "Metric",
    "ModelSpec",
    "Plugin",
    "Provider",
    "Score",
    "SinkError",
    "Span",
    "State",
    "SynthesizerEntry",
    "TextDetector",
    "TrainingFormat",
    "Turn",
    "Unfit",
    "Usage",
    "check_kind",
    "column_kind",
    "family_of",
    "load_plugins",
    "metric",
    "option",
    "quoted",
    "register",
    "registers",
]

_HOMES = {
    "AbstractCheck": "fabula.kinds.base.checks",
    "AbstractDistribution": "fabula.kinds.base.distributions",
    "AbstractFamily": "fabula.engines.families",
    "AbstractRowRule": "fabula.kinds.base.checks",
    "CellColumn": "fabula.synthesizers.model",
    "ChatModel": "fabula.llm.client.chat",
    "ChatReply": "fabula.llm.client.chat",
    "ChatRequest": "fabula.llm.client.chat",
    "CodeModel": "fabula.synthesizers.model",
    "Conversation": "fabula.training.conversations",
    "Destination": "fabula.io.destinations",
    "Detector": "fabula.pii.detector",
    "Drawn": "fabula.synthesizers.model",
    "Encoder": "fabula.io.write",
    "Example": "fabula.training.examples",
    "FileFormat": "fabula.io.formats",
    "Frames": "fabula.evaluation.metrics.frames",
    "Incoming": "fabula.io.destinations",
    "Interface": "fabula.llm.client.presets",
    "Line": "fabula.training.lines",
    "Loading": "fabula.io.destinations",
    "Message": "fabula.llm.client.chat",
    "Metric": "fabula.evaluation.metrics.metric",
    "ModelSpec": "fabula.spec.models",
    "Provider": "fabula.llm.client.presets",
    "Score": "fabula.evaluation.metrics.metric",
    "SinkError": "fabula.errors",
    "Span": "fabula.privacy.notes.detectors",
    "State": "fabula.synthesizers.model",
    "SynthesizerEntry": "fabula.synthesizers.entry",
    "TextDetector": "fabula.privacy.notes.entries",
    "TrainingFormat": "fabula.spec.training_formats",
    "Turn": "fabula.training.turns",
    "Unfit": "fabula.training.conversations",
    "Usage": "fabula.llm.client.chat",
    "check_kind": "fabula.kinds.checks",
    "column_kind": "fabula.kinds",
    "family_of": "fabula.engines.kinds",
    "metric": "fabula.evaluation.metrics.metric",
    "option": "fabula.synthesizers.entry",
    "quoted": "fabula.kinds.base.sql",
}
"""Where each name lives."""

_REGISTERS = {
    "Metric": "fabula.evaluation.metrics.metric:METRICS",
    "SynthesizerEntry": "fabula.synthesizers.catalogue:SYNTHESIZERS",
    "Provider": "fabula.llm.client.presets:PROVIDERS",
    "FileFormat": "fabula.io.formats:FILE_FORMATS",
    "Destination": "fabula.io.destinations:DESTINATIONS",
    "Detector": "fabula.pii.kinds:DETECTORS",
    "TextDetector": "fabula.privacy.notes.entries:TEXT_DETECTORS",
    "TrainingFormat": "fabula.spec.training_formats:TRAINING_FORMATS",
}
"""The register of each class of entries.

Column kinds and checks are classes, registered by `column_kind` and `check_kind`.
"""

_CLASSES = ("fabula.kinds:KINDS", "fabula.kinds.checks:CHECKS")
"""The registers of classes."""

EntryT = TypeVar("EntryT")


def register(entry: EntryT) -> EntryT:
    """Register an entry of any sort and return it, so that this works as a decorator.

    Raises:
        UsageError: It is not an entry, its name is taken, or it lacks a part.
    """
    place = _REGISTERS.get(type(entry).__name__)
    if place is None:
        raise UsageError(
            f"{entry!r} is not an entry",
            code="extension.no-entry",
            hint=f"register a {', '.join(_REGISTERS)}",
        )
    _register(place).add(entry)
    return entry


def registers() -> list[Register[Any]]:
    """Every register, for listings."""
    return [_register(place) for place in (*_CLASSES, *_REGISTERS.values())]


def _register(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `fabula.extending` has no attribute `{name}`")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
