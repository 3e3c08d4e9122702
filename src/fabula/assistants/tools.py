"""What the tools do: plain arguments in, a JSON-ready answer out, in a process of its own.

`python -m fabula.assistants.tools` reads one call from its input and writes one answer. The server
starts it without secrets in its environment, and ends it when its time is over.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from fabula.assistants.bounds import (
    Bounds,
    check_models,
    check_plan,
    check_values,
    data_within,
    folder_within,
    within,
)
from fabula.errors import CheckError, FabulaError, PartialRunError, SpecError, UsageError
from fabula.spec.tables import DatasetSpec

LOOKS = ("schema", "kinds", "validate", "plan", "preview", "evaluate")
"""Tools that write nothing."""

TOOLS = (*LOOKS, "generate")

Spec = Annotated[str, Field(description="A spec: YAML, JSON, one line, or a file of the folder")]
Rows = Annotated[
    int | dict[str, int] | None, Field(description="Rows of the only table, or by table")
]
Seed = Annotated[int | None, Field(description="Overrides the spec's seed")]

MOST_SPEC = 200_000
"""Characters of a spec."""


_TREE = re.compile(r"""^\s*\{|(^|[\s{,])["']?tables["']?\s*:""")
"""How a spec in YAML or JSON differs from one in a line."""


class Tools:
    """The tools, in one folder and within bounds."""

    def __init__(self, root: Path, bounds: Bounds) -> None:
        self._root, self._bounds = root.resolve(), bounds

    def schema(
        self, part: Annotated[str, Field(description="A part of the schema by its name")] = ""
    ) -> dict[str, Any]:
        """The JSON Schema of specs, or one part of it."""
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

    def kinds(
        self, kind: Annotated[str, Field(description="The kind to explain")] = ""
    ) -> dict[str, Any]:
        """List the column kinds, or explain one with its parameters and an example."""
        from fabula.kinds import KINDS
        from fabula.lookup import entry_of
        from fabula.reports import catalogue

        if not kind:
            return {"text": catalogue.kinds_text()}
        entry_of(KINDS, kind, code="usage.unknown-kind")
        return {"text": catalogue.kind_text(kind)}

    def validate(self, spec: Spec) -> dict[str, Any]:
        """Tell whether a spec is coherent: every problem at once, with its line and what to do."""
        from fabula import api

        try:
            plan = api.plan(self._spec(spec))
            check_plan(plan, self._bounds)
        except FabulaError as error:
            return {"valid": False, "problems": problems_of(error)}
        return {"valid": True, "tables": {table.name: table.rows for table in plan.tables}}

    def plan(self, spec: Spec, rows: Rows = None) -> dict[str, Any]:
        """Show what a run would do and cost; makes nothing."""
        from fabula import api

        plan = api.plan(self._spec(spec), rows)
        check_plan(plan, self._bounds)
        return {"text": plan.report()}

    def preview(
        self,
        spec: Spec,
        rows: Annotated[int, Field(ge=1, le=50, description="Rows of each table")] = 5,
        seed: Seed = None,
    ) -> dict[str, Any]:
        """Make a few rows of each table; writes nothing."""
        from fabula import api
        from fabula.planning.previews import shortened as few_rows
        from fabula.runs.manifest import json_ready

        wanted, few = self._spec(spec), min(rows, 50)
        check_plan(api.plan(few_rows(wanted, few), seed=seed), self._bounds)
        made = api.preview(wanted, few, seed=seed)
        return {
            "tables": {name: json_ready(made.to_dicts(name)) for name in made},
            "checks": made.checks.summary,
        }

    def generate(
        self,
        spec: Spec,
        folder: Annotated[str, Field(description="A new folder, such as `out`")],
        rows: Rows = None,
        seed: Seed = None,
        format: Literal["parquet", "csv", "jsonl", "arrow"] = "parquet",  # noqa: A002
    ) -> dict[str, Any]:
        """Generate the tables into a folder, check them, and write the manifest."""
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

    def evaluate(
        self,
        data: Annotated[str, Field(description="A file or a folder of synthetic data")],
        real: Annotated[str, Field(description="A file or a folder of real data")] = "",
        gates: Annotated[bool, Field(description="Hold each metric against its bound")] = False,
    ) -> dict[str, Any]:
        """Measure how realistic, private, fair and diverse data is."""
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
        from fabula.spec.loading import parse_spec
        from fabula.spec.oneline import parse_line
        from fabula.spec.reading import read_data

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
        is_tree = file or "\n" in spec.strip() or _TREE.search(spec)
        if is_tree:
            check_values(read_data(spec, file=file), self._root)
        found = parse_spec(spec, file=file) if is_tree else parse_line(spec)
        check_values(found.model_dump(mode="python"), self._root)
        check_models(found, self._bounds)
        return found


def problems_of(error: FabulaError) -> list[dict[str, Any]]:
    """The problems of an error as an assistant reads them."""
    found = error.violations if isinstance(error, SpecError) else (error,)
    fields, folder = ("code", "message", "where", "line", "hint"), f"{Path.cwd()}/"
    told = [
        {name: value for name in fields if (value := getattr(item, name)) is not None}
        for item in found[:20]
    ]
    return [{n: v.replace(folder, "") if isinstance(v, str) else v for n, v in each.items()}
            for each in told]  # fmt: skip


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
    verbs: dict[str, Callable[..., dict[str, Any]]] = {n: getattr(tools, n) for n in TOOLS}
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
