"""Identifiers: never learned, newly generated for every sampled row.

A number continues after the largest real one, held-out rows included; a text follows the form of
the real ones, and a bitmap of hashes (`taken.py`) keeps it apart from them. No real identifier is
kept or comes back, so that a sampled table can't be joined with the real one. Where a type has no
larger numbers left, smaller ones are used; plain counters from 0 or 1, which say nothing of
anyone, start again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.fakers.regex import compile_pattern
from fabula.fakers.uuids import draw_uuids
from fabula.inference.arrays import guess_array
from fabula.inference.guesses import words
from fabula.io.arrays import array_of, whole_numbers
from fabula.kinds.pattern import Pattern
from fabula.kinds.uuid import Uuid
from fabula.relationships.key_names import named_as_key
from fabula.streams import Permutation
from fabula.synthesizers.codecs.categories import plain_values
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Target, not_given
from fabula.synthesizers.codecs.natural import means_a_year
from fabula.synthesizers.codecs.taken import Taken, tries
from fabula.synthesizers.model import CellColumn, Weights

DENSE_ROWS = 50
"""Differing numbers without gaps are a key among more rows than this; fewer are where they count
the rows in their order."""

FIRST_COUNT = 5
"""Below this number a count of rows starts, of which the first may be held out."""

_ROW_NUMBERS = ("column_1", "index", "idx", "row", "rowname", "rownames", "obs", "unnamed_0")
"""Names of columns that number rows, also where some rows are left out; the first is that of a
column without one."""

ANY_TEXT = "[A-Z]{2}[0-9]{8}"
"""The form of new keys where the real ones have none."""

FREE = 4
"""Codes of one width keep it where that many times as many are possible as there are."""

SHORTEST, WITH_DIGIT = 16, 0.9
"""Hashes and random identifiers have that many characters, and this share of them has a digit."""

LONGEST_CODE = 8
_SORTS = ("[0-9]+", "[A-Z]+", "[a-z]+", "[0-9A-Z]+", "[0-9a-z]+", "[A-Za-z]+", "[0-9A-Za-z]+")
"""Codes of that many characters at most keep their form, each character one of these sorts."""

_RANK_LIMIT = 2**62
_FEW_TRIES = 3
_SCANNED = 2**20
"""Up to this number of texts, all are compared with the real keys."""


@dataclass(frozen=True)
class KeyCodec:
    """A column of identifiers.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        rows: Training rows.
        start: The first new number, for numbers and for texts around one.
        step: The distance of two numbers.
        around: What precedes and after the number of a text.
        width: Digits of that number, at least.
        regex: The form of other texts; empty for UUIDs.
        low: The smallest real number.
        counter: Whether the real numbers count rows from 0 or 1.
        taken: The bitmap of real keys of a form, as `Taken` writes it.
        tries: From how many texts of the form each new key is chosen.
    """

    name: str
    type: pa.DataType
    rows: int
    start: int = 1
    step: int = 1
    around: tuple[str, str] = ("", "")
    width: int = 0
    regex: str = ""
    low: int = 0
    counter: bool = False
    taken: str = ""
    tries: int = 1

    @classmethod
    def learn(cls, name: str, values: pa.Array) -> KeyCodec | None:
        """The key that a column is, or None if it is none."""
        kind = values.type
        numbers, text = whole_numbers(values), _is_text(kind)
        if not (numbers is not None or text) or len(values) < 3 or values.null_count:
            return None
        if pc.count_distinct(values).as_py() < len(values) or means_a_year(name, values):
            return None
        if numbers is not None:
            return _number_key(name, numbers, kind)
        if (numbered := _numbered_key(name, values)) is not None:
            return numbered
        chunked = pa.chunked_array([values])
        column = guess_array(name, chunked, owner="", beside=frozenset()).column
        if isinstance(column, Uuid):
            return cls(name, kind, len(values))
        if isinstance(column, Pattern) and column.unique:
            return _formed_key(name, values, column.regex)
        regex = _random_form(values)
        return None if regex is None else _formed_key(name, values, regex)

    @classmethod
    def always(cls, name: str, values: pa.Array) -> KeyCodec:
        """How new values of a column that is known to be a key are made."""
        found = cls.learn(name, plain_values(values).drop_null().unique())
        if found is not None:
            return replace(found, type=values.type)
        if _is_number(values.type):
            least, largest = pc.min(values).as_py() or 0, pc.max(values).as_py() or 0
            step = _apart(values.type, int(largest))
            start = int(largest) + step
            return cls(name, values.type, len(values), start=start, step=step, low=int(least))
        known = plain_values(values).drop_null()
        return _formed_key(name, known, _letter_form(known) or ANY_TEXT, values.type)

    @property
    def cells(self) -> CellColumn:
        """One cell: a key tells a model nothing."""
        return CellColumn(self.name, np.array([self.rows]), ordered=False, missing=False)

    @property
    def meets_real_ones(self) -> bool:
        """Whether new identifiers are likely to meet some of the real ones."""
        return bool(self.regex) and self.tries <= _FEW_TRIES and self._unused is None

    @property
    def about(self) -> str:
        """What was made of the column."""
        if _is_number(self.type) and not self.regex:
            return f"key: newly generated from {self.start}"
        if self.width:
            return f"key: newly generated from {self._texts(np.array([self.start]))[0]}"
        told = "; so few that real ones may recur" if self.meets_real_ones else ""
        return f"key: newly generated as {self.regex or 'UUID'}{told}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """Zeros."""
        return np.zeros(len(values), np.int32)

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """New identifiers, which differ from row to row by the rows' numbers."""
        del codes, wanted
        if _is_number(self.type) and not self.regex:
            beyond = pa.types.is_floating(self.type)  # ids past 2^53, whose steps are floats, too
            return pa.array(self._numbers(places.numbers)).cast(self.type, safe=not beyond)
        if self.width:
            return self._texts(self.start + places.numbers).cast(self.type)
        if not self.regex:
            return draw_uuids(places.rng, len(places.numbers)).cast(self.type)
        return self._formed(places).cast(self.type)

    def weights(self, wanted: Target) -> Weights:
        """Identifiers can't be asked for."""
        del wanted
        raise not_given(self.name, "is a key, which is newly generated for each row", "given.key")

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        settings = {
            "rows": self.rows,
            "start": self.start,
            "step": self.step,
            "around": self.around,
            "width": self.width,
            "regex": self.regex,
            "low": self.low,
            "counter": self.counter,
            "taken": self.taken,
            "tries": self.tries,
        }
        return CodecState("key", settings)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> KeyCodec:
        """The codec of a state."""
        settings = {**state.settings, "around": tuple(state.settings["around"])}
        return cls(name, kind, **settings)

    def _numbers(self, numbers: NDArray[np.int64]) -> NDArray[np.integer]:
        """Numbers above the real ones; below them where the type has no more."""
        whole = self.type if pa.types.is_integer(self.type) else pa.int64()
        limits = np.iinfo(whole.to_pandas_dtype())
        above = max((int(limits.max) - self.start) // self.step + 1, 0)
        least = min(int(limits.min), 0) if self.low < 0 else 0
        below = (self.start - self.low if self.counter else self.low - least) // self.step
        if len(numbers) and int(numbers.max()) >= above + below:
            raise self._too_few(above + below, f"{whole} has left alongside the real ones")
        kind = np.uint64 if pa.types.is_unsigned_integer(whole) else np.int64
        steps = numbers.astype(kind) * kind(self.step)
        over = numbers >= above
        if not over.any():
            return steps + kind(self.start)
        again = (numbers[over] - above).astype(kind) * kind(self.step)
        found = np.where(over, kind(0), steps) + kind(self.start if above else 0)
        found[over] = again + kind(self.low) if self.counter else kind(self.low - self.step) - again
        return found

    def _formed(self, places: Places) -> pa.Array:
        """Texts of the form; each is the first of some that is not a real key."""
        pattern = compile_pattern(self.regex)
        if (unused := self._unused) is not None:
            if len(places.numbers) and int(places.numbers.max()) >= len(unused):
                raise self._too_few(len(unused), f"have its form {self.regex}")
            order = Permutation(len(unused), places.seed, "synthesizer", self.name)
            return pattern.at(unused[order(places.numbers)])
        size = min(pattern.size or 0, _RANK_LIMIT) // self.tries
        if len(places.numbers) and int(places.numbers.max()) >= size:
            raise self._too_few(size, f"have its form {self.regex}")
        shuffled = Permutation(size * self.tries, places.seed, "synthesizer", self.name)
        taken = Taken.read(self.taken) if self.taken else None
        found = pattern.at(shuffled(places.numbers))
        for turn in range(1, self.tries):
            again = np.flatnonzero(taken(found)) if taken else np.zeros(0, int)
            if not len(again):
                break
            others = pattern.at(shuffled(places.numbers[again] + turn * size))
            picked = np.arange(len(found))
            picked[again] = len(found) + np.arange(len(again))
            found = pa.concat_arrays([found, others]).take(array_of(picked))
        return found

    @property
    def _unused(self) -> NDArray[np.int64] | None:
        """The places of unused texts, where forms are short and leave enough."""
        size = compile_pattern(self.regex).size or _RANK_LIMIT
        if not self.taken or self.tries > _FEW_TRIES or size > _SCANNED:
            return None
        unused = _places_unused(self.regex, self.taken)
        return unused if len(unused) >= FREE * self.rows else None

    def _too_few(self, size: int, why: str) -> UsageError:
        return UsageError(
            f"only {size:,} different values of `{self.name}` {why}",
            code="sample.too-few-keys",
            where=self.name,
            hint="ask for fewer rows",
        )

    def _texts(self, numbers: NDArray[np.int64]) -> pa.Array:
        padded = pc.utf8_lpad(array_of(numbers).cast(pa.string()), self.width, "0")
        return pc.binary_join_element_wise(self.around[0], padded, self.around[1], "")


@lru_cache(maxsize=8)
def _places_unused(regex: str, taken: str) -> NDArray[np.int64]:
    pattern = compile_pattern(regex)
    every = np.arange(pattern.size or 0, dtype=np.int64)
    return every[~Taken.read(taken)(pattern.at(every))]


def _numbered_key(name: str, values: pa.Array) -> KeyCodec | None:
    """A key where all texts are the same but for one number of as many digits."""
    parts = pc.extract_regex(values, r"^(?P<front>\D*)(?P<number>\d{1,18})(?P<back>\D*)$")
    if parts.null_count:
        return None
    front, number, back = parts.flatten()
    widths = pc.unique(pc.utf8_length(number))
    if max(len(pc.unique(front)), len(pc.unique(back)), len(widths)) > 1:
        return None
    start, width = pc.max(number.cast(pa.int64())).as_py() + 1, widths[0].as_py()
    if start + len(values) > 10**width:  # those after the last would have a digit more
        return None
    around = front[0].as_py(), back[0].as_py()
    return KeyCodec(name, values.type, len(values), start=start, around=around, width=width)


def _random_form(values: pa.Array) -> str | None:
    """The form of hashes and random identifiers: long words of one length, most with a digit."""
    lengths = pc.unique(pc.utf8_length(values)).to_pylist()
    if len(lengths) > 1 or lengths[0] < SHORTEST:
        return None
    digits = pc.mean(pc.match_substring_regex(values, r"\d")).as_py()
    for letters in ("0-9a-f", "0-9A-F", "0-9a-z", "0-9A-Z", "0-9A-Za-z"):
        if (
            digits > WITH_DIGIT
            and pc.all(pc.match_substring_regex(values, f"^[{letters}]+$")).as_py()
        ):
            return f"[{letters}]{{{lengths[0]}}}"
    return None


def _letter_form(values: pa.Array) -> str | None:
    """The form of short codes of one length, letter by letter, where it leaves enough of them."""
    texts = values.to_pylist() if _is_text(values.type) and len(values) <= _SCANNED else []
    if len({len(text) for text in texts}) != 1 or len(texts[0]) > LONGEST_CODE:
        return None
    parts = [next((sort for sort in _SORTS if re.fullmatch(sort, "".join(letters))), None)
             for letters in zip(*texts, strict=True)]  # fmt: skip
    if None in parts:
        return None
    form = "".join(sort.removesuffix("+") for sort in parts if sort)
    size = compile_pattern(form).size or 0
    return form if size >= FREE * len(texts) else None


def _formed_key(name: str, keys: pa.Array, regex: str, kind: pa.DataType | None = None) -> KeyCodec:
    """A key of texts of one form, which keeps apart from the real ones."""
    size = min(compile_pattern(regex).size or 0, _RANK_LIMIT)
    return KeyCodec(
        name,
        kind or keys.type,
        len(keys),
        regex=regex,
        taken=str(Taken.of(keys)) if len(keys) else "",
        tries=tries(size, len(keys)),
    )


def _is_number(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(test(kind) for test in tests)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _apart(kind: pa.DataType, largest: int) -> int:
    """The least distance of new numbers: for large floats more than 1, or two would be the same."""
    if not pa.types.is_floating(kind):
        return 1
    return max(int(np.spacing(kind.to_pandas_dtype()(4.0 * abs(largest)))), 1)


def _number_key(name: str, values: pa.Array, kind: pa.DataType) -> KeyCodec | None:
    """A key where differing numbers are named so, or leave next to no gaps."""
    numbers = np.sort(values.to_numpy())
    span = int(numbers[-1]) - int(numbers[0])
    word = words(name)
    named = word in ("id", "key", "pk") or word.endswith("_id") or named_as_key(name)
    steps = np.diff(numbers.astype(np.uint64 if numbers[0] >= 0 else np.int64))
    even = bool((steps == steps[0]).all())
    close = span < 2 * len(numbers)
    ordered = bool((values.to_numpy() == numbers).all())
    counts = ordered and close and 0 <= numbers[0] < FIRST_COUNT
    named |= ordered and word in _ROW_NUMBERS
    dense = counts or (len(numbers) > DENSE_ROWS and (close or even))
    if not named and not dense:
        return None
    least = _apart(kind, int(numbers[-1]))
    step = -(-int(steps[0]) // least) * least if even else least
    low, start = int(numbers[0]), int(numbers[-1]) + step
    counter = step == 1 and low in (0, 1)
    width = len(str(low))
    grows = low > 0 and width == len(str(start - step)) < len(str(start + step * len(numbers)))
    if grows and not dense and 9 * 10 ** (width - 1) >= FREE * len(numbers):  # codes keep it
        return _formed_key(name, values.cast(pa.string()), rf"[1-9]\d{{{width - 1}}}", kind)
    return KeyCodec(name, kind, len(numbers), start=start, step=step, low=low, counter=counter)
