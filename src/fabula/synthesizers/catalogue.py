"""The synthesizers by name. An entry is light; its model is imported when it is first used."""

from __future__ import annotations

from typing import Any, TypeAlias

from fabula.errors import UsageError
from fabula.extensions import Register
from fabula.lookup import entry_of
from fabula.synthesizers.entry import SynthesizerEntry, lack

SynthesizerLike: TypeAlias = str | SynthesizerEntry
"""The name of a synthesizer, or a synthesizer itself."""

DEFAULT = "boosted"
"""What `auto` means."""


class Synthesizers(Register[SynthesizerEntry]):
    """The synthesizers by name."""

    def add(self, entry: SynthesizerEntry) -> SynthesizerEntry:
        """Register a synthesizer under its name."""
        return self.register(entry.name, entry)


SYNTHESIZERS = Synthesizers(
    "synthesizer",
    home="fabula.synthesizers.entries",
    order=lambda name, _: (name != DEFAULT, name),
    lacks=lack,
)
"""Every synthesizer, the default one first."""


def synthesizer_entry(model: SynthesizerLike) -> SynthesizerEntry:
    """The entry of a synthesizer by name; one of the caller's own is registered.

    Raises:
        UsageError: There is no such synthesizer, or it lacks a part.
    """
    if isinstance(model, SynthesizerEntry):
        known = model.name in SYNTHESIZERS and SYNTHESIZERS[model.name] == model
        return model if known else SYNTHESIZERS.add(model)
    if not isinstance(model, str):
        raise UsageError(
            f"{model!r} is not a synthesizer",
            code="usage.unknown-synthesizer",
            hint="name one, such as `copula`, or pass a `SynthesizerEntry`",
        )
    return entry_of(SYNTHESIZERS, model, code="usage.unknown-synthesizer")


def check_seed(seed: Any) -> None:
    """Refuse what is not a seed.

    Raises:
        UsageError: It is not a whole number.
    """
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise UsageError(
            f"`seed` must be a whole number, not {seed!r}", code="usage.seed", hint="seed=1"
        )
