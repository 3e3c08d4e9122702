"""`blend`: real rows together with synthetic ones, each marked as what it is."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
from typing_extensions import Unpack

from fabula.errors import UsageError
from fabula.io.expressions import parse_expression
from fabula.io.names import output_path
from fabula.io.tables import named_tables
from fabula.options import known_options
from fabula.privacy.hybrid.drawing import Unlike, are_among, balanced, labels_of
from fabula.privacy.hybrid.related import blend_related
from fabula.privacy.hybrid.trial import TESTED, Trial, trial
from fabula.privacy.identifying import check_identifying
from fabula.relationships.declared_keys import keys_of
from fabula.render.amounts import count, percent
from fabula.render.results import ResultOfTables
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.rules import Rule
from fabula.synthesizers.synthesizer import Synthesizer
from fabula.types import TableLike

ORIGIN, REAL, SYNTHETIC = "origin", "real", "synthetic"
_FEW = 30
"""Real rows of a label below which synthetic ones mostly repeat them."""

Splits = tuple[Synthesizer[pa.Table], pa.Table, pa.Table]


class BlendOptions(TypedDict, total=False):
    """What `blend` can be told, as `blend` explains it."""

    synthetic_share: float | None
    rows_per_real: float | None
    balance: str | Mapping[str, Mapping[str, float]] | None
    only: str | None
    target: str | None
    mask: bool
    confirmed: Collection[str]
    origin: str
    seed: int


@dataclass(frozen=True)
class Blended(ResultOfTables):
    """Real rows with synthetic ones.

    Attributes:
        tables: The tables by name: the real rows first, in their order, then the synthetic ones.
        real: How many real rows each table has.
        origin: The column that marks real rows.
        equal: How many synthetic rows equal a real one; none, by construction.
        shares: The balanced column, and each label's share before and after.
        trial: The effect of blending on a model, if a target is named.
        provenance: How the synthetic rows were made, as JSON-ready values.
        warnings: What to know before using them.
        source: The file of the real rows, if they are unchanged.
    """

    tables: Mapping[str, pa.Table] = field(repr=False)
    real: Mapping[str, int]
    origin: str
    equal: int
    shares: Mapping[str, Mapping[str, tuple[float, float]]]
    trial: Trial | None
    provenance: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    source: Path | None = None

    def report(self) -> str:
        """Numbers of rows, shares, and what a test says."""
        lines = []
        for name, table in self.tables.items():
            real = self.real[name]
            made = table.num_rows - real
            told = f"{name}: " if len(self.tables) > 1 else ""
            lines.append(
                f"{told}{real:,} real + {made:,} synthetic rows ({made / max(1, real):.3g}"
                f" synthetic per real row, {percent(made / max(1, table.num_rows))} of the result)"
                f" · column `{self.origin}` · {self.equal:,} synthetic rows equal a real one"
            )
        for column, shares in self.shares.items():
            told = ", ".join(f"{k} {percent(a)} → {percent(b)}" for k, (a, b) in shares.items())
            lines.append(f"{column}: {told}")
        lines += list(self.trial.lines()) if self.trial else []
        lines += [f"warning: {each}" for each in self.warnings]
        return "\n".join([*lines, "The real rows are real: this is a file of personal data."])

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the rows, and how they were made alongside.

        Args:
            path: A file, or a folder for several tables.
            overwrite: Whether what is there may be replaced.

        Raises:
            SinkError: The place exists, or can't be written.
        """
        from fabula.privacy.hybrid.files import write_blended

        return write_blended(
            self.tables, self.real, self.provenance, output_path(path),
            source=self.source, origin=self.origin, overwrite=overwrite,
        )  # fmt: skip


@known_options
def blend(
    data: TableLike,
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    **options: Unpack[BlendOptions],
) -> Blended:
    """Combine real and synthetic rows, and test whether that helps a model.

    The real rows stay unchanged. The synthetic ones are drawn by a synthesizer that learned from
    four fifths of the real rows; none equals a real row, and no key occurs twice.

    Args:
        data: A table or several related ones, in any form.
        output: The file or folder to write to.
        overwrite: Whether what is there may be replaced.
        **options: `synthetic_share`: share of synthetic rows in the result, 0.5 by default; or
            `rows_per_real`: synthetic rows for each real one. `balance`: a column whose labels
            become equally frequent, or shares of its labels, `{"diagnosis": {"rare": 0.1}}`.
            `only`: a SQL condition that synthetic rows keep. `target`: the column of the test, by
            default the balanced one. `mask`: replace identifying columns first, as `mask` does.
            `confirmed`: identifying columns that may stay real. `origin`: the column that marks
            rows. `seed`: the same data and seed give the same rows.

    Raises:
        UsageError: A column identifies people and is neither masked nor confirmed; a column does
            not exist or is taken; too few synthetic rows differ from real ones.
        SourceError: The data can't be read.
        SinkError: The place can't be written.
    """
    place = None if output is None else output_path(output)
    made = _blend(data, **options)
    if isinstance(data, str | os.PathLike) and not made.provenance["masked"]:
        path = Path(data)
        made = replace(made, source=path if path.is_file() else None)
    if place is not None:
        made.write(place, overwrite=overwrite)
    return made


def _blend(data: TableLike, **options: Unpack[BlendOptions]) -> Blended:
    tables = named_tables(data)
    origin, seed = options.get("origin") or ORIGIN, options.get("seed", 0)
    for name, table in tables.items():
        if origin in table.column_names:
            raise UsageError(
                f"`{name}` has a column `{origin}` already",
                code="blend.origin",
                hint="name another one: `--origin made_by`",
            )
    tables, masked = check_identifying(
        tables, mask=options.get("mask", False), confirmed=options.get("confirmed") or ()
    )
    per_real = _per_real(options)
    facts = {
        "format": 1,
        "made_by": f"fabula {version('fabula')}",
        "seed": seed,
        "rows_per_real": per_real,
        "masked": masked,
        "balance": options.get("balance"),
        "only": options.get("only"),
    }
    if len(tables) > 1:
        if any(options.get(name) for name in ("balance", "only", "target")):
            raise UsageError(
                "`balance`, `only` and `target` are for one table",
                code="blend.several",
                hint="blend that table alone",
            )
        joined, told = blend_related(tables, per_real, origin, (REAL, SYNTHETIC), seed=seed)
        real = {name: table.num_rows for name, table in tables.items()}
        return Blended(joined, real, origin, 0, {}, None, {**facts, **told})
    return _one_table(tables, per_real, facts, options)


def _one_table(
    tables: Mapping[str, pa.Table],
    per_real: float,
    facts: Mapping[str, Any],
    options: BlendOptions,
) -> Blended:
    ((name, real),) = tables.items()
    origin, seed = options.get("origin") or ORIGIN, options.get("seed", 0)
    column, shares = _balance(options.get("balance"))
    labels = labels_of(real, column) if column else {}
    target = options.get("target") or column
    rules = _rule(options.get("only"))
    keys = keys_of({name: real}).primary.get(name, ())
    unlike = Unlike(real, keys, rules)

    @lru_cache(maxsize=1)
    def whole(turn: int) -> Splits:
        return _fitted(real, turn)

    def made_for(model: Synthesizer[pa.Table], train: pa.Table, turn: int) -> pa.Table:
        rows = round(train.num_rows * per_real)
        wanted = balanced(labels_of(train, column), rows, shares) if column else None
        return unlike.draw(model, rows, column=column, wanted=wanted, seed=turn)

    model, _, _ = whole(seed)
    rows = round(real.num_rows * per_real)
    missing = [c for c in real.column_names if c not in model.schema.names]
    wanted = balanced(labels, rows, shares) if column else None
    made = unlike.draw(model, rows, column=column, wanted=wanted, seed=seed)
    warnings = [
        f"`{each}` can't be learned ({model.card().left_out.get(each, 'not sampled')}):"
        " it is empty in synthetic rows"
        for each in missing
    ]
    warnings += [
        f"`{column}` = {label} has {count(real_rows, 'real row')}: synthetic ones mostly repeat"
        " them"
        for label, real_rows in labels.items()
        if real_rows < _FEW and wanted and wanted.get(label)
    ]
    joined = marked(real, made, origin)
    tested = None
    if target is not None:
        known = labels_of(real, target)

        def fitted(table: pa.Table, turn: int) -> Splits:
            return whole(turn) if table is real and turn == seed else _fitted(table, turn)

        tested = trial(fitted, real, target, next(iter(known)), made_for, seed=seed)
    after = labels_of(joined, column) if column else {}
    told = {
        str(label): (n / sum(labels.values()), after.get(label, 0) / sum(after.values()))
        for label, n in labels.items()
    }
    card = model.card()
    facts = {
        **facts,
        "model": card.model,
        "learned_from": card.rows,
        "real_rows": real.num_rows,
        "synthetic_rows": made.num_rows,
        "tables": {name: {"real": [0, real.num_rows], "synthetic": [real.num_rows,
                                                                    joined.num_rows]}},
        "digests": dict(card.digests),
        "trial": tested.to_dict() if tested else None,
    }  # fmt: skip
    return Blended(
        {name: joined}, {name: real.num_rows}, origin,
        int(are_among(made, real, unlike.compared(made)).sum()),
        {column: told} if column else {}, tested, facts, tuple(warnings),
    )  # fmt: skip


def marked(real: pa.Table, made: pa.Table, origin: str) -> pa.Table:
    """Real rows, then synthetic ones, with a column that tells which is which."""
    columns = {
        field.name: made.column(field.name).cast(field.type)
        if field.name in made.column_names
        else pa.nulls(made.num_rows, field.type)
        for field in real.schema
    }
    synthetic = pa.table(columns, schema=real.schema)
    marks = pa.array([REAL] * real.num_rows + [SYNTHETIC] * made.num_rows)
    return pa.concat_tables([real, synthetic]).append_column(origin, marks)


def _fitted(table: pa.Table, seed: int) -> Splits:
    model = fit(table, holdout=TESTED, seed=seed)
    training, holdout = model.training, model.holdout
    if training is None or holdout is None:
        raise UsageError(
            f"{count(table.num_rows, 'row')} are too few to learn from and to test with",
            code="blend.few-rows",
        )
    return model, training, holdout


def _per_real(options: BlendOptions) -> float:
    share, ratio = options.get("synthetic_share"), options.get("rows_per_real")
    if share is not None and ratio is not None:
        raise UsageError(
            "`synthetic_share` and `rows_per_real` both say how many rows",
            code="blend.rows",
            hint="give one of them",
        )
    if ratio is not None:
        if not 0 < ratio <= 1000:
            raise UsageError(
                f"`rows_per_real` must be above 0 and at most 1000, not {ratio!r}",
                code="blend.rows",
            )
        return float(ratio)
    share = 0.5 if share is None else share
    if not 0 < share < 1:
        raise UsageError(
            f"`synthetic_share` must lie between 0 and 1, not {share!r}",
            code="blend.rows",
            hint="for synthetic rows alone: `fabula fit` and `fabula sample`",
        )
    return float(share / (1 - share))


def _balance(
    wanted: str | Mapping[str, Mapping[str, float]] | None,
) -> tuple[str | None, Mapping[str, float]]:
    if wanted is None or isinstance(wanted, str):
        return wanted, {}
    ((column, shares),) = wanted.items()
    return column, {str(label): float(share) for label, share in shares.items()}


def _rule(only: str | None) -> Rule | None:
    return None if only is None else Rule(only, parse_expression(only).sql)
