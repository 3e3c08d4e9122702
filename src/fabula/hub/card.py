"""The card of a pushed dataset, written from its manifest: what it is, and how it was made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from fabula.io.names import file_stem

_SIZES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
"""The Hub's words for numbers of rows: a thousand, and ten times each before."""
_WAYS = {
    "llm": "written by a language model",
    "judge": "scored by a language model",
    "reasoning": "written by a language model",
    "learned": "sampled from a model that was fitted to real rows",
    "source": "real rows, masked or synthesized",
    "simulation": "simulated",
    "program": "made by a program that a language model wrote",
    "function": "made by the user's own function",
    "reference": "foreign keys",
}


def card(manifest: Mapping[str, Any], schemas: Mapping[str, pa.Schema], name: str) -> str:
    """The text of `README.md`: facts for the Hub's viewer, then for people."""
    title = str(manifest.get("name") or name.partition("/")[2])
    parts = [
        _facts(manifest, list(schemas), title),
        f"# {_plain(title)}",
        f"**Synthetic data**, made by Fabula {version('fabula')}. No row is an observation.",
        *_description(manifest),
        "## Tables",
        _grid(
            ("table", "requested", "written", "rejected", "columns"),
            (
                (
                    table,
                    *(f"{manifest['tables'][table][key]:,}" for key in _COUNTS),
                    ", ".join(f"`{_plain(field.name)}` {field.type}" for field in schema),
                )
                for table, schema in schemas.items()
            ),
        ),
        *_documents(manifest.get("documents") or {}),
        "## How it was made",
        *_method(manifest),
        "## Checks",
        _checks(manifest.get("checks") or ()),
        "## Gates",
        _gates(manifest.get("gates") or ()),
        "## Licence",
        str(manifest.get("license") or "Not stated. Ask who pushed the dataset before you use it."),
        "The full record, with the spec and the hash of each file, is `manifest.json`.",
    ]
    return "\n\n".join(parts) + "\n"


def _documents(documents: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Which columns name files of the repository, and how many there are."""
    if not documents:
        return []
    rows = [
        (name, f"{each['folder']}/", ", ".join(each["formats"]), f"{each['files']:,}")
        for name, each in documents.items()
    ]
    told = "Each folder also contains `truth-*.jsonl`: what its files say, and where."
    return ["## Files", _grid(("column", "folder", "formats", "files"), rows), told]


_VERDICTS = {True: "passed", False: "**failed**", None: "not judged"}
_COUNTS = ("requested", "written", "rejected")


def _facts(manifest: Mapping[str, Any], tables: list[str], title: str) -> str:
    """The YAML at the top; JSON texts are YAML, too, and quote whatever a name holds."""
    rows = sum(manifest["tables"][table]["written"] for table in tables)
    lines = ["---", f"pretty_name: {json.dumps(title)}"]
    if license_ := manifest.get("license"):
        lines.append(f"license: {json.dumps(license_)}")
    lines += ["tags:", "- synthetic", "- fabula", "size_categories:", f"- {size_word(rows)}"]
    lines.append("configs:")
    for number, table in enumerate(tables):
        lines += [
            f"- config_name: {json.dumps(file_stem(table))}",
            "  data_files:",
            "  - split: train",
            f"    path: {json.dumps(f'data/{file_stem(table)}/*.parquet')}",
            *["  default: true"] * (number == 0),
        ]
    return "\n".join([*lines, "---"])


def size_word(rows: int) -> str:
    """The Hub's word for a number of rows."""
    if rows < 1000:
        return "n<1K"
    place = min(len(str(rows)) - 4, len(_SIZES) - 2)
    return f"{_SIZES[place]}<n<{_SIZES[place + 1]}"


def _description(manifest: Mapping[str, Any]) -> list[str]:
    text = str((manifest.get("spec") or {}).get("description") or "").strip()
    return [_plain(text)] if text else []


def _method(manifest: Mapping[str, Any]) -> list[str]:
    """How the values of each table were made, by which models, from which seed."""
    lines = []
    for name, table in ((manifest.get("spec") or {}).get("tables") or {}).items():
        ways = Counter(
            _WAYS.get(column.get("kind", ""), "sampled from distributions and rules")
            for column in (table.get("columns") or {}).values()
        )
        told = "; ".join(f"{way} ({count})" for way, count in ways.most_common())
        if table.get("source"):
            told = "; ".join(filter(None, (_WAYS["source"], told)))
        if told:
            lines.append(f"- `{_plain(name)}`: {told}")
    for name, usage in (manifest.get("models") or {}).items():
        lines.append(f"- language model `{_plain(str(usage.get('model') or name))}`:"
                     f" {usage['calls']:,} calls")  # fmt: skip
    if "seed" in manifest:
        lines.append(f"- seed {manifest['seed']}: the same spec and seed give the same rows")
    if manifest.get("fake"):
        lines.append("- **made with the fake model**: texts are placeholders")
    if masking := manifest.get("masking"):
        lines.append(f"- masked: {_plain(', '.join(masking.get('tables', ())))}")
    if source := _source(manifest):
        lines.append(source)
    return ["\n".join(lines) or "The manifest of these tables does not say."]


def _source(manifest: Mapping[str, Any]) -> str:
    started = (manifest.get("timings") or {}).get("started")
    return f"- made on {started[:10]}" if started else ""


def _checks(checks: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (
            check.get("table", ""),
            check.get("name") or check.get("rule") or check.get("kind") or "",
            _VERDICTS[check.get("passed") if check.get("judged", True) else None],
        )
        for check in checks
    ]
    return _grid(("table", "check", "result"), rows) if rows else "No checks were asked for."


def _gates(gates: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (gate["table"], gate["title"], gate["rule"], gate["value"], _VERDICTS[gate["passed"]])
        for gate in gates
    ]
    if not rows:
        return "The data was not measured against gates before it was pushed."
    return _grid(("table", "metric", "gate", "value", "result"), rows)


def _grid(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    head = list(header)
    lines = [head, ["---"] * len(head), *([_plain(str(cell)) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """A text in one line of Markdown, whose marks mean nothing."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
