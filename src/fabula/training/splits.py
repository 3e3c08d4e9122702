"""Cuts rows into named shares: by chance, repeatably, and with no input on two sides.

Rows of equal inputs (but for case and spacing) go together. Within each stratum they are
shuffled; then each goes where most is missing, counted over all strata, so that the shares are
met in each stratum and over the whole within one row, as far as equal inputs allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fabula.streams import stream


def plain(text: str) -> str:
    """A text without what does not tell inputs apart: case and spacing.

    Examples:
        >>> plain("  Blue  MUG")
        'blue mug'
    """
    return " ".join(text.casefold().split())


def split(
    inputs: Sequence[str],
    shares: Mapping[str, float],
    *,
    strata: Sequence[Any] | None = None,
    seed: int = 0,
) -> dict[str, list[int]]:
    """The rows of each share, in their order; only the proportions of shares count.

    Every share keeps the proportions of the values in `strata`, one per row.

    Examples:
        >>> {name: len(rows) for name, rows in split("abcdefghij", {"train": 9, "test": 1}).items()}
        {'train': 9, 'test': 1}
    """
    groups: dict[str, list[int]] = {}
    for row, text in enumerate(inputs):
        groups.setdefault(plain(text), []).append(row)
    layers: dict[Any, list[list[int]]] = {}
    for rows in groups.values():
        layers.setdefault(None if strata is None else strata[rows[0]], []).append(rows)
    total = sum(shares.values())
    wanted = {name: share / total for name, share in shares.items()}
    chosen: dict[str, list[int]] = {name: [] for name in shares}
    placed = 0
    rng = stream(seed, "exports", "split", 0)
    for layer in layers.values():
        for group in rng.permutation(len(layer)).tolist():
            rows = layer[group]
            placed += len(rows)
            name = max(wanted, key=lambda name: wanted[name] * placed - len(chosen[name]))
            chosen[name] += rows
    return {name: sorted(rows) for name, rows in chosen.items()}
