r"""Strings that match a regular expression, millions a second.

`compile_pattern` turns an expression into a `Pattern` in three steps: syntax (`regex_syntax`),
counting (`regex_count`) and byte tables (`regex_tables`).

What is understood: literals (any Unicode), classes, ranges, `\d` `\w` `\s`, `.`, groups,
alternation, `{m,n}` `?` `*` `+`, the flag `(?i)`. Negated classes and `.` mean printable ASCII,
`\s` a space. Unbounded repeats stop at eight more than their minimum. Anchors are ignored at the
ends, if they hold anyway. Whatever depends on its surroundings is refused: look-around, word
boundaries, back-references, conditional and atomic groups, possessive repeats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.joining import number_array
from fabula.fakers.regex_count import count_distinct
from fabula.fakers.regex_syntax import Node, PatternError, parse
from fabula.fakers.regex_tables import (
    RANK_LIMIT,
    Compiler,
    Drawn,
    Ranked,
    Shape,
    rows_at_once,
    strings,
)

__all__ = ["Pattern", "PatternError", "compile_pattern"]

_ENUMERABLE = 2**20
"""Ambiguous patterns up to this many ways to draw are listed to be numbered."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """A regular expression, ready to draw from.

    Every decision is equally likely: a character of a class, a branch, a number of repeats.
    """

    regex: str
    _root: Node = field(repr=False)
    _shape: Shape = field(repr=False)

    def draw(self, rng: np.random.Generator, n: int) -> pa.StringArray:
        """Draw `n` matching strings."""
        step = rows_at_once(self._shape)
        sizes = [min(step, n - start) for start in range(0, n, step)] or [0]
        return _joined([strings(self._shape, size, Drawn(rng, size)) for size in sizes])

    @cached_property
    def size(self) -> int | None:
        """The number of distinct strings; None if the expression is too tangled to count."""
        return count_distinct(self._root)

    @property
    def has_index(self) -> bool:
        """Whether `at` can number the strings.

        It can whenever each string is drawn in one way only, and for ambiguous expressions
        (`[a-z]+[a-z0-9]*`) of up to a million ways to draw.
        """
        listable = self._shape.size <= _ENUMERABLE
        return self.size is not None and (self.size == self._shape.size or listable)

    def at(self, index: NDArray[np.integer]) -> pa.StringArray:
        """The strings with these numbers: different numbers give different strings.

        Numbers run from 0 to `size - 1`, or to `2**62 - 1` if there are more strings than that;
        then `at` reaches only some of them, spread over all. Below that limit it is a bijection.

        Raises:
            ValueError: A number is out of range, or `has_index` is false.
        """
        if self.size is None or not self.has_index:
            raise ValueError(f"the strings of `{self.regex}` can't be numbered")
        bound = min(self.size, RANK_LIMIT)
        if len(index) and (int(index.min()) < 0 or int(index.max()) >= bound):
            raise ValueError(f"`{self.regex}` numbers its strings from 0 to {bound - 1}")
        if self.size != self._shape.size:
            return self._listed.take(number_array(index.astype(np.int64)))
        step = rows_at_once(self._shape)
        ranks = index.astype(np.uint64)
        slices = [ranks[start : start + step] for start in range(0, len(ranks), step)] or [ranks]
        return _joined([strings(self._shape, len(part), Ranked(part, bound)) for part in slices])

    @cached_property
    def _listed(self) -> pa.StringArray:
        ranks = np.arange(self._shape.size, dtype=np.uint64)
        return pc.unique(strings(self._shape, len(ranks), Ranked(ranks, self._shape.size)))


@lru_cache(maxsize=256)
def compile_pattern(regex: str) -> Pattern:
    """Prepare a regular expression for drawing.

    Raises:
        PatternError: It is malformed, or can't be drawn from; says where and why.

    Examples:
        >>> import numpy as np
        >>> pattern = compile_pattern("[A-C]{2}-[0-9]")
        >>> pattern.size
        90
        >>> pattern.at(np.array([0, 89])).to_pylist()
        ['AA-0', 'CC-9']
    """
    try:
        root = parse(regex)
        return Pattern(regex, root, Compiler().shape(root))
    except RecursionError as error:
        raise PatternError("the groups are nested too deeply", regex) from error


def _joined(arrays: list[pa.StringArray]) -> pa.StringArray:
    return arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays)
