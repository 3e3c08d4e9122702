"""Columns of which nothing is learned but their form: texts, names of things, few rows, binaries.

=======  ==================================================================================
`kept`   the real values: names in a small table that many rows point at, in another order, or each
         beside its key where that is kept, too
`names`  words and digits put together as the real ones are: `12 boxes`, `Blue Harbour`
`text`   sentences of common words, as long as the real ones
`blob`   random characters or bytes
`drawn`  known places and values that many rows have, at their shares
`even`   numbers and times spread evenly over a range that is rounded outwards
=======  ==================================================================================
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text, plain_type
from fabula.io.written.columns import written_digits, written_form
from fabula.io.written.time_forms import TimeForm
from fabula.synthesizers.codecs.categories import CategoryCodec, are_regions, plain_values
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Target, not_given
from fabula.synthesizers.codecs.made_words import common_words, filled, form_of_part, sentences
from fabula.synthesizers.model import CellColumn, Weights
from fabula.synthesizers.pii.sieve import Sieve

TOLD = {
    "kept": "real names, kept in another order: {rows:,} rows of a table that many rows point at",
    "beside": "real names, each beside its `{key}`",
    "names": "newly generated words in the form of the real ones",
    "text": "newly generated sentences of common words, as long as the real texts; no real one",
    "blob": "random {unit} in place of the real ones, {most} at most",
    "drawn": "values of public lists and of many rows, at their shares",
    "even": "drawn evenly from {low} to {high}",
}

LONG, SENTENCE = 60, 6
"""Texts are sentences where they are longer than that on average, or have more words than that."""

_MOST_BLOB, _FORMS, _TRIES = 256, 64, 20
_TOKEN = re.compile(r"\d+|[^\W\d_]+|.", re.DOTALL)
_HEX = re.compile(r"(0x)?[0-9A-Fa-f]{32,}")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DAY = 86_400_000_000


@dataclass(frozen=True, eq=False)
class StandInCodec:
    """A column that is made in the form of the real one.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        how: Its form, one of the above.
        counts: Training rows that have a value, and that lack it where some do.
        settings: What is known of the form.
        levels: Real values, where some are kept; else empty.
        weights_of: The rows of each, where they are drawn.
        sieve: What keeps new names from being real ones.
        why: Why nothing else is learned.
    """

    name: str
    type: pa.DataType
    how: str
    counts: NDArray[np.int64]
    settings: Mapping[str, Any] = field(default_factory=dict)
    levels: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    weights_of: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    sieve: Sieve | None = None
    why: str = ""

    @classmethod
    def learn(
        cls, name: str, values: pa.Array, *, protect: int, why: str = ""
    ) -> StandInCodec | None:
        """The form of a column; None for nested values.

        Args:
            name: The column's name.
            values: Its values.
            protect: Values of fewer rows do not come back.
            why: Why nothing else is learned.
        """
        plain = plain_values(values)
        known, kind = plain.drop_null(), plain.type
        counts = np.array([len(known)] + [plain.null_count] * bool(plain.null_count))
        made = cls(name, values.type, "names", counts, why=why)
        if pa.types.is_nested(kind):
            return None
        if not len(known) or pa.types.is_boolean(kind):
            return _drawn(made, known)
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return _blob(made, pc.binary_length(known).to_numpy(zero_copy_only=False), "bytes")
        form = _time_form(known)
        if form is not None:
            return _even(made, form.read(known.cast(pa.string())).drop_null(), form)
        if not is_text(kind):
            return _even(made, known)
        labels = CategoryCodec.learn(name, known, protect=protect)
        short = pc.max(pc.utf8_length(known.cast(pa.string()))).as_py() <= LONG
        repeated = len(labels.levels) < len(known) or are_regions(labels.levels).all()
        if short and not labels.rare and repeated:
            return _drawn(made, known)
        return _texts(made, known)

    @classmethod
    def keeping(cls, name: str, values: pa.Array, *, beside: str = "") -> StandInCodec:
        """The real values of a complete column, in another order or each beside its key."""
        plain = plain_values(values)
        made = _texts(cls(name, values.type, "names", np.array([len(plain)])), plain)
        settings = {**made.settings, "key": beside} if beside else made.settings
        return replace(made, how="kept", levels=plain, settings=settings)

    def named(self, key: NDArray[np.int32]) -> pa.Array:
        """The names beside values of the key, which are given as their places."""
        return self._typed(self.levels.take(array_of(key.astype(np.int64))))

    @property
    def key(self) -> str:
        """The key whose values the names stay beside; empty if they do not."""
        return str(self.settings.get("key", "")) if self.how == "kept" else ""

    @property
    def missing(self) -> bool:
        """Whether some values are missing."""
        return len(self.counts) > 1

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column: whether there is a value."""
        return CellColumn(self.name, self.counts, ordered=False, missing=self.missing)

    @property
    def about(self) -> str:
        """What was made of the column."""
        told = TOLD["beside" if self.key else self.how]
        told = told.format(rows=len(self.levels), **self.settings)
        return f"{told} ({self.why})" if self.why else told

    def encode(self, values: pa.Array) -> CodeColumn:
        """0 for a value, 1 for none."""
        if not self.missing:
            return np.zeros(len(values), np.int32)
        return np.asarray(plain_values(values).is_null().to_numpy(zero_copy_only=False), np.int32)

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """New values."""
        del wanted  # there is a value or none
        size, rng = len(codes), places.rng
        made = getattr(self, f"_{self.how}")(size, rng) if size else pa.nulls(0, pa.string())
        made = pc.if_else(array_of(codes == 0), made, pa.scalar(None, made.type))
        return self._typed(made)

    def weights(self, wanted: Target) -> Weights:
        """Only missing values can be asked for."""
        if wanted == (None,) and self.missing:
            return np.array([0.0, 1.0])
        raise not_given(
            self.name,
            "is made in the form of the real values, which are not learned",
            "given.not-learned",
        )

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        settings = {"how": self.how, "why": self.why, "form": dict(self.settings)}
        sieve = {} if self.sieve is None else {"sieve": self.sieve.marked}
        arrays = {"counts": self.counts, "levels": self.levels, "weights": self.weights_of}
        return CodecState("stand-in", settings, {**arrays, **sieve})

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> StandInCodec:
        """The codec of a state."""
        arrays, told = state.arrays, state.settings
        sieve = Sieve(np.asarray(arrays["sieve"]), words=True) if "sieve" in arrays else None
        counts, weights = np.asarray(arrays["counts"]), np.asarray(arrays["weights"])
        levels = arrays["levels"]
        return cls(
            name, kind, told["how"], counts, told["form"], levels, weights, sieve, told["why"]
        )

    def _kept(self, size: int, rng: np.random.Generator) -> pa.Array:
        order = rng.permutation(len(self.levels))[:size]
        made = self.levels.take(array_of(order)).cast(pa.string())
        more = size - len(order)
        return pa.concat_arrays([made, self._names(more, rng)]) if more else made

    def _names(self, size: int, rng: np.random.Generator) -> pa.Array:
        """Names that differ if the real ones do, none of them a real one as far as is known."""
        made: list[str] = []
        used: set[str] = set()
        left = size
        for _ in range(_TRIES):
            drawn = pa.array(self._named(max(2 * left, 20), rng), pa.string())
            real = np.zeros(len(drawn), bool) if self.sieve is None else self.sieve.stops(drawn)
            for text, stopped in zip(drawn.to_pylist(), real, strict=True):
                if left and not stopped and not (self.settings["differ"] and text in used):
                    used.add(text)
                    made.append(text)
                    left -= 1
            if not left:
                return pa.array(made, pa.string())
        rest = self._named(left, rng)
        return pa.array([*made, *(f"{text} {at}" for at, text in enumerate(rest, 2))], pa.string())

    def _named(self, size: int, rng: np.random.Generator) -> list[str]:
        forms, words = self.settings["forms"], common_words()
        shares = np.array(self.settings["shares"], float)
        chosen = rng.choice(len(forms), size, p=shares / shares.sum())
        return ["".join(filled(part, words, rng) for part in forms[at]) for at in chosen]

    def _text(self, size: int, rng: np.random.Generator) -> pa.Array:
        words, lengths = common_words(), np.array(self.settings["lengths"], float)
        wanted = np.interp(rng.random(size), np.linspace(0, 1, len(lengths)), lengths)
        return pa.array([sentences(round(length), words, rng) for length in wanted], pa.string())

    def _blob(self, size: int, rng: np.random.Generator) -> pa.Array:
        lengths = np.array(self.settings["lengths"], float)
        wanted = np.interp(rng.random(size), np.linspace(0, 1, len(lengths)), lengths).astype(int)
        if self.settings["unit"] == "bytes":
            return pa.array([rng.bytes(length) for length in wanted], pa.binary())
        start, letters = self.settings["start"], self.settings["letters"]
        rows = (rng.integers(0, len(letters), length) for length in wanted)
        return pa.array([start + "".join(letters[at] for at in row) for row in rows], pa.string())

    def _drawn(self, size: int, rng: np.random.Generator) -> pa.Array:
        if not len(self.levels):
            return pa.nulls(size, plain_type(self.type))
        shares = self.weights_of / self.weights_of.sum()
        return self.levels.take(array_of(rng.choice(len(self.levels), size, p=shares)))

    def _even(self, size: int, rng: np.random.Generator) -> pa.Array:
        least, most, step = (self.settings[part] for part in ("least", "most", "step"))
        steps = max(math.floor((most - least) / step + 1e-9), 1)
        drawn = rng.permutation(steps)[:size] if size <= steps < 1 << 20 else None
        drawn = rng.integers(0, steps, size) if drawn is None else drawn
        form = TimeForm(self.settings["written"]) if "written" in self.settings else None
        kind = plain_type(self.type) if form is None else form.type
        if pa.types.is_temporal(kind):
            times = pa.array(int(least) + drawn * int(step), pa.int64()).cast(_micro(kind))
            return times if form is None else form.write(times.cast(kind))
        values = least + drawn * step
        decimals = self.settings["decimals"]
        return pa.array(np.round(values, decimals) if decimals is not None else values)

    def _typed(self, values: pa.Array) -> pa.Array:
        kind = plain_type(self.type)
        if pa.types.is_integer(kind) and pa.types.is_floating(values.type):
            values = pc.round(values)
        values = values.cast(kind, safe=False)
        if isinstance(self.type, pa.DictionaryType):
            values = values.dictionary_encode().cast(self.type)
        return values


def _drawn(made: StandInCodec, known: pa.Array) -> StandInCodec:
    counted = known.value_counts()
    rows = counted.field("counts").to_numpy()
    return replace(made, how="drawn", levels=counted.field("values"), weights_of=rows)


def _texts(made: StandInCodec, known: pa.Array) -> StandInCodec:
    texts = known.cast(pa.string())
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    spaces = pc.count_substring(texts, " ").to_numpy(zero_copy_only=False)
    if lengths.mean() > LONG and not (spaces > 0).mean() > 0.5:
        return _blob(made, lengths, "characters", texts)
    differ = pc.count_distinct(texts).as_py() == len(texts)
    if lengths.mean() > LONG or spaces.mean() >= SENTENCE:
        quantiles = np.quantile(lengths, np.linspace(0, 1, 21)).round().tolist()
        return replace(made, how="text", settings={"lengths": quantiles})
    forms = Counter(
        tuple(map(form_of_part, _TOKEN.findall(text))) for text in texts.to_pylist() if text
    )
    common = forms.most_common(_FORMS) or [(("Ww",), 1)]
    form: dict[str, Any] = {
        "forms": [list(parts) for parts, _ in common],
        "shares": [rows for _, rows in common],
        "differ": differ,
    }
    return replace(made, settings=form, sieve=Sieve.of(pc.unique(texts), words=True))


def _blob(
    made: StandInCodec, lengths: NDArray[np.int64], unit: str, texts: pa.Array | None = None
) -> StandInCodec:
    quantiles = np.quantile(lengths, np.linspace(0, 1, 5)).clip(1, _MOST_BLOB).round()
    form: dict[str, Any] = {"lengths": quantiles.tolist(), "unit": unit, "most": _MOST_BLOB}
    if texts is not None:
        hexadecimal = [_HEX.fullmatch(text) for text in texts.slice(0, 100).to_pylist()]
        start = "0x" if all(found and found[1] for found in hexadecimal) else ""
        form |= {"start": start, "letters": "0123456789ABCDEF" if all(hexadecimal) else _LETTERS}
        form["lengths"] = (quantiles - len(start)).clip(1).tolist()
    return replace(made, how="blob", settings=form)


def _time_form(known: pa.Array) -> TimeForm | None:
    """How texts or whole numbers write days or points in time; None if they don't."""
    if not (is_text(known.type) or pa.types.is_integer(known.type)):
        return None
    texts = known.cast(pa.string())
    found = written_form(texts) if is_text(known.type) else written_digits(texts)
    form = None if found is None else found.form
    return form if isinstance(form, TimeForm) and form.is_point else None


def _even(made: StandInCodec, known: pa.Array, written: TimeForm | None = None) -> StandInCodec:
    """Numbers or times from a rounded least one to a rounded largest one, on their own grid.

    Args:
        made: The codec so far.
        known: The values.
        written: How texts or whole numbers write these times.
    """
    kind = known.type
    form: dict[str, Any]
    if pa.types.is_temporal(kind):
        ticks = known.cast(_micro(kind)).cast(pa.int64()).to_numpy(zero_copy_only=False)
        grid = next(
            step
            for step in (_DAY, _DAY // 24, 60_000_000, 1_000_000, 1)
            if not (ticks % step).any()
        )
        span = int(ticks.max() - ticks.min())
        step = next(
            size for size in (3_652_425 * _DAY // 10_000, 30 * _DAY, _DAY, grid)
            if span >= 2 * size or size <= grid
        )  # fmt: skip
        least = ticks.min() // step * step // grid * grid
        most = (ticks.max() // step + 1) * step // grid * grid
        ends = [
            pa.scalar(int(end), pa.int64()).cast(_micro(kind)).cast(kind).as_py()
            for end in (least, most - grid)
        ]
        form = {"least": int(least), "most": int(most), "step": grid, "decimals": None}
        form |= {} if written is None else {"written": written.format}
        form |= {"low": str(ends[0]), "high": str(ends[1])}
    else:
        numbers = known.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        numbers = numbers[np.isfinite(numbers)] if np.isfinite(numbers).any() else np.zeros(1)
        decimals = next(
            (at for at in range(7) if np.allclose(np.round(numbers, at), numbers, atol=1e-9)), 6
        )
        spread = float(np.ptp(numbers)) or abs(float(numbers[0])) or 1.0
        unit = max(10.0 ** math.floor(math.log10(spread)), 10.0**-decimals)
        low, high = (math.floor(end / unit) * unit for end in (numbers.min(), numbers.max() + unit))
        form = {"least": low, "most": high, "step": 10.0**-decimals, "decimals": decimals}
        last = max(high - 10.0**-decimals, low)
        form |= {"low": f"{low:,.{decimals}f}", "high": f"{last:,.{decimals}f}"}
    return replace(made, how="even", settings=form)


def _micro(kind: pa.DataType) -> pa.DataType:
    """The type of whole microseconds of a temporal type."""
    if pa.types.is_duration(kind):
        return pa.duration("us")
    if pa.types.is_time(kind):
        return pa.time64("us")
    return pa.timestamp("us", getattr(kind, "tz", None))
