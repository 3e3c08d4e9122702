"""What people and other tools call the kinds and keys of a spec, for hints."""

from __future__ import annotations

from collections.abc import Sequence

from fabula.errors import did_you_mean
from fabula.kinds import KINDS

SYNONYMS = {
    "type": "kind",
    "mu": "mean",
    "std_dev": "std",
    "stddev": "std",
    "rows": "n",
    "count": "n",
    "size": "n",
    "options": "values",
    "categories": "values",
    "choices": "values",
    "probability": "p",
    "precision": "decimals",
    "round": "decimals",
    "parent": "to",
    "table": "to",
    "references": "to",
    "minimum": "min",
    "maximum": "max",
    "low": "min",
    "high": "max",
    "null": "nulls",
    "missing": "nulls",
    "nullable": "nulls",
    "constraints": "checks",
    "rules": "checks",
}
"""The key here, by the word elsewhere; kinds tell theirs themselves."""


def suggestion(word: str, known: Sequence[str]) -> str | None:
    """A "did you mean" hint for a kind or key, from what other tools call it or its spelling."""
    synonyms = {alias: name for name, kind in KINDS.items() for alias in kind.aka} | SYNONYMS
    synonym = synonyms.get(word.lower())
    return f"did you mean `{synonym}`?" if synonym in known else did_you_mean(word, known)
