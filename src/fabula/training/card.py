"""The card of a folder of training files: what the Hub's viewer and `datasets` read first."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING

from fabula.hub.card import size_word

if TYPE_CHECKING:
    from fabula.training.export import Export


def set_card(made: Export, *, form: str, title: str, license_id: str = "") -> str:
    """The text of `README.md` of a folder with an export's files."""
    rows = sum(file.rows for file in made.files)
    facts = ["---", f"pretty_name: {json.dumps(title)}"]
    facts += [f"license: {json.dumps(license_id)}"] if license_id else []
    facts += ["task_categories:", "- text-generation"]
    facts += ["tags:", "- synthetic", "- fabula", "size_categories:", f"- {size_word(rows)}"]
    facts += ["configs:", "- config_name: default", "  data_files:"]
    for file in made.files:
        name = file.path.stem
        split = name if len(made.files) > 1 else "train"
        facts += [f"  - split: {json.dumps(split)}", f"    path: {json.dumps(file.path.name)}"]
    lines = [
        "\n".join([*facts, "---"]),
        f"# {title}",
        f"**Synthetic data**, written by Fabula {version('fabula')} in the format `{form}`.",
        "\n".join(f"- `{file.path.name}`: {file.rows:,} examples" for file in made.files),
    ]
    if made.left_out:
        told = "\n".join(f"- {count:,}: {reason}" for reason, count in made.left_out.items())
        lines.append(f"Of {made.asked:,} rows, these are left out:\n\n{told}")
    if made.tokens is not None:
        lines.append(f"About {made.tokens.total:,} tokens (an estimate).")
    lines += ["## Licence", license_id or "Not stated."]
    return "\n\n".join(lines) + "\n"
