"""Fabula makes synthetic data by every method, from one spec, and proves what it made.

    >>> import fabula as fb
    >>> fb.preview("name person.name, age int 18..90", n=3).num_rows
    3

Everything is imported when it is first used, so that `import fabula` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fabula.api import evaluate, generate, infer, load, plan, preview, resolve, validate
    from fabula.errors import FabulaError
    from fabula.planning.plan import Plan
    from fabula.reports.report import Report
    from fabula.runs.dataset import Dataset
    from fabula.spec import col
    from fabula.spec.tables import DatasetSpec, TableSpec
    from fabula.synthesizers.fitting import fit
    from fabula.synthesizers.synthesizer import Synthesizer, load_synthesizer
    from fabula.texts.extend import aextend, extend
    from fabula.texts.review import review_export, review_import
    from fabula.texts.rows import arows, rows

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "DatasetSpec",
    "FabulaError",
    "Plan",
    "Report",
    "Synthesizer",
    "TableSpec",
    "__version__",
    "aextend",
    "arows",
    "col",
    "evaluate",
    "extend",
    "fit",
    "generate",
    "infer",
    "load",
    "load_synthesizer",
    "plan",
    "preview",
    "resolve",
    "review_export",
    "review_import",
    "rows",
    "validate",
]

_HOMES = {
    "Dataset": "fabula.runs.dataset",
    "DatasetSpec": "fabula.spec.tables",
    "FabulaError": "fabula.errors",
    "Plan": "fabula.planning.plan",
    "Report": "fabula.reports.report",
    "Synthesizer": "fabula.synthesizers.synthesizer",
    "TableSpec": "fabula.spec.tables",
    "aextend": "fabula.texts.extend",
    "arows": "fabula.texts.rows",
    "evaluate": "fabula.api",
    "extend": "fabula.texts.extend",
    "fit": "fabula.synthesizers.fitting",
    "generate": "fabula.api",
    "infer": "fabula.api",
    "load": "fabula.api",
    "load_synthesizer": "fabula.synthesizers.synthesizer",
    "plan": "fabula.api",
    "preview": "fabula.api",
    "resolve": "fabula.api",
    "review_export": "fabula.texts.review",
    "review_import": "fabula.texts.review",
    "rows": "fabula.texts.rows",
    "validate": "fabula.api",
}
"""Where each public name lives."""


def __getattr__(name: str) -> Any:
    if name == "col":
        return import_module("fabula.spec.col")
    if name not in _HOMES:
        raise AttributeError(f"module `fabula` has no attribute `{name}`")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
