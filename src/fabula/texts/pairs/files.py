"""`pairs` into files: what was made is written, whether or not all of it came.

Beside the file stands, where there is something to say, `NAME.rejects.jsonl`: every piece of a
reply that gave no pair, with the reason. While pairs are missing `.NAME.partial` marks the file,
so that the same command may replace it when it goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabula.errors import PartialRunError, SinkError
from fabula.io.places import make_folder, write_text
from fabula.texts.exports.export import Export
from fabula.texts.pairs.ask import PairOptions, pairs
from fabula.texts.pairs.result import Pairs


def pairs_to_file(
    wanted: Any, n: int, output: Path, options: PairOptions, export: Mapping[str, Any]
) -> tuple[Pairs, Export]:
    """Ask for pairs and write them.

    Args:
        wanted: The shape of a pair, as `pairs` takes it.
        n: Pairs wanted.
        output: The file, or with a split the folder or the start of the files' names.
        options: How they are asked, as `pairs` takes it.
        export: How they are written, as `Pairs.write` takes it.

    Raises:
        SinkError: The file is there already, or can't be written.
        PartialRunError: Pairs are missing; those that came are in the file.
    """
    mark = output.with_name(f".{output.name}.partial")
    overwrite = bool(export.get("overwrite")) or mark.exists()
    if output.is_file() and not overwrite:
        raise SinkError(
            f"`{output}` exists",
            code="sink.exists",
            where=str(output),
            hint="choose another file with `-o`, or pass --overwrite",
        )
    make_folder(output.parent)
    how = {**export, "overwrite": overwrite}
    try:
        made = pairs(wanted, n, **options)
    except PartialRunError as error:
        error.rows.write(output, **how)
        _write_rejects(output, error.rows)
        write_text(mark, "")
        raise
    written = made.write(output, **how)
    _write_rejects(output, made)
    mark.unlink(missing_ok=True)
    return made, written


def _write_rejects(output: Path, made: Pairs) -> None:
    path = output.with_name(f"{output.name}.rejects.jsonl")
    lost = [{"reason": reason, "raw": raw} for raw, reason in made.unread]
    lost += [{"reason": item.reason, "raw": item.raw} for item in made.rejects]
    if lost:
        write_text(path, "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in lost))
    else:
        path.unlink(missing_ok=True)
