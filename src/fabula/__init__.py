"""Fabula generates synthetic data from one spec, by any method, and reports what it generated.

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
        generate,
        load,
        plan,
        preview,
        rehearse,
        resolve,
        validate,
    )
    from fabula.augment.conversations.ask import aconversations, conversations
    from fabula.augment.extend import aextend, extend
    from fabula.augment.grounded.ask import agrounded, grounded
    from fabula.augment.pairs.ask import apairs, pairs
    from fabula.augment.rewriting.rewrite import arewrite, rewrite
    from fabula.augment.rows import arows, rows
    from fabula.augment.solving.solve import asolve, solve
    from fabula.augment.tools.tool import Tool
    from fabula.dedup import near_duplicates
    from fabula.describing.describe import adescribe, describe
    from fabula.describing.extract import aextract, extract
    from fabula.errors import FabulaError
    from fabula.evaluation.evaluate import evaluate
    from fabula.evaluation.report import Report
    from fabula.inference.infer import infer
    from fabula.llm.providers.dry_run import Rehearsal
    from fabula.media.filming import film
    from fabula.media.own_pictures import scan_pictures
    from fabula.media.speech.talks import speak
    from fabula.planning.plan import Plan
    from fabula.privacy.hybrid.blending import Blended, blend
    from fabula.privacy.hybrid.learned_columns import Synthesized, synthesize
    from fabula.privacy.kanonymity.generalised import Generalised
    from fabula.privacy.kanonymity.releasing import generalise
    from fabula.privacy.mask import mask
    from fabula.privacy.masked import Masked
    from fabula.privacy.scan import scan
    from fabula.privacy.unmask import Unmasked, unmask
    from fabula.review.judges import judges
    from fabula.review.review import review_export, review_import
    from fabula.runs.calibration import Calibrated, calibrate
    from fabula.runs.dataset import Dataset
    from fabula.runs.mesa_models import record_mesa
    from fabula.runs.program import program, run_program
    from fabula.runs.regions import simulate_regions
    from fabula.runs.replicates import Replicates, replicate
    from fabula.runs.shares.merge import merge
    from fabula.runs.simulation import simulate
    from fabula.runs.tracking import log_run
    from fabula.spec import col
    from fabula.spec.tables import DatasetSpec, TableSpec
    from fabula.synthesizers.advice import Advice, advise
    from fabula.synthesizers.fitting import fit
    from fabula.synthesizers.multitable.database import RelationalSynthesizer
    from fabula.synthesizers.pictures.judging import PictureReport, evaluate_pictures
    from fabula.synthesizers.pictures.learned import (
        PictureSynthesizer,
        contact_sheet,
        fit_pictures,
    )
    from fabula.synthesizers.synthesizer import Synthesizer, load_synthesizer
    from fabula.testing.strategies import strategy
    from fabula.topics.report import balance, balance_plan
    from fabula.training.export import export
    from fabula.training.worth import worth
    from fabula.web.server import View, view

__version__ = "0.1.0"

__all__ = [
    "Advice",
    "Blended",
    "Calibrated",
    "Dataset",
    "DatasetSpec",
    "FabulaError",
    "Generalised",
    "Masked",
    "PictureReport",
    "PictureSynthesizer",
    "Plan",
    "Rehearsal",
    "RelationalSynthesizer",
    "Replicates",
    "Report",
    "Synthesized",
    "Synthesizer",
    "TableSpec",
    "Tool",
    "Unmasked",
    "View",
    "__version__",
    "aconversations",
    "adescribe",
    "advise",
    "aextend",
    "aextract",
    "agrounded",
    "apairs",
    "arewrite",
    "arows",
    "asolve",
    "balance",
    "balance_plan",
    "blend",
    "calibrate",
    "col",
    "contact_sheet",
    "conversations",
    "describe",
    "evaluate",
    "evaluate_pictures",
    "export",
    "extend",
    "extract",
    "film",
    "fit",
    "fit_pictures",
    "generalise",
    "generate",
    "grounded",
    "infer",
    "judges",
    "load",
    "load_synthesizer",
    "log_run",
    "mask",
    "merge",
    "near_duplicates",
    "pairs",
    "plan",
    "preview",
    "program",
    "record_mesa",
    "rehearse",
    "replicate",
    "resolve",
    "review_export",
    "review_import",
    "rewrite",
    "rows",
    "run_program",
    "scan",
    "scan_pictures",
    "simulate",
    "simulate_regions",
    "solve",
    "speak",
    "strategy",
    "synthesize",
    "unmask",
    "validate",
    "view",
    "worth",
]

_HOMES = {
    "api": "generate load plan preview rehearse resolve validate",
    "augment.conversations.ask": "aconversations conversations",
    "augment.extend": "aextend extend",
    "augment.grounded.ask": "agrounded grounded",
    "augment.pairs.ask": "apairs pairs",
    "augment.rewriting.rewrite": "arewrite rewrite",
    "augment.rows": "arows rows",
    "augment.solving.solve": "asolve solve",
    "augment.tools.tool": "Tool",
    "dedup": "near_duplicates",
    "describing.describe": "adescribe describe",
    "describing.extract": "aextract extract",
    "errors": "FabulaError",
    "evaluation.evaluate": "evaluate",
    "evaluation.report": "Report",
    "inference.infer": "infer",
    "llm.providers.dry_run": "Rehearsal",
    "media.filming": "film",
    "media.own_pictures": "scan_pictures",
    "media.speech.talks": "speak",
    "planning.plan": "Plan",
    "privacy.hybrid.blending": "Blended blend",
    "privacy.hybrid.learned_columns": "Synthesized synthesize",
    "privacy.kanonymity.generalised": "Generalised",
    "privacy.kanonymity.releasing": "generalise",
    "privacy.mask": "mask",
    "privacy.masked": "Masked",
    "privacy.scan": "scan",
    "privacy.unmask": "Unmasked unmask",
    "review.judges": "judges",
    "review.review": "review_export review_import",
    "runs.calibration": "Calibrated calibrate",
    "runs.dataset": "Dataset",
    "runs.mesa_models": "record_mesa",
    "runs.program": "program run_program",
    "runs.replicates": "Replicates replicate",
    "runs.regions": "simulate_regions",
    "runs.shares.merge": "merge",
    "runs.simulation": "simulate",
    "runs.tracking": "log_run",
    "spec.tables": "DatasetSpec TableSpec",
    "synthesizers.advice": "Advice advise",
    "synthesizers.fitting": "fit",
    "synthesizers.multitable.database": "RelationalSynthesizer",
    "synthesizers.pictures.judging": "PictureReport evaluate_pictures",
    "synthesizers.pictures.learned": "PictureSynthesizer contact_sheet fit_pictures",
    "synthesizers.synthesizer": "Synthesizer load_synthesizer",
    "testing.strategies": "strategy",
    "topics.report": "balance balance_plan",
    "training.export": "export",
    "training.worth": "worth",
    "web.server": "View view",
}
"""The public names of each module."""

_MODULES = {name: home for home, names in _HOMES.items() for name in names.split()}


@cache
def __getattr__(name: str) -> Any:
    if name == "col":
        return import_module("fabula.spec.col")
    if name not in _MODULES:
        raise AttributeError(f"module `fabula` has no attribute `{name}`")
    try:
        found = getattr(import_module(f"fabula.{_MODULES[name]}"), name)
    except ImportError as error:
        from fabula.extras import missing_extra

        if missing := missing_extra(error, needed_by=f"`fb.{name}`"):
            raise missing from error
        raise
    if not callable(found) or isinstance(found, type):
        return found
    from fabula.options import known_options

    verb = known_options(found)
    verb.__module__ = __name__  # where pickle finds it
    return verb


def __dir__() -> list[str]:
    return sorted(__all__)
