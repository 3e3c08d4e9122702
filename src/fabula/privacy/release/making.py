"""The rows of a release: masked, their quasi-identifiers coarse, and some columns learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from fabula.errors import SpecError, UsageError, Violation
from fabula.kinds.source import SourceTable
from fabula.planning.sources import people_in, table_rows
from fabula.privacy.hybrid.learned_columns import synthesize
from fabula.privacy.kanonymity.releasing import prepare
from fabula.privacy.release.attacks import linkage_attack


def released(rows: pa.Table, source: SourceTable, name: str, *, seed: int) -> pa.Table:
    """Make the rows of a release; learned columns are drawn given what the others release.

    Args:
        rows: The masked rows; columns to learn still have their real values.
        source: What is wanted.
        name: The table.
        seed: The same rows and seed give the same release.

    Raises:
        SpecError: What is wanted is not possible.
    """
    try:
        if source.k is not None:
            rows = _coarse(rows, source, name, source.k)
        if source.synthesize:
            person = source.person if source.person in rows.column_names else None
            made = synthesize({name: rows}, source.synthesize, person=person, seed=seed)
            rows = made.table
    except UsageError as error:
        where = f"tables.{name}"
        raise SpecError([Violation(error.code, error.message, where, error.hint)]) from error
    return rows


def _coarse(rows: pa.Table, source: SourceTable, name: str, k: int) -> pa.Table:
    """Rows whose groups have `k` people; where people have several rows, groups have more rows."""
    people = people_in(table_rows(source), source.person)
    enough = k * int(np.bincount(people).max(initial=1))
    fewest = k
    while True:
        made = prepare(
            {name: rows}, quasi=list(source.quasi), k=fewest,
            sensitive=list(source.sensitive), l=source.l, t=source.t,
        )  # fmt: skip
        found = linkage_attack(made.table.select(made.quasi), people).k
        if found >= k or fewest >= enough:
            return made.table
        fewest = min(-(-fewest * k // found), enough)


def tell_release(card: dict[str, Any], source: SourceTable | None) -> None:
    """Write into a table's card which columns are learned, and which became coarser together.

    Args:
        card: The table's part of a masking's card.
        source: What was asked for.
    """
    if source is None or not source.is_release:
        return
    for name in source.synthesize:
        reason = "learned given the kept columns, each row by a model that never saw it"
        card["columns"][name] = {"action": "synthesize", "reason": reason}
    for name in source.quasi if source.k else ():
        card["columns"][name] = {"action": "generalise", "reason": f"until k = {source.k}"}
    card["kept_out"] = source.kept_out
