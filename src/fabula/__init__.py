"""Fabula makes synthetic data by every method, from one spec, and proves what it made.

    >>> import fabula as fb
    >>> fb.preview("name person.name, age int 18..90", n=3).num_rows
    3

Everything is imported when it is first used, so that `import fabula` costs next to nothing.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fabula.api import (
        evaluate,
        generate,
        infer,
        load,
        plan,
        preview,
        rehearse,
        resolve,
        validate,
    )
    from fabula.errors import FabulaError
    from fabula.llm.rehearsal import Rehearsal
    from fabula.planning.plan import Plan
    from fabula.reports.balance import balance, balance_plan
    from fabula.reports.report import Report
    from fabula.runs.dataset import Dataset
    from fabula.runs.program import program, run_program
    from fabula.spec import col
    from fabula.spec.tables import DatasetSpec, TableSpec
    from fabula.synthesizers.fitting import fit
    from fabula.synthesizers.relational.database import RelationalSynthesizer
    from fabula.synthesizers.synthesizer import Synthesizer, load_synthesizer
    from fabula.texts.describe import adescribe, describe
    from fabula.texts.exports.export import export
    from fabula.texts.extend import aextend, extend
    from fabula.texts.extract import aextract, extract
    from fabula.texts.near_duplicates import near_duplicates
    from fabula.texts.pairs.ask import apairs, pairs
    from fabula.texts.review import review_export, review_import
    from fabula.texts.rows import arows, rows

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "DatasetSpec",
    "FabulaError",
    "Plan",
    "Rehearsal",
    "RelationalSynthesizer",
    "Report",
    "Synthesizer",
    "TableSpec",
    "__version__",
    "adescribe",
    "aextend",
    "aextract",
    "apairs",
    "arows",
    "balance",
    "balance_plan",
    "col",
    "describe",
    "evaluate",
    "export",
    "extend",
    "extract",
    "fit",
    "generate",
    "infer",
    "load",
    "load_synthesizer",
    "near_duplicates",
    "pairs",
    "plan",
    "preview",
    "program",
    "rehearse",
    "resolve",
    "review_export",
    "review_import",
    "rows",
    "run_program",
    "validate",
]

_HOMES = {
    "Dataset": "fabula.runs.dataset",
    "DatasetSpec": "fabula.spec.tables",
    "FabulaError": "fabula.errors",
    "Plan": "fabula.planning.plan",
    "Rehearsal": "fabula.llm.rehearsal",
    "RelationalSynthesizer": "fabula.synthesizers.relational.database",
    "Report": "fabula.reports.report",
    "Synthesizer": "fabula.synthesizers.synthesizer",
    "TableSpec": "fabula.spec.tables",
    "adescribe": "fabula.texts.describe",
    "aextend": "fabula.texts.extend",
    "aextract": "fabula.texts.extract",
    "apairs": "fabula.texts.pairs.ask",
    "arows": "fabula.texts.rows",
    "balance": "fabula.reports.balance",
    "balance_plan": "fabula.reports.balance",
    "describe": "fabula.texts.describe",
    "evaluate": "fabula.api",
    "export": "fabula.texts.exports.export",
    "extend": "fabula.texts.extend",
    "extract": "fabula.texts.extract",
    "fit": "fabula.synthesizers.fitting",
    "generate": "fabula.api",
    "infer": "fabula.api",
    "load": "fabula.api",
    "load_synthesizer": "fabula.synthesizers.synthesizer",
    "near_duplicates": "fabula.texts.near_duplicates",
    "pairs": "fabula.texts.pairs.ask",
    "plan": "fabula.api",
    "preview": "fabula.api",
    "program": "fabula.runs.program",
    "rehearse": "fabula.api",
    "resolve": "fabula.api",
    "review_export": "fabula.texts.review",
    "review_import": "fabula.texts.review",
    "rows": "fabula.texts.rows",
    "run_program": "fabula.runs.program",
    "validate": "fabula.api",
}
"""Where each public name lives."""


@cache
def __getattr__(name: str) -> Any:
    if name == "col":
        return import_module("fabula.spec.col")
    if name not in _HOMES:
        raise AttributeError(f"module `fabula` has no attribute `{name}`")
    found = getattr(import_module(_HOMES[name]), name)
    if not callable(found) or isinstance(found, type):
        return found
    from fabula.options import known_options

    verb = known_options(found)
    verb.__module__ = __name__  # where pickle finds it
    return verb


def __dir__() -> list[str]:
    return sorted(__all__)
