"""Asks a model for rows: exactly as many as requested, valid, distinct, and none lost silently."""

from __future__ import annotations

from fabula.llm.rows.ask import ask_rows, ask_rows_sync
from fabula.llm.rows.job import Reject, RowField, RowsJob, RowsResult

__all__ = ["Reject", "RowField", "RowsJob", "RowsResult", "ask_rows", "ask_rows_sync"]
