"""What the tables of a program must keep before they are written.

Three layers, each in words that name table, column, values and counts: the tables are there with
their rows, columns and types (`structure`); the columns keep what their kinds promise, and the
spec's own checks hold (`fabula.checks`); links are sound (`link_checks`).
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from fabula.checks.data import Data
from fabula.checks.evaluate import check_result, evaluate_on
from fabula.checks.results import CheckResult, CheckResults
from fabula.codegen.infer_schema import guessed_spec
from fabula.codegen.kind_checks import key_results, promised_checks
from fabula.codegen.link_checks import link_results
from fabula.codegen.structure import finding, structure_results
from fabula.codegen.targets import Targets
from fabula.inference.prompt_tables import links_by_name
from fabula.spec import col
from fabula.spec.tables import DatasetSpec


def spec_of(wanted: Targets, tables: Mapping[str, pa.Table]) -> DatasetSpec:
    """The spec that the tables are compared with: the one asked, else one guessed from names.

    Links that the request leaves to the program are in it, as the program named them.
    """
    if wanted.spec is None:
        return guessed_spec(wanted.name, tables)
    spec = wanted.spec
    keyed = {name for name, table in spec.tables.items() if table.key}
    grown = dict(spec.tables)
    for name in wanted.any_links & tables.keys():
        table = spec.tables[name]
        extra = [column for column in tables[name].column_names if column not in table.columns]
        links = links_by_name(name, extra, keyed)
        more = {column: col.reference(parent) for column, parent in links.items()}
        grown[name] = table.model_copy(update={"columns": {**table.columns, **more}})
    return spec.model_copy(update={"tables": grown})


def gate(wanted: Targets, tables: Mapping[str, pa.Table]) -> CheckResults:
    """Everything that is to hold, and whether it does."""
    if not tables:
        return CheckResults((_nothing(wanted),))
    spec = spec_of(wanted, tables)
    results = [*structure_results(wanted, tables, spec)]
    with Data(tables) as data:
        results += evaluate_on(data, spec, structure=True)
        for name, rows in tables.items():
            results += key_results(spec.tables[name], rows, strict=wanted.strict)
            promised = promised_checks(spec.tables[name], strict=wanted.strict)
            results += [check_result(spec, data, name, check) for check in promised]
        results += link_results(spec, tables, data)
    return CheckResults(tuple(results))


def failures_in_words(results: CheckResults) -> str:
    """The failed gates for the model, one per line."""
    failed = [f"- {result.table}: {result.message}" for result in results.failed]
    return "The program runs, but its tables are not right:\n" + "\n".join(failed)


def _nothing(wanted: Targets) -> CheckResult:
    name = wanted.tables[0].name if wanted.tables else wanted.name
    message = (
        "the program produces no table: assign each one, as a pandas DataFrame, to a variable "
        "at the top level"
    )
    return finding(name, "table", "table exists", message, failing=1)
