"""What the tools do: plain arguments in, a JSON-ready answer out, in a process of its own.

`python -m fabula.assistants.tools` reads one call from its input and writes one answer. The server
starts it without secrets in its environment, and ends it when its time is over.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fabula.assistants.bounds import (
    Bounds,
    check_plan,
    check_spec,
    data_within,
    folder_within,
    within,
)
from fabula.errors import CheckError, FabulaError, PartialRunError, SpecError, UsageError
from fabula.spec.tables import DatasetSpec

MOST_SPEC = 200_000
"""Characters of a spec."""


class Tools:
    """The tools, in one folder and within bounds."""

    def __init__(self, root: Path, bounds: Bounds) -> None:
        self._root, self._bounds = root.resolve(), bounds

    def schema(self, part: str = "") -> dict[str, Any]:
        """The JSON Schema of specs, or of one part of it."""
        from fabula.errors import did_you_mean
        from fabula.io.formats import written_formats
        from fabula.spec.schema import json_schema

        whole = json_schema(written_formats())
        parts = whole.pop("$defs")
        if not part:
            return {"schema": whole, "parts": sorted(parts)}
        if part not in parts:
            raise UsageError(
                f"the schema has no part `{part}`",
                code="usage.unknown-part",
                hint=did_you_mean(part, parts) or "call `schema` without a part for their names",
            )
        return {"schema": parts[part]}

    def kinds(self, kind: str = "") -> dict[str, Any]:
        """The column kinds, or one with its parameters and an example."""
        from fabula.kinds import KINDS
        from fabula.lookup import entry_of
        from fabula.reports import catalogue

        if not kind:
            return {"text": catalogue.kinds_text()}
        entry_of(KINDS, kind, code="usage.unknown-kind")
        return {"text": catalogue.kind_text(kind)}

    def validate(self, spec: str) -> dict[str, Any]:
        """Whether a spec is coherent; every problem at once."""
        from fabula import api

        try:
            plan = api.plan(self._spec(spec))
            check_plan(plan, self._bounds)
        except FabulaError as error:
            return {"valid": False, "problems": problems_of(error)}
        return {"valid": True, "tables": {table.name: table.rows for table in plan.tables}}

    def plan(self, spec: str, rows: Any = None) -> dict[str, Any]:
        """What a run would do and cost."""
        from fabula import api

        plan = api.plan(self._spec(spec), rows)
        check_plan(plan, self._bounds)
        return {"text": plan.report()}

    def preview(self, spec: str, rows: int = 5, seed: int | None = None) -> dict[str, Any]:
        """A few rows of each table; nothing is written."""
        from fabula import api
        from fabula.runs.manifest import json_ready

        wanted = self._spec(spec)
        check_plan(api.plan(wanted, None, seed=seed), self._bounds)
        made = api.preview(wanted, min(rows, 50), seed=seed)
        return {
            "tables": {name: json_ready(made.to_dicts(name)) for name in made},
            "checks": made.checks.summary,
        }

    def generate(
        self,
        spec: str,
        folder: str,
        rows: Any = None,
        seed: int | None = None,
        format: str = "parquet",  # noqa: A002
    ) -> dict[str, Any]:
        """Generate the tables into a folder, with their checks and the manifest."""
        from fabula import api

        output = folder_within(self._root, folder)
        wanted = self._spec(spec)
        check_plan(api.plan(wanted, rows, seed=seed), self._bounds)
        try:
            made = api.generate(wanted, rows, seed=seed, output=output, format=format)
        except (CheckError, PartialRunError) as error:
            return {"done": False, "problems": problems_of(error), "folder": folder}
        counts = ("requested", "written", "rejected")
        return {
            "done": True,
            "folder": folder,
            "tables": {
                name: {count: table[count] for count in counts}
                for name, table in made.manifest["tables"].items()
            },
            "checks": made.checks.summary,
            "seed": made.manifest["seed"],
        }

    def evaluate(self, data: str, real: str = "", gates: bool = False) -> dict[str, Any]:
        """How realistic, private, fair and diverse data is, alongside real data."""
        from fabula.evaluation.evaluate import evaluate

        report = evaluate(
            data_within(self._root, data),
            real=data_within(self._root, real) if real else None,
            gates=gates,
        )
        found = report.to_dict()
        told = {name: found[name] for name in ("passed", "scores", "gates", "checks")}
        return {**told, "text": report.report()}

    def _spec(self, spec: str) -> DatasetSpec:
        """The spec of a text, or of a file of the folder; nothing is imported for it."""
        from fabula.inference.resolve import is_spec_text
        from fabula.spec.loading import parse_spec
        from fabula.spec.oneline import parse_line

        if len(spec) > MOST_SPEC:
            raise UsageError(
                f"the spec has more than {MOST_SPEC:,} characters",
                code="usage.too-many",
                hint="shorten it, or run `fabula generate` yourself",
            )
        file = None
        if "\n" not in spec and spec.strip().lower().endswith((".yaml", ".yml", ".json")):
            path = within(self._root, spec.strip())
            if not path.is_file() or path.stat().st_size > MOST_SPEC:
                raise UsageError(
                    f"there is no spec `{spec.strip()}` of at most {MOST_SPEC:,} bytes",
                    code="usage.no-spec",
                    hint="give the text of the spec itself",
                )
            spec, file = path.read_text(encoding="utf-8"), spec.strip()
        is_tree = file or "\n" in spec.strip() or spec.lstrip().startswith("{")
        found = parse_spec(spec, file=file) if is_tree or is_spec_text(spec) else parse_line(spec)
        check_spec(found, self._root, self._bounds)
        return found


def problems_of(error: FabulaError) -> list[dict[str, Any]]:
    """The problems of an error as an assistant reads them."""
    found = error.violations if isinstance(error, SpecError) else (error,)
    fields = ("code", "message", "where", "line", "hint")
    return [
        {name: value for name in fields if (value := getattr(item, name)) is not None}
        for item in found[:20]
    ]


def shortened(answer: dict[str, Any], most: int) -> dict[str, Any]:
    """The answer in as many characters as are allowed; what is left out is counted in it."""
    text = json.dumps(answer, ensure_ascii=False)
    if len(text) <= most:
        return answer
    if isinstance(answer.get("tables"), dict) and "checks" in answer and "done" not in answer:
        tables = {name: rows[: len(rows) // 2] for name, rows in answer["tables"].items()}
        if any(tables.values()):
            cut = {**answer, "tables": tables, "note": "fewer rows than asked: the answer is full"}
            return shortened(cut, most)
    if isinstance(told := answer.get("text"), str) and len(text) - len(told) < most // 2:
        kept = told[: max(0, most // 2)]
        note = f"{len(told) - len(kept):,} characters are left out"
        return shortened({**answer, "text": kept, "note": note}, most)
    return {"note": f"the answer has {len(text):,} characters, and {most:,} are allowed"}


def answer_to(tools: Tools, call: Mapping[str, Any], most: int) -> dict[str, Any]:
    """The answer to one call; problems are an answer, too."""
    verbs: dict[str, Callable[..., dict[str, Any]]] = {
        name: getattr(tools, name)
        for name in ("schema", "kinds", "validate", "plan", "preview", "generate", "evaluate")
    }
    try:
        return shortened(verbs[call["tool"]](**call["arguments"]), most)
    except FabulaError as error:
        return {"problems": problems_of(error)}
    except Exception as error:  # what an assistant wrote must not end in a traceback
        kind = type(error).__name__
        return {"problems": [{"code": "internal", "message": f"the call failed with a {kind}"}]}


def _limited(bounds: Bounds) -> None:
    """Bound what this process may write and compute, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (bounds.max_bytes, bounds.max_bytes))


def main() -> None:
    """Answer one call."""
    given = json.load(sys.stdin)
    bounds = Bounds(**given["bounds"])
    _limited(bounds)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # anything else that is printed goes to stderr
    tools = Tools(Path.cwd(), bounds)
    json.dump(answer_to(tools, given, bounds.max_answer), out, ensure_ascii=False, default=str)
    out.close()


if __name__ == "__main__":
    main()
