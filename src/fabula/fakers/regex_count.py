"""Step 2 of 3 of a pattern: how many distinct strings it has.

`a?a?` has four ways to draw and three strings. Counting needs each string once, so the tree is
walked as a deterministic automaton: a state is the set of everything that may still follow.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from fabula.fakers.regex_syntax import Alt, Chars, Node

STEP_LIMIT = 500_000
"""Transitions after which counting gives up."""


@dataclass(frozen=True, eq=False)
class _Tail:
    """What still follows: a node, then another tail. One object for each distinct pair."""

    node: Node
    rest: _Tail | None


_State = frozenset[_Tail | None]
"""Tails reached by the same characters; None among them means that the string may end."""


@dataclass
class _Automaton:
    tails: dict[tuple[int, int], _Tail] = field(default_factory=dict)
    steps: int = 0

    def tail(self, node: Node, rest: _Tail | None) -> _Tail:
        return self.tails.setdefault((id(node), id(rest)), _Tail(node, rest))

    def leaves(self, state: _State) -> set[_Tail | None]:
        """The tails of a state, opened until each starts with a character."""
        found: set[_Tail | None] = set()
        seen: set[_Tail | None] = set()
        pending = list(state)
        while pending:
            tail = pending.pop()
            if tail in seen:
                continue
            seen.add(tail)
            self.steps += 1
            if tail is None or isinstance(tail.node, Chars):
                found.add(tail)
            elif isinstance(tail.node, Alt):
                pending += [self.tail(branch, tail.rest) for branch in tail.node.branches]
            else:
                rest = tail.rest
                for part in reversed(tail.node.parts):
                    rest = self.tail(part, rest)
                pending.append(rest)
        return found

    def moves(self, leaves: set[_Tail | None]) -> dict[_State, int]:
        """The next states, each with the number of characters that lead there."""
        by_class: dict[str, set[_Tail | None]] = defaultdict(set)
        for leaf in leaves:
            if leaf is not None and isinstance(leaf.node, Chars):
                by_class[leaf.node.chars].add(leaf.rest)
        if len(by_class) == 1:
            ((chars, tails),) = by_class.items()
            return {frozenset(tails): len(chars)}
        by_char: dict[str, set[_Tail | None]] = defaultdict(set)
        for chars, tails in by_class.items():
            self.steps += len(chars)
            for char in chars:
                by_char[char] |= tails
        counts: dict[_State, int] = defaultdict(int)
        for tails in by_char.values():
            counts[frozenset(tails)] += 1
        return counts


def count_distinct(root: Node) -> int | None:
    """The number of distinct strings, or None when they are too tangled to count."""
    automaton = _Automaton()
    start: _State = frozenset({automaton.tail(root, None)})
    moves: dict[_State, dict[_State, int]] = {}
    counts: dict[_State, int] = {}
    pending = [start]
    while pending:
        state = pending[-1]
        if state not in moves:
            leaves = automaton.leaves(state)
            moves[state] = automaton.moves(leaves)
            counts[state] = int(None in leaves)
            if automaton.steps > STEP_LIMIT:
                return None
            pending += [following for following in moves[state] if following not in moves]
        else:
            pending.pop()
            if moves[state]:
                counts[state] += sum(n * counts[to] for to, n in moves[state].items())
                moves[state] = {}
    return counts[start]
