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
from fabula.synthesizers.parity import Parity, equal_outcomes


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
            rows = _learned(rows, source, name, seed)
    except UsageError as error:
        where = f"tables.{name}"
        raise SpecError([Violation(error.code, error.message, where, error.hint)]) from error
    return rows


def _learned(rows: pa.Table, source: SourceTable, name: str, seed: int) -> pa.Table:
    """Rows with drawn columns; where rates become equal, the others are drawn given that outcome.

    Rows of a person stay together also where the column that identifies the person is left out.
    """
    people = people_in(table_rows(source), source.person)
    if source.parity is None:
        return synthesize({name: rows}, source.synthesize, person=people, seed=seed).table
    parity = Parity.read(source.parity, source.rate)
    others = [column for column in source.synthesize if column != parity.outcome]
    first = synthesize(
        {name: rows.drop_columns(others)}, [parity.outcome], person=people, seed=seed
    ).table
    settled = pa.table({parity.outcome: equal_outcomes(first, parity, seed=seed)})
    columns = [parity.outcome, *others]
    return synthesize({name: rows}, columns, person=people, settled=settled, seed=seed).table


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
