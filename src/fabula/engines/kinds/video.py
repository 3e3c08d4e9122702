"""Paths of videos: a function of the row's number; the files are made when all tables are."""

from __future__ import annotations

from fabula.engines.block import Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.engines.kinds.document import document_engine
from fabula.planning.plan import ColumnPlan


@engine_of("video")
def video_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """The path of each row's video in the run's folder."""
    return document_engine(column, table)
