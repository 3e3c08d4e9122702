"""Whether the arrays of a saved model lead nowhere outside themselves.

Compiled code follows them without looking, so they are looked at once, when they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.model import CellColumn
from fabula.synthesizers.models.boosted.decisions import Decisions
from fabula.synthesizers.models.boosted.prediction import LINK_BITS
from fabula.synthesizers.models.boosted.training import BINS

OWNERS = {
    **dict.fromkeys(("scores", "slopes", "means", "bins"), 0),
    "forests": 1,
    "roots": 2,
    **dict.fromkeys(("right", "link", "value"), 3),
    "uses": 4,
}
"""By array the column of `sizes` that says how much of it each column of the table owns."""

NO_VIEWS: Mapping[str, NDArray[Any]] = {
    "wide": np.zeros(0, np.int32),
    "likeness": np.zeros(0, np.int32),
    "seen": np.zeros((0, 2), np.int32),
    "views": np.zeros(0, np.uint8),
}
"""What models of earlier versions have none of."""

MOST_STEPS = 4_096
"""Steps from a root to a leaf; a tree of the most leaves has far fewer."""

_KINDS = {
    **dict.fromkeys(("order", "context", "scores", "forests", "value", "lines"), np.int32),
    **dict.fromkeys(("roots", "right", "link"), np.uint64),
    **dict.fromkeys(("sizes", "slopes", "means", "uses"), np.int64),
    "bins": np.uint8,
    **{name: array.dtype for name, array in NO_VIEWS.items()},
}


def check_arrays(arrays: Mapping[str, NDArray[Any]], columns: tuple[CellColumn, ...]) -> None:
    """Check the kinds and lengths of a model's arrays, and the order of its columns.

    Raises:
        ValueError: They are not those of a model of these columns.
    """
    for name, kind in _KINDS.items():
        wide = 2 if name in ("sizes", "forests", "seen") else 1
        _check(arrays[name].dtype == kind and arrays[name].ndim == wide, name)
    sizes = arrays["sizes"]
    _check(sizes.shape == (len(columns), 5) and bool((sizes >= 0).all()), "sizes")
    for name, owner in OWNERS.items():
        _check(sum(map(int, sizes[:, owner])) == len(arrays[name]), name)
    places = np.arange(len(columns))
    _check(bool(np.isin(arrays["uses"], places).all()), "uses")
    _check(sum(columns[at].cells for at in arrays["uses"]) == len(arrays["lines"]), "lines")
    _check(np.array_equal(np.sort(arrays["order"]), places), "order")
    _check(bool(np.isin(arrays["context"], places).all()), "context")
    labels, seen = arrays["wide"], arrays["seen"]
    _check(bool(np.isin(labels, places).all()), "wide")
    _check(len(np.unique(labels)) == len(labels), "wide")
    _check(sum(columns[at].cells for at in labels) == len(arrays["likeness"]), "likeness")
    start = 0
    for at in labels.tolist():
        part = np.sort(arrays["likeness"][start : start + columns[at].cells])
        _check(np.array_equal(part, np.arange(columns[at].cells)), "likeness")
        start += columns[at].cells
    _check(seen.shape[1] == 2 and bool(np.isin(seen[:, 0], places).all()), "seen")
    _check(sum(columns[at].cells for at in seen[:, 0]) == len(arrays["views"]), "views")
    _check(bool((arrays["views"] < BINS).all()), "views")


def check_decisions(decisions: Decisions, columns: int) -> None:
    """Check that no tree of a column leads out of its arrays.

    Raises:
        ValueError: One does.
    """
    trees, forests = decisions.trees, decisions.forests
    nodes = len(trees.link)
    _check(len(decisions.scores) == len(decisions.bins) == len(decisions.tree.middle), "scores")
    _check(forests.shape[1] == 3 and len(forests) <= len(decisions.tree.levels), "forests")
    first, last, steps = forests.T
    inside = (first >= 0) & (first <= last) & (last <= len(trees.roots))
    _check(bool((inside & (steps >= 0) & (steps <= MOST_STEPS)).all()), "forests")
    _check(bool((trees.roots < nodes).all()), "roots")
    left = trees.link >> np.uint64(LINK_BITS)
    _check(bool((left + (trees.right > 0).astype(np.uint64) < nodes).all()), "link")
    _check(bool((trees.link & np.uint64(2**LINK_BITS - 1) <= columns).all()), "link")


def _check(holds: bool, name: str) -> None:
    if not holds:
        raise ValueError(f"the model's `{name}` does not fit the rest of it")
