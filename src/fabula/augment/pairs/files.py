"""`pairs` into files: an export that can't be written is refused before any pair is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

from fabula.augment.asking import REASONING
from fabula.augment.pairs.ask import PairOptions, pairs
from fabula.augment.pairs.fields import pair_fields
from fabula.augment.pairs.result import Pairs
from fabula.augment.result_files import made_into, may_replace
from fabula.training.export import Export, free_paths, plan_export

_NOT_PLANNED = ("seed", "overwrite")
"""Options that say how files are made, not what is in them."""


def pairs_to_file(
    wanted: Any, n: int, file: Path, export: Mapping[str, Any], **options: Unpack[PairOptions]
) -> tuple[Pairs, Export]:
    """Ask for pairs and write them as `export` says, in the words of `Pairs.write`.

    Raises:
        SinkError: The file is there already, or can't be written.
        PartialRunError: Pairs are missing; those that came are in the file.
    """
    how = may_replace(file, export)
    _check_export(wanted, file, options, how)
    return made_into(file, lambda: pairs(wanted, n, **options), how)


def _check_export(
    wanted: Any, output: Path, options: PairOptions, asked: Mapping[str, Any]
) -> None:
    """Refuse an export or files that can't be written before any pair is asked."""
    inputs, outputs = options.get("input", ()), options.get("output", ())
    fields = pair_fields(wanted, inputs=inputs, outputs=outputs)
    columns = [*options.get("balance", {}), *fields.input_names, *fields.output_names]
    columns += [REASONING] if options.get("reasoning") == "keep" else []
    how = Pairs((), fields).how_written(output, asked)
    planned = plan_export(
        output, columns, {name: how[name] for name in how if name not in _NOT_PLANNED}
    )
    free_paths(output, planned, overwrite=asked["overwrite"])
