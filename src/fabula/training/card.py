"""The card of a folder of training files: what the Hub's viewer and `datasets` read first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from fabula.hub.card import size_word
from fabula.training.tokens import TokenCount


def set_card(
    files: Sequence[tuple[Path, int]],
    *,
    form: str,
    title: str,
    asked: int,
    left_out: Mapping[str, int],
    tokens: TokenCount | None,
    license_id: str = "",
) -> str:
    """The text of `README.md` of a folder with an export's files and their numbers of rows."""
    rows = sum(count for _, count in files)
    facts = ["---", f"pretty_name: {json.dumps(title)}"]
    facts += [f"license: {json.dumps(license_id)}"] if license_id else []
    facts += ["task_categories:", "- text-generation"]
    facts += ["tags:", "- synthetic", "- fabula", "size_categories:", f"- {size_word(rows)}"]
    facts += ["configs:", "- config_name: default", "  data_files:"]
    for path, _ in files:
        split = path.stem if len(files) > 1 else "train"
        facts += [f"  - split: {json.dumps(split)}", f"    path: {json.dumps(path.name)}"]
    lines = [
        "\n".join([*facts, "---"]),
        f"# {title}",
        f"**Synthetic data**, written by Fabula {version('fabula')} in the format `{form}`.",
        "\n".join(f"- `{path.name}`: {count:,} examples" for path, count in files),
    ]
    if left_out:
        told = "\n".join(f"- {count:,}: {reason}" for reason, count in left_out.items())
        lines.append(f"Of {asked:,} rows, these are left out:\n\n{told}")
    if tokens is not None:
        lines.append(f"About {tokens.total:,} tokens (an estimate).")
    lines += ["## Licence", license_id or "Not stated."]
    return "\n\n".join(lines) + "\n"
