"""Holds synthetic tables against real ones: every metric that can be measured, as one report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.checks.evaluate import evaluate as evaluate_checks
from fabula.checks.results import CheckResults
from fabula.errors import SourceError, UsageError, column_hint, did_you_mean
from fabula.evaluation.findings import TableReport
from fabula.evaluation.fitted_rows import Model, fitted_model, replaced_columns, warnings_of
from fabula.evaluation.gates import GatesLike, judge, read_gates
from fabula.evaluation.metrics import held_out, nearest_records, plot_data, reidentification
from fabula.evaluation.metrics.frames import Frames, prepare
from fabula.evaluation.metrics.metric import SECTIONS, Metric, asks_for, measured, wanted
from fabula.evaluation.metrics.related_tables import relational
from fabula.evaluation.metrics.result import MetricResult
from fabula.evaluation.metrics.rules_across import rules_kept
from fabula.evaluation.report import Report
from fabula.inference.resolve import SpecLike, resolve
from fabula.io.run_files import MANIFEST, read_object
from fabula.io.tables import folder_of, named_tables, tables_called
from fabula.relationships.declared_keys import keys_of
from fabula.relationships.keys import Keys, key_labels
from fabula.render.cells import watched
from fabula.runs.dataset import Dataset
from fabula.runs.records import record
from fabula.types import ProgressLike, TableLike


def evaluate(
    synthetic: TableLike,
    *,
    real: TableLike | None = None,
    holdout: TableLike | None = None,
    target: str | None = None,
    positive: str | None = None,
    protected: Sequence[str] = (),
    quasi: Sequence[str] = (),
    confidential: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    sequence: Sequence[str] = (),
    spec: SpecLike | None = None,
    model: Model | None = None,
    sections: Sequence[str] | None = None,
    metrics: Sequence[str | Metric] | None = None,
    gates: GatesLike = False,
    seed: int = 0,
    progress: ProgressLike = None,
) -> Report:
    """Measure how realistic, private, fair and diverse synthetic data is.

    Args:
        synthetic: The data under test, in any form.
        real: The data to compare with; without it, only metrics of the synthetic data are measured.
        holdout: Real rows that the synthesizer never saw: the baseline of most numbers, and
            what attacks on privacy need.
        target: The column that models predict, and the outcome that bias is about.
        positive: The target's label that counts as good; by default the rarer one of two.
        protected: Columns that define groups of people.
        quasi: Columns that together single people out; by default those whose names say so.
            Attacks by linkage and homogeneity are tried if they are named.
        confidential: Columns that homogeneity guesses from `quasi`; by default all others.
        sensitive: Columns of any type whose real values must occur nowhere; by default those of
            personal details, found by their values, and texts that differ from row to row.
        sequence: The columns of an entity and a time, `("customer_id", "placed")`, of events.
        spec: A spec whose checks the data must keep, and whose references relate the tables;
            without one, relations are found by names and values.
        model: What `fit` returned, or its file: the report warns if `real` is not its training
            data, or `holdout` not its holdout.
        sections: Some of `quality`, `privacy`, `bias`, `diversity`; by default all.
        metrics: Only these, as keys or as metrics of your own; by default all of the sections.
        gates: Bounds that must hold: `["quality.shapes>=0.9"]`, `{"quality.shapes": 0.9}`, or
            True for every metric's own. `raise_for_gates()` of the report acts on them.
        seed: Decides which rows are sampled; the same data and seed give the same numbers.
        progress: Called with a table's name, metrics measured and metrics in all. In a notebook,
            progress shows below the cell, unless this is False.

    Raises:
        SourceError: The data can't be read or compared.
        UsageError: A column, section or metric that is named does not exist.

    Examples:
        >>> import fabula as fb
        >>> people = fb.preview("age int 18..90, plan choice free|pro", n=300)
        >>> evaluate(people, real=people).passed
        True
    """
    sections = sections or SECTIONS
    if unknown := [name for name in sections if name not in SECTIONS]:
        raise UsageError(
            f"there is no section `{unknown[0]}`",
            code="evaluate.unknown-section",
            hint=did_you_mean(unknown[0], SECTIONS) or f"choose from {', '.join(SECTIONS)}",
        )
    chosen = wanted(metrics, sections)
    bounds = read_gates(gates)
    made = named_tables(synthetic)
    there = _matching(made, real, "real")
    held = _matching(made, holdout, "holdout")
    if held and not there:
        raise UsageError(
            "a holdout is compared with real rows, and none were given",
            code="evaluate.no-real",
            hint="pass them as `real`, too",
        )
    there, held, overlaps = held_out.apart(there, held)
    fitted = None if model is None else fitted_model(model)
    doubts = {} if fitted is None else warnings_of(fitted, there, held)
    for name, warning in held_out.published(made, there, held).items():
        doubts.setdefault(name, []).append(warning)
    _must_exist(
        made, [name for name in (target, *protected, *quasi, *confidential, *sequence) if name]
    )
    _must_have_values(there, made, sensitive)
    _must_be_sequence(made, sequence)
    if target in protected:
        raise UsageError(
            f"`{target}` can't be both the outcome and what defines the groups",
            code="evaluate.target-protected",
            hint="leave it out of `protected`, or name another `target`",
        )
    if confidential and (not quasi or {*quasi} & {*confidential}):
        raise UsageError(
            "confidential columns are guessed from quasi-identifiers, which are other columns",
            code="evaluate.confidential",
            hint="name those that people are known by with `--quasi`, such as `--quasi age,sex`",
        )
    rules, checks = None if spec is None else resolve(spec), CheckResults()
    if rules is not None:
        there_are = tables_called(made, list(rules.tables))
        checks = evaluate_checks(rules, there_are, folder=folder_of(synthetic))
    keys = keys_of(there or made, rules)
    pointing = frozenset(column for key in keys.foreign for column in key.columns)
    keyed = {name: keys.of(name) if len(made) > 1 else pointing for name in made}
    prepared = {
        name: _prepared(
            f"{name}: " if len(made) > 1 else "",
            table, there.get(name), held.get(name), keys=keyed[name], seed=seed,
        )
        for name, table in made.items()
    }  # fmt: skip
    for name, frames in prepared.items():
        if frames.real and all(column.family == "other" for column in frames.columns):
            doubts.setdefault(name, []).append(
                "No column has values that can be compared: nothing was measured on this table."
            )
    related = {}
    if any(metric.measure is None for metric in chosen):
        related = relational(made, there, prepared, keys.foreign)
        for name, result in rules_kept(made, there, keys).items() if there else ():
            related.setdefault(name, []).append(result)
    replaced = {} if fitted is None else replaced_columns(fitted, list(made))
    secrets = {
        name: reidentification.secrets_of(frames, sensitive, replaced.get(name, ()))
        for name, frames in prepared.items()
        if frames.real and any(asks_for("secrets", metric) for metric in chosen)
    }
    reports, watch = [], watched(progress)
    for name, frames in prepared.items():
        keeps = partial(_present, frames, many=len(made) > 1)
        elsewhere = (item for other in secrets if other != name for item in secrets[other])
        known: dict[str, Any] = {
            "target": target and keeps(target),
            "positive": positive,
            "protected": list(filter(keeps, protected)) or None,
            "quasi": list(filter(keeps, quasi)) or None,
            "confidential": list(filter(keeps, confidential)) or None,
            "sensitive": sensitive or None,
            "secrets": secrets.get(name, ()),
            "parents": _parents(name, there, keys),
            "others": [item for item in elsewhere if not item.only],
            "sequence": sequence
            if {*sequence} <= {*made[name].column_names} and sequence
            else None,
        }
        told: Callable[[int, int], None] = (
            partial(watch, name if len(made) > 1 else "evaluate") if watch else lambda *_: None
        )
        results = _measured(frames, chosen, known, related.get(name, ()), told)
        told(len(chosen), len(chosen))
        said = [overlaps[name]] if name in overlaps else []
        group = known["target"] or next(iter(known["protected"] or ()), None)
        table_report = _table_report(name, frames, results, said, group)
        reports.append(replace(table_report, warnings=tuple(doubts.get(name, ()))))
    return Report(
        tables=tuple(reports),
        gates=judge(bounds, [(report.name, report.results) for report in reports]),
        checks=checks,
        seed=seed,
        fake=_is_fake(synthetic),
    )


def _parents(name: str, there: Mapping[str, pa.Table], keys: Keys) -> list[NDArray[np.int64]]:
    """The parent of each real row of a table, by foreign key; missing ones are one parent."""
    pointing = [key.columns for key in keys.foreign if key.child == name and key.parent in there]
    labels = [key_labels(there[name], columns).combine_chunks() for columns in pointing]
    coded = [each.dictionary_encode("encode").indices.to_numpy() for each in labels]
    return [codes.astype(np.int64) for codes in coded]


def _prepared(name: str, *tables: pa.Table | None, **how: Any) -> Frames:
    """The tables aligned; an error names the table of several."""
    made, real, holdout = tables
    assert made is not None
    try:
        return prepare(made, real, holdout, **how)
    except SourceError as error:
        if name:
            error.message = f"{name}{error.message}"
            error.args = (error.message,)
        raise


def _measured(
    frames: Frames,
    metrics: Sequence[Metric],
    known: dict[str, Any],
    related: Sequence[MetricResult],
    told: Callable[[int, int], None],
) -> tuple[MetricResult, ...]:
    """Every metric that makes sense for this table, by section."""
    near = any(asks_for("distances", metric) for metric in metrics)
    if near and frames.real is not None and frames.measured:
        known = {**known, "distances": nearest_records.distances_to_real(frames)}
    keys = {metric.key for metric in metrics}
    results = measured(metrics, frames, known, told)
    results += [result for result in related if result.key in keys]
    return tuple(sorted(results, key=lambda result: SECTIONS.index(result.section)))


def _table_report(
    name: str, frames: Frames, results: tuple[MetricResult, ...], overlap: Sequence[str],
    group: str | None,
) -> TableReport:  # fmt: skip
    notes = [*overlap, *frames.notes]
    if frames.real and not frames.holdout and not overlap:
        notes.append(
            "No holdout was given: baselines compare two halves of the real rows, and attacks "
            "can't be distinguished from guessing."
        )
    return TableReport(
        name=name,
        rows={
            frame: part.rows
            for frame, part in (
                ("synthetic", frames.synthetic), ("real", frames.real), ("holdout", frames.holdout)
            )
            if part is not None
        },
        columns=len(frames.columns),
        results=results,
        notes=tuple(notes),
        distributions=plot_data.distributions(frames),
        heat=plot_data.heat(frames) if frames.real else None,
        scatter=plot_data.scatter(frames, group),
    )  # fmt: skip


def _present(frames: Frames, name: str, *, many: bool) -> str | None:
    """A named column, unless it belongs to another of several tables."""
    return name if not many or frames.column(name) else None


def _must_exist(tables: Mapping[str, pa.Table], names: Sequence[str]) -> None:
    known = _columns(tables)
    for name in names:
        if name not in known:
            raise _unknown(f"the synthetic data has no column `{name}`", name, known)


def _must_have_values(
    real: Mapping[str, pa.Table], made: Mapping[str, pa.Table], names: Sequence[str]
) -> None:
    """Sensitive columns are columns of the real data: their values are what is looked for."""
    if names and not real:
        raise UsageError(
            f"values of `{names[0]}` can't be searched for without the real data",
            code="evaluate.no-real",
            hint="pass it as `real`, too",
        )
    known = _columns(real)
    for name in names:
        if name not in known:
            only = ", only the synthetic data: there are no values to look for"
            said = f"the real data has no column `{name}`" + only * (name in _columns(made))
            raise _unknown(said, name, known)


def _columns(tables: Mapping[str, pa.Table]) -> list[str]:
    return [name for table in tables.values() for name in table.column_names]


def _unknown(said: str, name: str, known: Sequence[str]) -> UsageError:
    return UsageError(said, code="evaluate.unknown-column", hint=column_hint(name, known))


def _must_be_sequence(tables: Mapping[str, pa.Table], sequence: Sequence[str]) -> None:
    """A sequence is an entity and a time, and some table has both."""
    together = any(set(sequence) <= set(table.column_names) for table in tables.values())
    if sequence and (len(sequence) != 2 or isinstance(sequence, str) or not together):
        raise UsageError(
            "a sequence is two columns of one table: an entity and a time",
            code="evaluate.sequence",
            hint="name both, such as `--sequence customer_id,placed`",
        )


def _is_fake(data: TableLike) -> bool:
    """Whether a run made the data with the fake model."""
    if isinstance(data, str | os.PathLike):
        return bool((read_object(record(Path(data), MANIFEST)) or {}).get("fake"))
    return isinstance(data, Dataset) and bool(data.manifest.get("fake"))


def _matching(
    made: Mapping[str, pa.Table], data: TableLike | None, frame: str
) -> dict[str, pa.Table]:
    """The real tables by the synthetic ones' names; single tables match whatever their name."""
    if data is None:
        return {}
    tables = named_tables(data)
    if len(made) == 1 and len(tables) == 1:
        return dict(zip(made, tables.values(), strict=True))
    if missing_tables := [name for name in made if name not in tables]:
        raise SourceError(
            f"the {frame} data has no table `{missing_tables[0]}`",
            code="source.missing-table",
            hint=did_you_mean(missing_tables[0], tables)
            or f"it has {', '.join(f'`{name}`' for name in tables)}",
        )
    return {name: tables[name] for name in made}
