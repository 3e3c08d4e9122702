"""What a program was asked for, kept next to it, so that its tables can be checked later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fabula.codegen.asking import first_request
from fabula.codegen.targets import Targets, hinted_tables, planned_tables
from fabula.errors import SourceError
from fabula.spec.loading import build_spec
from fabula.spec.plain import to_json

FILE = "request.json"


def request_text(wanted: Targets, model: str, identity: str) -> str:
    """The content of `request.json`: the user's words or spec, the model, and what was sent."""
    messages = first_request(wanted).messages
    content = {
        "prompt": wanted.prompt,
        "model": model,
        "identity": identity,
        "spec": None if wanted.spec is None else json.loads(to_json(wanted.spec)),
        "strict": wanted.strict,
        "rows": wanted.rows,
        "messages": [{"role": each.role, "content": each.content} for each in messages],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_request(program: Path) -> Targets | None:
    """What the program in a file was asked for; None if nothing alongside it says so.

    Raises:
        SourceError: `request.json` holds something else.
    """
    path = program.with_name(FILE)
    if not path.is_file():
        return None
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        strict = bool(content["strict"])
        spec = None if content["spec"] is None else build_spec(content["spec"])
        prompt = str(content["prompt"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"`{path}` can't be read: {error}",
            code="source.unreadable",
            file=str(path),
            hint="delete it; the program's tables are then checked by their columns alone",
        ) from error
    if spec is None:
        return Targets(prompt, None, False, (), None)
    tables = planned_tables(spec) if strict else hinted_tables(spec)
    return Targets(prompt, spec, strict, tables)


def sized(wanted: Targets, rows: Mapping[str, int]) -> Targets:
    """What is wanted, with the numbers of rows that the program itself says."""
    tables = tuple(replace(table, rows=rows.get(table.name)) for table in wanted.tables)
    only = next(iter(rows.values())) if len(rows) == 1 and not wanted.tables else None
    return replace(wanted, tables=tables, rows=only)
