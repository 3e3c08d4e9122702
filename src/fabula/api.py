"""Fabula's verbs as Python functions; the command line calls the same ones.

Each takes a spec in any form (`SpecLike`) and passes it on: `resolve` → `make_plan` →
`execute`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import Unpack

from fabula.errors import CheckError, PartialRunError, UsageError
from fabula.inference.inferred import Inferred
from fabula.inference.resolve import SpecLike, load, resolve
from fabula.io.destinations import LoadOptions, allowing, destination_of
from fabula.planning.plan import Plan
from fabula.planning.planner import make_plan
from fabula.planning.previews import PREVIEW_ROWS, shortened
from fabula.runs.settled import check_row_class, settled
from fabula.spec.models import ModelLike
from fabula.spec.tables import DatasetSpec, with_reasoning
from fabula.types import Path, ProgressLike, Size, TableLike

if TYPE_CHECKING:
    from fabula.checks.results import CheckResults
    from fabula.inference.check_shorthand import Declared
    from fabula.llm.cache.batched import OnBatch
    from fabula.llm.providers.dry_run import Rehearsal
    from fabula.review.notes import ReviewLike
    from fabula.runs.dataset import Dataset

__all__ = [
    "Inferred",
    "SpecLike",
    "generate",
    "load",
    "plan",
    "preview",
    "rehearse",
    "resolve",
    "validate",
]


def validate(spec: SpecLike, data: TableLike | None = None) -> CheckResults:
    """Validate a spec, or data against its checks.

    Args:
        spec: A spec in any form; or a `.jsonl` file, which is checked as a training dataset.
        data: Data to check against the spec, in any form. Without it, only the spec is checked.

    Returns:
        The result of every check; empty without data.

    Raises:
        SpecError: The spec has problems; `violations` lists all of them.
        SourceError: The data lacks a table, or can't be read.
    """
    from fabula.checks.contradictions import possible
    from fabula.checks.results import CheckResults

    if isinstance(spec, str | FilePath) and str(spec).endswith(".jsonl"):
        from fabula.training.check import training_results

        return training_results(FilePath(spec))
    resolved = settled(resolve(spec), forms_only=True)
    possible(make_plan(resolved, n=_one_where_unsized(resolved)))
    if data is None:
        return CheckResults()
    from fabula.checks.evaluate import evaluate
    from fabula.io.tables import folder_of, tables_called

    tables = tables_called(data, list(resolved.tables))
    return evaluate(resolved, tables, structure=True, folder=folder_of(data))


def plan(
    spec: SpecLike, n: Size = None, *, seed: int | None = None, model: ModelLike | None = None
) -> Plan:
    """Plan a run without generating rows or calling a model.

    Args:
        spec: A spec in any form.
        n: Rows, for the only table or by table; overrides the spec.
        seed: Overrides the spec's seed.
        model: One language model in place of every model of the spec: its name, or its settings.

    Raises:
        SpecError: The spec has problems; `violations` lists all of them.

    Examples:
        >>> plan("name person.name, age int 18..90", n=5).order
        ('rows',)
    """
    from fabula.checks.contradictions import possible

    ready = settled(resolve(spec), n, seed=seed)
    return possible(make_plan(ready, n=n, seed=seed, model=model))


def preview(
    spec: SpecLike,
    n: Size = PREVIEW_ROWS,
    *,
    seed: int | None = None,
    model: ModelLike | None = None,
    prompt: str | None = None,
) -> Dataset:
    """Generate a few rows of every table in memory; nothing is written.

    Every table has at most `n` rows, and references point into these small tables; rules that need
    the whole data (shares, correlations, counts) are left out.

    Args:
        spec: A spec in any form.
        n: Most rows of a table, for all or by table.
        seed: Overrides the spec's seed.
        model: One language model in place of every model of the spec: its name, or its settings.
        prompt: What the rows are about, for tables that don't say.

    Examples:
        >>> preview("name person.name, age int 18..90", n=2).num_rows
        2
    """
    from fabula.llm.session import models_of_run
    from fabula.runs.execute import execute
    from fabula.runs.options import RunOptions

    whole = settled(resolve(spec, prompt=prompt), seed=seed)
    small = shortened(whole, PREVIEW_ROWS if n is None else n)
    planned = make_plan(small, seed=seed, model=model)
    with models_of_run() as open_model:
        dataset = execute(planned, RunOptions(preview=True), open_model=open_model)
    check_row_class(planned.spec, dataset)
    return dataset


def generate(
    spec: SpecLike,
    n: Size = None,
    *,
    seed: int | None = None,
    output: Path | None = None,
    model: ModelLike | None = None,
    prompt: str | None = None,
    checks: Sequence[Declared] = (),
    review: ReviewLike | None = None,
    key_file: Path | None = None,
    format: str | None = None,  # noqa: A002  (the word that users know)
    fresh: bool = False,
    overwrite: bool = False,
    report: bool = False,
    workers: int = 1,
    executor: Literal["local", "ray"] = "local",
    address: str | None = None,
    batch: bool | OnBatch = False,
    reasoning: Literal["keep", "drop"] = "drop",
    blocks: str | None = None,
    max_rejects: float | int | None = None,
    max_calls: int | None = None,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    escape_formulas: bool | None = None,
    progress: ProgressLike = None,
    **loading: Unpack[LoadOptions],
) -> Dataset:
    """Generate the data, check it and write it.

    Args:
        spec: A spec in any form: a path, a mapping, a Pydantic class, one line …
        n: Rows, for the only table or by table; overrides the spec.
        seed: Overrides the spec's seed.
        output: A folder, or for one table a file, to write to; or a destination of all tables,
            such as `shop.sqlite` or `postgresql://localhost/shop`. Without one the data stays
            in memory.
        model: One language model in place of every model of the spec: its name, or its settings.
        prompt: What the rows are about, for tables that don't say.
        checks: Relations that the only table must keep: `price ~ size +` (they rise together),
            a SQL condition on a row, or a function of a row that returns True or False.
        review: Reviewers' comments on earlier rows: the notes from `review_import`, or their file.
        key_file: The key that replaces the people of real files; by default the file that
            `FABULA_KEY_FILE` names, or a key that is discarded.
        format: `parquet`, `csv`, `jsonl` or `arrow`; by default the file's ending, or `parquet`.
        fresh: Start over: reuse nothing from an earlier run, not even known replies.
        overwrite: Replace another run in the folder.
        report: Write `report.html` beside the data, too.
        workers: Parts of tables that are made at the same time.
        executor: Who makes the parts: `local`, or `ray` for the workers of a Ray cluster.
        address: The cluster's address, `host:6379` or `auto`; by default the one that
            `RAY_ADDRESS` names, else a cluster of `workers` that is started here.
        batch: Ask language models by their provider's batches: half the price, and answers
            within a day. The rows are the same; the same call waits on after it was stopped. A
            function is told the state and the size of a batch at each look.
        reasoning: `keep` adds a column `reasoning` of what the model thought to each table.
        blocks: `3/16`: make the third of 16 shares of the run alone, in `output`; `fabula.merge`
            puts them together. The rows of the share come back.
        max_rejects: Lost rows that are accepted: a share below 1, or a number of rows.
        max_calls: Most calls to language models.
        max_tokens: Most tokens, sent and received.
        max_cost: Most US dollars.
        escape_formulas: Put `'` before texts in CSV that a spreadsheet would run, such as
            `=HYPERLINK(…)`; otherwise they are counted in a warning and in the manifest.
        progress: Called with a table's name, its rows done and its rows asked. In a notebook,
            progress shows below the cell, unless this is False.
        **loading: Of a destination: `append`: add rows to tables that hold some. `truncate`: empty
            a database's tables first. `fast_load`: drop its indexes and constraints during the
            load. `allow_remote`: hosts other than this machine whose databases may be written to.
            `partition_by`: columns that divide tables into folders. `public`: let everybody read
            what is pushed to the Hub. `license`: its licence there.

    Raises:
        SpecError: The spec has problems; `violations` lists all of them.
        CheckError: The data fails a check, or the Pydantic class rejects a row. The written data is
            kept.
        PartialRunError: More rows were lost than allowed, or a limit was reached; the same
            call continues.

    Examples:
        >>> generate("name person.name, age int 18..90", n=100, seed=7).num_rows
        100
    """
    from fabula.databases.continuing import continued
    from fabula.inference.check_shorthand import with_checks
    from fabula.io.formulas import is_asked
    from fabula.llm.cache.budget import Budget
    from fabula.render.cells import watched
    from fabula.runs.cluster.session import session
    from fabula.runs.execute import execute
    from fabula.runs.loading import execute_to_destination, opened
    from fabula.runs.one_file import execute_to_file
    from fabula.runs.options import RunOptions
    from fabula.runs.records import is_file
    from fabula.runs.shares.sharing import Sharing

    if report and output is None:
        raise UsageError(
            "`report` needs an `output` to write the report to",
            code="usage.report",
            hint='name one: `output="out"`',
        )
    wanted = with_reasoning(with_checks(resolve(spec, prompt=prompt), checks), reasoning)
    if review is not None:
        from fabula.review.notes import with_review

        wanted = with_review(wanted, review)
    permitted = allowing(loading)
    target = None if output is None else destination_of(output, permitted)
    if report and target is not None and not target.is_shown:
        raise UsageError(
            f"{target.entry.title} is written, not read, so there is no report of it",
            code="usage.report",
            hint='generate into a folder first: `output="out"`',
        )
    sink = None if target is None else opened(target, permitted, overwrite=overwrite)
    wanted = continued(wanted, sink) if permitted.append else wanted
    place = None if output is None else FilePath(output)
    sharing = Sharing.of(
        blocks,
        wanted,
        None if target or report else place,
        n=n,
        seed=seed,
        model=model,
        key_file=key_file,
    )
    planned = make_plan(
        settled(wanted, n, seed=seed, key_file=key_file), n=n, seed=seed, model=model
    )
    options = RunOptions(
        format=format,
        workers=workers,
        executor=executor,
        address=address,
        fresh=fresh,
        overwrite=overwrite,
        max_rejects=max_rejects,
        escape_formulas=is_asked(escape_formulas),
        loading=permitted,
        progress=watched(progress),
    )
    check_class = partial(check_row_class, planned.spec)
    asked: dict[str, Any] = {} if sharing is None else sharing.ledgers(fresh=fresh)
    asked["budget"] = Budget(max_calls=max_calls, max_tokens=max_tokens, max_cost=max_cost)
    try:
        with session(planned, options, batch=batch, **asked) as (open_model, options):
            if sharing is not None:
                dataset = sharing.execute(planned, options, open_model)
            elif target is not None and sink is not None:
                dataset = execute_to_destination(
                    planned, target, sink, options, check_class, open_model=open_model
                )
            elif place is not None and is_file(place):
                dataset = execute_to_file(planned, place, options, open_model=open_model)
            else:
                dataset = execute(planned, options, output=output, open_model=open_model)
    except (CheckError, PartialRunError) as error:
        if report and error.dataset is not None:
            _report(error.dataset)
        raise
    if report:
        _report(dataset)
    if target is None and sharing is None:
        check_class(dataset)
    return dataset


def rehearse(
    spec: SpecLike,
    n: Size = None,
    *,
    seed: int | None = None,
    model: ModelLike | None = None,
    prompt: str | None = None,
    rehearsal: Rehearsal | None = None,
) -> Rehearsal:
    """List every language-model call that `generate` would make, without making any.

    The prompts are the real ones, except that earlier replies shown in later prompts are invented.
    Retries are not predicted.

    Args:
        spec: A spec in any form.
        n: Rows, for the only table or by table; overrides the spec.
        seed: Overrides the spec's seed.
        model: One language model in place of every model of the spec: its name, or its settings.
        prompt: What the rows are about, for tables that don't say.
        rehearsal: Where to record the calls; a new one by default.

    Raises:
        SpecError: The spec has problems; `violations` lists all of them.

    Examples:
        >>> asked = rehearse("knights: name, motto", n=30, model="fake")
        >>> asked.counts
        {'fake': 2}
    """
    from fabula.llm.providers.dry_run import Rehearsal
    from fabula.llm.session import models_of_run
    from fabula.runs.dry_run import rehearse as go_through

    noted = Rehearsal() if rehearsal is None else rehearsal
    planned = plan(resolve(spec, prompt=prompt), n, seed=seed, model=model)
    with models_of_run(rehearsal=noted) as open_model:
        go_through(planned, open_model)
    return noted


def _report(dataset: Dataset) -> None:
    from fabula.reports.run_page import write_report  # the page is loaded if one is wanted

    write_report(dataset)


def _one_where_unsized(spec: DatasetSpec) -> dict[str, int]:
    """A placeholder size for tables without one, so that the rest can be planned."""
    return {
        name: 1
        for name, table in spec.tables.items()
        if table.n is None and table.per_parent is None
    }
