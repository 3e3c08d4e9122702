"""Spark: the tables of a spec as DataFrames, or written by Spark's workers as the shares of a run.

Only documented calls of DataFrames are used, so serverless clusters and Spark Connect do as well.
The workers need the same versions of fabula, numpy and pyarrow, and the driver's version of Python.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from fabula import api
from fabula.engines.generation import Generation
from fabula.engines.made import MadeBlock
from fabula.errors import CheckError, FabulaError, PartialRunError, SpecError, UsageError, Violation
from fabula.planning.parents import is_of_one_row
from fabula.planning.plan import Plan, TablePlan
from fabula.runs.dataset import Dataset
from fabula.runs.fingerprint import versions
from fabula.runs.shares.merge import merge
from fabula.runs.shares.share import Share, shares_of
from fabula.types import Path, Size

if TYPE_CHECKING:
    from fabula.inference.resolve import SpecLike

Batches: TypeAlias = Iterable[pa.RecordBatch]
Make: TypeAlias = Callable[[Batches], Iterator[pa.RecordBatch]]

_TYPES = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "float": "float",
    "double": "double",
    "string": "string",
    "binary": "binary",
    "date32[day]": "date",
    "timestamp[us]": "timestamp_ntz",
    "timestamp[us, tz=UTC]": "timestamp",
    "duration[us]": "interval day to second",
}
"""Types of Spark by those of Arrow that they are sent as."""


def generate(
    session: Any,
    spec: SpecLike,
    table: str | None = None,
    n: Size = None,
    *,
    seed: int | None = None,
    partitions: int | None = None,
) -> Any:
    """A table of a spec as a Spark DataFrame: the rows of a local run with the same seed.

    Each task makes blocks of 65,536 rows when Spark asks for them. A block that breaks a row check,
    or loses rows, fails the job; checks of whole tables are left out, with a warning.

    Args:
        session: The `SparkSession`.
        spec: A spec in any form.
        table: The table; may be left out where there is only one.
        n: Rows, for the only table or by table; overrides the spec.
        seed: Overrides the spec's seed.
        partitions: Partitions of the DataFrame; by default one a block, 10,000 at most.

    Raises:
        SpecError: The spec has problems, or a column has a type that Spark lacks.
        UsageError: A table must be named, or models fill rows of the spec.
    """
    plan = api.plan(spec, n, seed=seed)
    planned = _table(plan, table)
    if plan.calls or any(each.spec.source is not None for each in plan.tables):
        raise UsageError(
            "rows that a model fills, or of real files, can't be made in a DataFrame",
            code="spark.kinds",
            hint="write them as files: `fabula.spark.write(session, spec, output)`",
        )
    _warn_of_checks(plan, planned)
    sent, schema = _schema(planned)
    blocks = Generation(plan).makers[planned.name].blocks
    numbers = session.range(0, blocks, 1, min(partitions or blocks, 10_000, blocks) or 1)
    return numbers.mapInArrow(_maker(plan, planned.name, sent, versions()), schema)


def write(
    session: Any,
    spec: SpecLike,
    output: Path,
    n: Size = None,
    *,
    seed: int | None = None,
    shares: int | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Dataset:
    """Have Spark's workers make the shares of a run, and merge them: the files of a local run.

    Args:
        session: The `SparkSession`.
        spec: A spec in any form.
        output: A folder on a disk that all workers and the driver share.
        n: Rows, for the only table or by table; overrides the spec.
        seed: Overrides the spec's seed.
        shares: Shares, one a task; by default one for each million rows, 1,000 at most.
        overwrite: Replace another run in the folder.
        **options: Others of `fabula.generate`: `format`, `model`, `max_cost` of each share …

    Raises:
        SpecError: The spec has problems; `violations` lists all of them.
        SourceError: A worker wrote to a disk of its own.
        CheckError: A check does not hold; the data stays where it was written.
    """
    wanted = api.resolve(spec)
    plan = api.plan(wanted, n, seed=seed, model=options.get("model"))
    rows = sum(table.rows for table in plan.tables)
    of = shares or max(1, min(-(-rows // (1 << 20)), 1000))
    options |= {"seed": seed, "overwrite": overwrite}

    def make(batches: Batches) -> Iterator[pa.RecordBatch]:
        for number in _numbers(batches):
            made = api.generate(wanted, n, output=output, blocks=f"{number}/{of}", **options)
            count = sum(made.count(table) for table in made)
            yield pa.record_batch({"share": [number], "rows": [count]})

    if Share(0, of) in shares_of(plan, of):
        api.generate(wanted, n, output=output, blocks=f"0/{of}", **options)
    session.range(1, of + 1, 1, of).mapInArrow(make, "share bigint, rows bigint").collect()
    return merge(
        output,
        spec=wanted,
        key_file=options.get("key_file"),
        overwrite=overwrite,
        max_rejects=options.get("max_rejects"),
    )


def _maker(plan: Plan, table: str, sent: pa.Schema, here: dict[str, str]) -> Make:
    """What makes the blocks of a table, by their numbers, on a worker."""

    def make(batches: Batches) -> Iterator[pa.RecordBatch]:
        there = versions()
        for name, version in here.items():
            if name != "python" and there.get(name) != version:
                raise UsageError(
                    f"a worker has {name} {there.get(name)}, and the driver {version}",
                    code="spark.versions",
                    hint=f"install {name} {version} on the cluster",
                )
        maker = Generation(plan).makers[table]
        for number in _numbers(batches):
            made = maker.make(number)
            if error := _fault(plan, table, number, made):
                raise error
            plain = [made.table.column(field.name).cast(field.type) for field in sent]
            yield from pa.Table.from_arrays(plain, schema=sent).combine_chunks().to_batches()

    return make


def _fault(plan: Plan, table: str, number: int, made: MadeBlock) -> FabulaError | None:
    """What of a block a DataFrame can't tell."""
    checks = plan.spec.tables[table].checks
    for tally in made.tallies:
        check = checks[tally.check]
        if tally.broken and check.repair == "fail":
            return CheckError(
                f"{tally.broken:,} rows of block {number} break the rule: {check.in_words()}",
                code="check.failed",
                where=f"tables.{table}.checks",
                hint="use `repair: resample`",
            )
    if not made.rejected:
        return None
    return PartialRunError(
        f"block {number} lost {len(made.rejected):,} rows: {made.rejected[0].reason}",
        code="run.rejects",
        where=f"tables.{table}",
        hint="write files, which count lost rows: `fabula.spark.write(…, max_rejects=0.05)`",
    )


def _numbers(batches: Batches) -> Iterator[int]:
    for batch in batches:
        yield from batch.column(0).to_pylist()


def _table(plan: Plan, name: str | None) -> TablePlan:
    if name in plan.order:
        return plan[name]
    if name is None and len(plan.tables) == 1:
        return plan.tables[0]
    raise UsageError(
        f"there is no table `{name}`" if name else "the spec has several tables; say which",
        code="usage.table",
        hint=f"there are {', '.join(plan.order)}",
    )


def _warn_of_checks(plan: Plan, table: TablePlan) -> None:
    """Name the checks that a DataFrame leaves out."""
    whole = [check for check in table.spec.checks if not is_of_one_row(check, table.spec)]
    whole += [
        check
        for other in plan.tables
        for check in other.spec.checks
        if other is not table and not is_of_one_row(check, other.spec)
    ]
    if whole:
        told = "; ".join(check.in_words() for check in whole[:5])
        warnings.warn(
            f"a DataFrame leaves out {len(whole)} checks of whole tables ({told});"
            " `fabula.spark.write` runs them",
            stacklevel=3,
        )


def _schema(table: TablePlan) -> tuple[pa.Schema, str]:
    """A table's columns as they are sent, and as Spark declares them."""
    fields, declared = [], []
    for field in table.schema:
        try:
            sent = _sent(field.type)
            declared.append(f"`{field.name.replace('`', '``')}` {_declared(sent)}")
        except KeyError as exc:
            raise SpecError(
                [
                    Violation(
                        "spark.type",
                        f"Spark has no type for {field.type}",
                        f"tables.{table.name}.columns.{field.name}",
                        "write files instead: `fabula.spark.write`",
                    )
                ]
            ) from exc
        fields.append(pa.field(field.name, sent))
    return pa.schema(fields), ", ".join(declared)


def _sent(kind: pa.DataType) -> pa.DataType:
    """The type that a column is sent as; times of day are texts, which every Spark has."""
    if pa.types.is_dictionary(kind):
        return _sent(kind.value_type)
    if pa.types.is_time(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_unsigned_integer(kind):
        return pa.int64()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz and "UTC")
    if pa.types.is_duration(kind):
        return pa.duration("us")
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_sent(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _sent(field.type)) for field in kind])
    return kind


def _declared(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"array<{_declared(kind.value_type)}>"
    if pa.types.is_struct(kind):
        inner = ", ".join(f"`{field.name}`: {_declared(field.type)}" for field in kind)
        return f"struct<{inner}>"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    return _TYPES[str(kind)]
