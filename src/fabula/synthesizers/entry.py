"""A synthesizer is one entry: its model, its options, what it needs, and when to choose it.

An entry is light, so that names and options are known without an import of the model. The model is
a class that follows `CodeModel`; `model` names it as `module:Class`, or is the class itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fabula.errors import PrerequisiteError, UsageError, did_you_mean

if TYPE_CHECKING:
    from fabula.synthesizers.model import CodeModel


def option(default: float, told: str, *, low: float, high: float) -> Any:
    """A field of a dataclass of options.

    Args:
        default: Its usual value; a whole number where only whole ones have a meaning.
        told: What it does.
        low: Its least value.
        high: Its largest value.
    """
    return field(default=default, metadata={"told": told, "low": low, "high": high})


@dataclass(frozen=True)
class NoOptions:
    """A model that has no options."""


@dataclass(frozen=True)
class SynthesizerEntry:
    """Everything known about one synthesizer.

    Attributes:
        name: What users call it.
        title: Its name in the field's words.
        choose: When to choose it, in a sentence.
        source: Where the method comes from.
        model: The class of the model, or where it is: `module:Class`.
        options: A frozen dataclass; each field is an `option`.
        extra: The extra that fitted models need to sample; empty for none.
        learner: The module that the fit alone needs; empty if that is the model's own.
        learner_extra: The extra that this module needs.
        is_network: Whether it trains so long that one more minute to measure its rows is little.
    """

    name: str
    title: str
    choose: str
    source: str
    model: str | type[CodeModel]
    options: type[Any] = NoOptions
    extra: str = ""
    learner: str = ""
    learner_extra: str = ""
    is_network: bool = False

    @property
    def example(self) -> str:
        """A command that learns with it."""
        return f"fabula fit DATA --model {self.name} -o model.fabula"

    def model_class(self) -> type[CodeModel]:
        """The class of the model, to sample from a fitted one.

        Raises:
            PrerequisiteError: An extra that it needs is not installed.
        """
        if not isinstance(self.model, str):
            return self.model
        module, _, name = self.model.partition(":")
        found: type[CodeModel] = getattr(self._imported(module, self.extra), name)
        return found

    def learning_class(self) -> type[CodeModel]:
        """The class of the model, to fit it.

        Raises:
            PrerequisiteError: An extra that its fit needs is not installed.
        """
        found = self.model_class()
        if self.learner:
            self._imported(self.learner, self.learner_extra)
        return found

    def check_options(self, options: Mapping[str, Any], also: Collection[str] = ()) -> None:
        """Refuse options that the model does not have, and values that they can't have.

        Args:
            options: What was given.
            also: Options of the caller's own, one of which may be meant.

        Raises:
            UsageError: An option is unknown, of another type, or out of range.
        """
        known = {item.name: item for item in fields(self.options)}
        for name, value in options.items():
            if name not in known:
                raise UsageError(
                    f"synthesizer `{self.name}` has no option `{name}`",
                    code="usage.unknown-option",
                    hint=did_you_mean(name, {*known, *also} - {name})
                    or (f"its options: {', '.join(known)}" if known else "it has no options"),
                )
            _check_value(known[name], value)

    def _imported(self, module: str, extra: str) -> ModuleType:
        try:
            return import_module(module)
        except ImportError as exc:
            needed_by = f"synthesizer `{self.name}`"
            if extra:
                raise PrerequisiteError.for_extra(extra, needed_by=needed_by) from exc
            raise PrerequisiteError(
                f"{needed_by} can't be imported: {exc}", code="prerequisite.synthesizer"
            ) from exc


def lack(name: str, entry: SynthesizerEntry) -> str | None:
    """What an entry lacks, in words; None if it is complete."""
    if name != entry.name:
        return f"calls itself `{entry.name}`"
    for part in ("title", "choose", "source"):
        if not getattr(entry, part).strip():
            return f"has no `{part}`"
    for item in fields(entry.options):
        if item.default is MISSING or not {"told", "low", "high"} <= item.metadata.keys():
            return f"has an option `{item.name}` without default, bounds or meaning: use `option`"
    return None


def _check_value(item: Field[Any], value: Any) -> None:
    whole = isinstance(item.default, int)
    low, high = item.metadata["low"], item.metadata["high"]
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise UsageError(
            f"option `{item.name}` must be a {'whole ' * whole}number from {low:g} to {high:g},"
            f" not {value!r}",
            code="usage.bad-option",
            hint=f"leave `{item.name}` out for its usual value",
        )
