"""Step 1 of 3 of a pattern: a regular expression becomes a tree of characters.

The standard library parses; this module keeps what describes a *finite* set of strings and
refuses the rest. Unbounded repeats end at `UNBOUNDED_EXTRA` more than their minimum.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

# The parser behind `re` has no public name; `sre_parse` is its deprecated alias.
_parser: Any = importlib.import_module("re._parser")

UNBOUNDED_EXTRA = 8
"""`a*` draws up to 8, `a+` up to 9, `a{3,}` up to 11 repeats."""

MAX_CELLS = 100_000
"""The most character positions that the alternatives of one pattern may have together."""

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_DIGITS = "0123456789"
_WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_CATEGORIES = {
    "CATEGORY_DIGIT": _DIGITS,
    "CATEGORY_WORD": _WORD,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "".join(sorted(set(_PRINTABLE) - set(_DIGITS))),
    "CATEGORY_NOT_WORD": "".join(sorted(set(_PRINTABLE) - set(_WORD))),
    "CATEGORY_NOT_SPACE": _PRINTABLE[1:],
}
_REFUSED = {
    "ASSERT": "look-around can't be drawn",
    "ASSERT_NOT": "look-around can't be drawn",
    "GROUPREF": "a back-reference can't be drawn",
    "GROUPREF_EXISTS": "a conditional group can't be drawn",
    "ATOMIC_GROUP": "an atomic group can't be drawn",
    "POSSESSIVE_REPEAT": "a possessive repeat can't be drawn",
    "AT_BOUNDARY": "a word boundary can't be drawn",
    "AT_NON_BOUNDARY": "a word boundary can't be drawn",
}
_TOKEN = re.compile(
    r"(?P<refused>\(\?<?[=!]|\(\?P=|\(\?\(|\(\?>|\\[1-9bB]|(?<=[*+?}])\+)"
    r"|(?P<start>\^|\\A)|(?P<end>\$|\\Z)"
    r"|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.",
    re.DOTALL,
)


class PatternError(ValueError):
    """A regular expression that can't be drawn from.

    Args:
        reason: What is wrong; lower case, no final period.
        regex: The whole expression.
        position: The offending character's place in it, from 0; None if no single place.
    """

    def __init__(self, reason: str, regex: str, position: int | None = None) -> None:
        place = "" if position is None else f" at position {position}"
        super().__init__(f"{reason}{place} in `{regex}`")
        self.reason = reason
        self.regex = regex
        self.position = position


@dataclass(frozen=True, eq=False)
class Chars:
    """One character out of a set."""

    chars: str


@dataclass(frozen=True, eq=False)
class Seq:
    """Parts one after another."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Alt:
    """One of several branches."""

    branches: tuple[Node, ...]


Node: TypeAlias = Chars | Seq | Alt


def parts_of(regex: str) -> Any:
    """The parts of an expression, as the parser behind `re` reads them.

    Nobody is warned of what Python may read differently one day, such as a set within a set.

    Raises:
        re.error: The expression is malformed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return _parser.parse(regex)


def parse(regex: str) -> Node:
    """The strings of `regex` as a tree.

    Raises:
        PatternError: The expression is malformed, or uses what can't be drawn.
    """
    try:
        parsed = parts_of(regex)
    except re.error as error:
        raise PatternError(error.msg, regex, error.pos) from error
    except OverflowError as error:
        raise PatternError("a repeat is too large; give it smaller bounds", regex) from error
    root = _Reader(regex).sequence(parsed, _Context(parsed.state.flags, True, True))
    if _cells(root, {}) > MAX_CELLS:
        raise PatternError("the repeats are too many; give them smaller bounds", regex)
    return root


@dataclass(frozen=True)
class _Context:
    """Where an operation stands: its flags, and whether it touches the string's ends."""

    flags: int
    first: bool
    last: bool


class _Reader:
    """Turns the parser's operations into nodes."""

    def __init__(self, regex: str) -> None:
        self._regex = regex

    def sequence(self, operations: Iterable[tuple[Any, Any]], context: _Context) -> Node:
        items = [(str(name), value) for name, value in operations]
        solid = [number for number, (name, _) in enumerate(items) if name != "AT"]
        first, last = (solid[0], solid[-1]) if solid else (len(items), -1)
        nodes: list[Node] = []
        for number, (name, value) in enumerate(items):
            here = replace(
                context,
                first=context.first and number <= first,
                last=context.last and number >= last,
            )
            if name == "AT":
                self._check_anchor(str(value), here)
            else:
                nodes.append(self._node(name, value, here))
        return nodes[0] if len(nodes) == 1 else Seq(tuple(nodes))

    def _node(self, name: str, value: Any, context: _Context) -> Node:
        match name:
            case "LITERAL":
                return self._chars(chr(value), context)
            case "NOT_LITERAL":
                return self._chars(_without(chr(value), context), context)
            case "ANY":
                return Chars(_PRINTABLE)
            case "IN":
                return self._class(value, context)
            case "BRANCH":
                return Alt(tuple(self.sequence(branch, context) for branch in value[1]))
            case "SUBPATTERN":
                _, added, removed, body = value
                flags = (context.flags | added) & ~removed
                return self.sequence(body, replace(context, flags=flags))
            case "MAX_REPEAT" | "MIN_REPEAT":
                low, high, body = value
                return self._repeat(low, high, body, context)
        reason = _REFUSED.get(name, f"`{name.lower()}` can't be drawn")
        raise PatternError(reason, self._regex, _position(self._regex, "refused"))

    def _check_anchor(self, name: str, context: _Context) -> None:
        """Anchors say nothing if they hold anyway, and can't hold anywhere else."""
        if name in _REFUSED:
            raise PatternError(_REFUSED[name], self._regex, _position(self._regex, "refused"))
        side = "start" if name.startswith("AT_BEGINNING") else "end"
        if not (context.first if side == "start" else context.last):
            reason = f"an anchor away from the {side} can't hold"
            raise PatternError(reason, self._regex, _position(self._regex, side))

    def _repeat(self, low: int, high: Any, body: Sequence[Any], context: _Context) -> Node:
        unbounded = high is _parser.MAXREPEAT
        most = low + UNBOUNDED_EXTRA if unbounded else int(high)
        if (low + most) * (most - low + 1) // 2 > MAX_CELLS:
            raise PatternError("a repeat is too large; give it smaller bounds", self._regex)
        once = most <= 1
        inside = replace(context, first=context.first and once, last=context.last and once)
        child = self.sequence(body, inside)
        counts = tuple(Seq((child,) * count) for count in range(low, most + 1))
        return counts[0] if len(counts) == 1 else Alt(counts)

    def _class(self, items: Sequence[tuple[Any, Any]], context: _Context) -> Chars:
        negated = bool(items) and str(items[0][0]) == "NEGATE"
        chars: set[str] = set()
        for name, value in items[1:] if negated else items:
            match str(name):
                case "LITERAL":
                    chars.add(chr(value))
                case "RANGE":
                    chars.update(map(chr, range(value[0], value[1] + 1)))
                case _:
                    chars.update(_CATEGORIES[str(value)])
        text = "".join(sorted(chars))
        return self._chars(_without(text, context) if negated else text, context)

    def _chars(self, chars: str, context: _Context) -> Chars:
        if context.flags & re.IGNORECASE:
            chars = _both_cases(chars)
        encodable = "".join(char for char in chars if not "\ud800" <= char <= "\udfff")
        if not encodable:
            raise PatternError("a character class matches nothing that can be drawn", self._regex)
        return Chars(encodable)


def _without(chars: str, context: _Context) -> str:
    taken = set(_both_cases(chars) if context.flags & re.IGNORECASE else chars)
    return "".join(char for char in _PRINTABLE if char not in taken)


def _both_cases(chars: str) -> str:
    cases = {case for char in chars for case in (char, char.lower(), char.upper())}
    # `re` compares lower case; a few letters, such as the micro sign, don't come back to it.
    kept = {case for case in cases if len(case) == 1 and (case in chars or case.lower() in cases)}
    return "".join(sorted(kept))


def _position(regex: str, kind: str) -> int | None:
    """The likeliest place of a problem: the last start anchor, or the first of another kind."""
    places = [token.start() for token in _TOKEN.finditer(regex) if token[kind]]
    if not places:
        return None
    return places[-1] if kind == "start" else places[0]


def _cells(node: Node, known: dict[int, int]) -> int:
    """Character positions below a node, shared parts counted once a use."""
    if isinstance(node, Chars):
        return 1
    if id(node) not in known:
        children = node.parts if isinstance(node, Seq) else node.branches
        known[id(node)] = sum(_cells(child, known) for child in children)
    return known[id(node)]
