"""Columns that repeat a newly generated key: a user's name that is the id, an old number kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import array_of, is_text
from fabula.render.amounts import percent
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Target, not_given
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.model import CellColumn, Weights

MOST_OTHER = 0.1
"""The share of the rows, at most, in which a column that repeats a key has another value."""


@dataclass(frozen=True, eq=False)
class CopyCodec:
    """A column that has the value of a new key in all rows, or in nearly all.

    Attributes:
        own: How its other values are made: keys of its own form.
        source: The key.
        share: The share of the rows in which it repeats the key.
    """

    own: KeyCodec
    source: str
    share: float

    @property
    def name(self) -> str:
        """The column's name."""
        return self.own.name

    @property
    def type(self) -> pa.DataType:
        """The column's Arrow type."""
        return self.own.type

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column: nothing."""
        return self.own.cells

    @property
    def about(self) -> str:
        """What was made of the column."""
        part = "" if self.share == 1 else f" in {percent(self.share)} of the rows"
        return f"repeats `{self.source}`{part}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Nothing is learned of the values."""
        return self.own.encode(values)

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """Values of its own, for the rows that do not repeat the key."""
        return self.own.decode(codes, places, wanted)

    def repeated(
        self, values: pa.ChunkedArray, keys: pa.ChunkedArray, rng: np.random.Generator
    ) -> pa.ChunkedArray:
        """The values of `decode` with those of the key in their share of the rows."""
        copied = keys.cast(self.type)
        if self.share == 1:
            return copied
        return pc.if_else(array_of(rng.random(len(values)) < self.share), copied, values)

    def weights(self, wanted: Target) -> Weights:
        """Keys can't be asked for."""
        del wanted
        raise not_given(
            self.name,
            f"repeats `{self.source}`, which is newly generated for each row",
            "given.key",
        )

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        own = dict(self.own.state().settings)
        return CodecState("copy", {"source": self.source, "share": self.share, "own": own}, {})

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> CopyCodec:
        """The codec of a state."""
        told = state.settings
        own = KeyCodec.restore(name, kind, CodecState("key", told["own"], {}))
        return cls(own, told["source"], told["share"])


def copies_of(table: pa.Table, keys: Sequence[str], names: Sequence[str]) -> dict[str, CopyCodec]:
    """The columns that repeat a new key, each the first one that it does.

    Args:
        table: Rows.
        keys: The keys that are newly generated, in the table's order.
        names: Columns that may repeat one; keys repeat those before them.
    """
    found: dict[str, CopyCodec] = {}
    complete = [name for name in names if len(table) and not table.column(name).null_count]
    for at, key in enumerate(keys):
        if key in found:
            continue
        real = table.column(key)
        texts = real.cast(pa.string())
        for name in complete:
            values = table.column(name)
            alike = is_text(values.type) or pa.types.is_integer(values.type)
            if not alike or name in found or name in keys[: at + 1]:
                continue
            same = values.type == real.type
            equal = pc.equal(*(values, real) if same else (values.cast(pa.string()), texts))
            share = pc.mean(equal).as_py() or 0.0
            if share >= 1 - MOST_OTHER:
                own = KeyCodec.always(name, values.combine_chunks())
                found[name] = CopyCodec(own, key, share)
    return found
