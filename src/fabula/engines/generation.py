"""Plan → tables: one maker per table, which share what they know of each other. Stage 3 of 6."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fabula.engines.made import TableMaker
from fabula.engines.sources import SourceRows
from fabula.engines.tables import TableBlocks
from fabula.llm.client.chat import ChatModel
from fabula.planning.plan import Plan
from fabula.spec.tables import ModelSpec

if TYPE_CHECKING:
    from fabula.engines.models import Models
    from fabula.engines.usage import ModelUsage
    from fabula.privacy.prepared import Masking


class Generation:
    """Everything that makes a plan's tables.

    Args:
        plan: What to make.
        open_model: Opens a language model by its name or settings; called when first needed.
        on_rows: Told a table's name and how many of its rows models have filled.

    Attributes:
        makers: One maker a table, in the plan's order.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        open_model: Callable[[str | ModelSpec], ChatModel] | None = None,
        on_rows: Callable[[str, int], None] | None = None,
    ) -> None:
        self._models: Models | None = None
        if plan.calls:
            from fabula.engines.models import Models

            self._models = Models(plan.spec, open_model, on_rows)
        blocks: dict[str, TableBlocks] = {}
        self._sources, lock = SourceRows(plan), threading.RLock()
        for table in plan.tables:
            blocks[table.name] = TableBlocks(
                table, plan.seed, blocks, self._models, lock, sources=self._sources
            )
        self._blocks = blocks
        self.makers: Mapping[str, TableMaker] = blocks

    def usage(self) -> Mapping[str, ModelUsage]:
        """What was asked of each model so far, with the functions that it wrote."""
        for blocks in self._blocks.values():
            blocks.settle_functions()
        return {} if self._models is None else self._models.usage()

    def spent(self) -> Mapping[str, ModelUsage]:
        """What was asked of each model since this was last called."""
        return {} if self._models is None else self._models.spent()

    @property
    def masking(self) -> Masking | None:
        """How real files among the tables are masked; None if there are none."""
        return self._sources.masking

    def close(self) -> None:
        """Release models."""
        if self._models is not None:
            self._models.close()
