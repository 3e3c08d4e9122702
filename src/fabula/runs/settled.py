"""What a spec needs before it is planned, and a class after its rows are made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fabula.spec.tables import DatasetSpec
from fabula.types import Path as PathLike
from fabula.types import Size

if TYPE_CHECKING:
    from fabula.runs.dataset import Dataset


def settled(
    spec: DatasetSpec,
    n: Size = None,
    *,
    seed: int | None = None,
    key_file: PathLike | None = None,
    forms_only: bool = False,
) -> DatasetSpec:
    """The spec with the columns of real files, and with the rows of simulations."""
    if any(table.source is not None for table in spec.tables.values()):
        from fabula.privacy.source_tables import with_sources  # a heavy import, when needed

        spec = with_sources(spec, key_file=Path(key_file) if key_file else None)
    if any(table.simulation is not None for table in spec.tables.values()):
        from fabula.runs.simulated import with_simulations  # likewise

        spec = with_simulations(spec, n, seed=seed, forms_only=forms_only)
    return spec


def check_row_class(spec: DatasetSpec, dataset: Dataset) -> None:
    """Let the class that a spec was made from look at every row.

    Raises:
        CheckError: The class refuses a row; the data stays where it was written.
    """
    row_class = spec.source.row_class
    if row_class is None:
        return
    from fabula.inference.row_classes import objects_of

    batches = dataset.to_arrow().to_batches(max_chunksize=10_000)
    for _ in objects_of(row_class, (row for batch in batches for row in batch.to_pylist())):
        pass
