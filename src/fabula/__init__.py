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
    from fabula.augment.extend import aextend, extend
    from fabula.augment.pairs.ask import apairs, pairs
    from fabula.augment.rows import arows, rows
    from fabula.dedup import near_duplicates
    from fabula.describing.describe import adescribe, describe
    from fabula.describing.extract import aextract, extract
    from fabula.errors import FabulaError
    from fabula.evaluation.report import Report
    from fabula.llm.providers.dry_run import Rehearsal
    from fabula.planning.plan import Plan
    from fabula.privacy.mask import Masked, mask
    from fabula.privacy.scan import scan
    from fabula.review.review import review_export, review_import
    from fabula.runs.dataset import Dataset
    from fabula.runs.program import program, run_program
    from fabula.spec import col
    from fabula.spec.tables import DatasetSpec, TableSpec
    from fabula.synthesizers.fitting import fit
    from fabula.synthesizers.multitable.database import RelationalSynthesizer
    from fabula.synthesizers.synthesizer import Synthesizer, load_synthesizer
    from fabula.topics.report import balance, balance_plan
    from fabula.training.export import export

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "DatasetSpec",
    "FabulaError",
    "Masked",
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
    "mask",
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
    "scan",
    "validate",
]

_HOMES = {
    "Dataset": "fabula.runs.dataset",
    "DatasetSpec": "fabula.spec.tables",
    "FabulaError": "fabula.errors",
    "Masked": "fabula.privacy.mask",
    "Plan": "fabula.planning.plan",
    "Rehearsal": "fabula.llm.providers.dry_run",
    "RelationalSynthesizer": "fabula.synthesizers.multitable.database",
    "Report": "fabula.evaluation.report",
    "Synthesizer": "fabula.synthesizers.synthesizer",
    "TableSpec": "fabula.spec.tables",
    "adescribe": "fabula.describing.describe",
    "aextend": "fabula.augment.extend",
    "aextract": "fabula.describing.extract",
    "apairs": "fabula.augment.pairs.ask",
    "arows": "fabula.augment.rows",
    "balance": "fabula.topics.report",
    "balance_plan": "fabula.topics.report",
    "describe": "fabula.describing.describe",
    "evaluate": "fabula.api",
    "export": "fabula.training.export",
    "extend": "fabula.augment.extend",
    "extract": "fabula.describing.extract",
    "fit": "fabula.synthesizers.fitting",
    "generate": "fabula.api",
    "infer": "fabula.api",
    "load": "fabula.api",
    "load_synthesizer": "fabula.synthesizers.synthesizer",
    "mask": "fabula.privacy.mask",
    "near_duplicates": "fabula.dedup",
    "pairs": "fabula.augment.pairs.ask",
    "plan": "fabula.api",
    "preview": "fabula.api",
    "program": "fabula.runs.program",
    "rehearse": "fabula.api",
    "resolve": "fabula.api",
    "review_export": "fabula.review.review",
    "review_import": "fabula.review.review",
    "rows": "fabula.augment.rows",
    "run_program": "fabula.runs.program",
    "scan": "fabula.privacy.scan",
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
