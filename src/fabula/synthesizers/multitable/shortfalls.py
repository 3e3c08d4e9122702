"""Rows that a sample lacks: their primary key is made of real values, and no other one is left."""

from __future__ import annotations

import logging

from fabula.synthesizers.multitable.table_model import TableModel

logger = logging.getLogger(__name__)


def tell_shortfall(model: TableModel, scale: float, rows: int) -> None:
    """Warn where fewer rows were made than were asked for.

    Args:
        model: What was learned of the table.
        scale: Rows that were requested, in relation to the training rows.
        rows: Rows that were made.
    """
    asked = round(scale * model.rows)
    if model.kept is None and rows < asked:
        key = ", ".join(f"`{column}`" for column in model.identity.primary)
        what = "value" if len(model.identity.primary) == 1 else "combination"
        logger.warning(
            "`%s`: %s of %s rows were made: no other %s of %s is left",
            model.name, f"{rows:,}", f"{asked:,}", what, key,
        )  # fmt: skip
