"""Which columns single people out together: by what they are called, and by measure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from fabula.errors import UsageError, column_hint
from fabula.evaluation.metrics.reidentification import QUASI
from fabula.privacy.files.sources import Source
from fabula.privacy.kanonymity.combinations import Keys, Whole
from fabula.render.amounts import percent

_SAMPLED = 50_000
_RISE = 0.10
"""Columns that would leave so much more of the rows alone are pointed out."""

_NEARLY_KEY = 0.5
"""A column whose values differ in more of the rows is a key or a text, not a quasi-identifier."""


def proposed(
    source: Source, quasi: Sequence[str] | None, sensitive: Sequence[str], target: str | None
) -> tuple[dict[str, str], list[str]]:
    """The quasi-identifiers with their reasons, and what should be known about other columns.

    Args:
        source: Where the rows are.
        quasi: Those that people name; by default all columns whose names say so.
        sensitive: Columns that are not to be proposed.
        target: The column of a model's answer, likewise.

    Raises:
        UsageError: A column does not exist, or nothing can be proposed.
    """
    names = list(source.names)
    for name in quasi or ():
        must_be(name, names)
    others = {*sensitive, *filter(None, [target])}
    known = list(dict.fromkeys(quasi or ())) or [
        name for name in names if QUASI.search(name.replace("-", "_")) and name not in others
    ]
    if not known:
        raise UsageError(
            "no column's name says that it is a quasi-identifier",
            code="kanonymity.quasi",
            hint="name those that an outsider may know: `--quasi age,sex,postcode`",
        )
    sample = source.sample().slice(0, _SAMPLED)
    codes = {name: _codes(sample, name) for name in names}
    if not quasi:
        known = [name for name in known if not _is_key(codes[name])] or known
    together = _alone([codes[name] for name in known])
    reasons = {}
    for name in known:
        why = "named" if quasi else "its name says that outsiders may know it"
        without = _alone([codes[other] for other in known if other != name])
        share = percent(together - without)
        reasons[name] = f"{why}; without it {share} fewer of the rows are unique"
    verb = "together single" if len(known) > 1 else "alone singles"
    notes = [f"`{', '.join(known)}` {verb} out {percent(together)} of the rows"]
    for name in names:
        if name in known or name in others or _is_key(codes[name]):
            continue
        more = _alone([*(codes[other] for other in known), codes[name]]) - together
        if more >= _RISE:
            notes.append(
                f"`{name}` is unchanged: anyone who knows it singles out {percent(together + more)}"
            )
    return reasons, notes


def _codes(sample: pa.Table, name: str) -> Whole:
    values = sample.column(name)
    if pa.types.is_nested(values.type):
        return np.zeros(len(values), np.int64)
    encoded = values.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    return np.asarray(encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64) + 1


def _is_key(codes: Whole) -> bool:
    return bool(len(codes)) and len(np.unique(codes)) > _NEARLY_KEY * len(codes)


def _alone(columns: Sequence[Whole]) -> float:
    """The share of rows whose combination nobody shares."""
    if not columns or not len(columns[0]):
        return 0.0
    counts = np.bincount(Keys(np.column_stack(columns)).of)
    return float((counts == 1).sum() / len(columns[0]))


def must_be(column: str, names: Sequence[str]) -> None:
    """Refuse a column that a table does not have.

    Raises:
        UsageError: It has no such column.
    """
    if column not in names:
        raise UsageError(
            f"there is no column `{column}`",
            code="kanonymity.unknown-column",
            hint=column_hint(column, names),
        )
