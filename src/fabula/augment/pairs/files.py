"""`pairs` into files: what was made is written, whether or not all of it came.

Alongside the file stands, where there is something to say, `NAME.rejects.jsonl`: every piece of a
reply that gave no pair, with the reason. While pairs are missing `.NAME.partial` marks the file,
so that the same command may replace it when it continues.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

from fabula.augment.asking import REASONING
from fabula.augment.pairs.ask import PairOptions, pairs
from fabula.augment.pairs.fields import pair_fields
from fabula.augment.pairs.result import Pairs
from fabula.errors import PartialRunError
from fabula.io.partial_files import is_unfinished, mark_finished, mark_unfinished
from fabula.io.places import write_text
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
    overwrite = bool(export.get("overwrite")) or is_unfinished(file)
    how = {**export, "overwrite": overwrite}
    _check_export(wanted, file, options, how)
    try:
        made = pairs(wanted, n, **options)
    except PartialRunError as error:
        error.rows.write(file, **how)
        _write_rejects(file, error.rows)
        mark_unfinished(file)
        raise
    written = made.write(file, **how)
    _write_rejects(file, made)
    mark_finished(file)
    return made, written


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


def _write_rejects(output: Path, made: Pairs) -> None:
    path = output.with_name(f"{output.name}.rejects.jsonl")
    lost = [{"reason": reason, "raw": raw} for raw, reason in made.unread]
    lost += [{"reason": item.reason, "raw": item.raw} for item in made.rejects]
    if lost:
        write_text(path, "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in lost))
    else:
        path.unlink(missing_ok=True)
