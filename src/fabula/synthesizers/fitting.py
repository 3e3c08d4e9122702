"""From a table to a synthesizer: split, columns to cells, model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, cast, overload

import numpy as np

from fabula.errors import UsageError
from fabula.inference.resolve import SpecLike, resolve
from fabula.io.arrays import array_of
from fabula.io.frames import handed_back
from fabula.io.notes import notes_of, without_notes
from fabula.io.tables import UNNAMED, as_table, forms_in, named_tables
from fabula.relationships.digests import digest, digests
from fabula.render.cells import watched
from fabula.streams import stream
from fabula.synthesizers.asked_of_fit import check_amounts, check_person, check_sensitive
from fabula.synthesizers.card import Card
from fabula.synthesizers.catalogue import (
    DEFAULT,
    SYNTHESIZERS,
    SynthesizerLike,
    check_seed,
    synthesizer_entry,
)
from fabula.synthesizers.codecs.codec import PROTECTED_ROWS
from fabula.synthesizers.codecs.copies import copies_of
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.string_formats.doubts import doubts
from fabula.synthesizers.codecs.trees import with_trees
from fabula.synthesizers.conditions import Asked, Part
from fabula.synthesizers.constraints.finding import learned_relations
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.model import CodeModel
from fabula.synthesizers.models.number_pairs import unlearned
from fabula.synthesizers.pictures.reading import refuse_pictures
from fabula.synthesizers.pii.doubted import doubted_labels, pooled_labels
from fabula.synthesizers.rules import row_rules
from fabula.synthesizers.sampling import Sampler
from fabula.synthesizers.synthesizer import Synthesizer
from fabula.synthesizers.trial import missed_by_tables, missed_gates
from fabula.types import Frame, Path, ProgressLike, TableLike

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.spec.tables import DatasetSpec
    from fabula.synthesizers.multitable.database import RelationalSynthesizer

NAME = "fit"
"""What progress calls the fit."""

_OWN = ("spec", "keys", "keep", "sensitive", "orphans", "seed", "exact")
"""What `fit_tables` takes alongside the options of its model."""

TRIAL_ROWS = 1_000
"""Rows that are drawn to see whether relations between columns can be kept."""

PRIVATE = "private"
"""The model that a privacy budget asks for."""


Options = ParamSpec("Options")


class Fit(Protocol[Options]):
    """What `fit` returns for each form of data."""

    @overload
    def __call__(
        self, data: Path, /, *args: Options.args, **options: Options.kwargs
    ) -> Synthesizer[pa.Table] | RelationalSynthesizer[pa.Table]: ...
    @overload
    def __call__(
        self, data: Mapping[str, Frame], /, *args: Options.args, **options: Options.kwargs
    ) -> Synthesizer[Frame] | RelationalSynthesizer[Frame]: ...
    @overload
    def __call__(
        self,
        data: Mapping[str, Any] | Sequence[Any],
        /,
        *args: Options.args,
        **options: Options.kwargs,
    ) -> Synthesizer[pa.Table]: ...
    @overload
    def __call__(
        self, data: Frame, /, *args: Options.args, **options: Options.kwargs
    ) -> Synthesizer[Frame]: ...


def _typed(
    learn: Callable[Concatenate[TableLike, Options], Synthesizer[Any] | RelationalSynthesizer[Any]],
) -> Fit[Options]:
    return cast("Fit[Options]", learn)


@_typed  # type: ignore[arg-type]  # `data` by name: it runs, and is not an option
def fit(
    data: TableLike,
    *,
    model: SynthesizerLike = "auto",
    holdout: float = 0.2,
    seed: int = 0,
    spec: SpecLike | None = None,
    protect: int | bool = PROTECTED_ROWS,
    protect_by: str | None = None,
    epsilon: float | None = None,
    delta: float = 1e-6,
    domain: Mapping[str, Any] | None = None,
    keys: Mapping[str, str] | None = None,
    keep: Collection[str] = (),
    sensitive: Collection[str] = (),
    orphans: Literal["drop", "keep"] = "drop",
    exact: bool = True,
    progress: ProgressLike = None,
    **options: Any,
) -> Synthesizer[Any] | RelationalSynthesizer[Any]:
    """Learn a table, or several related ones, and return a synthesizer that samples new rows.

    Identifiers and free text are newly generated (the card says how), and rare labels and
    extreme numbers are not reproduced. Several tables are learned with their keys, always by
    `boosted`, from all of their rows.

    Args:
        data: One table or several, in any form.
        model: `boosted` (what `auto` means), another name, or a `SynthesizerEntry` of your own:
            see "how to choose a synthesizer".
        holdout: Share of rows held out of training, for the privacy metrics of `evaluate`.
        seed: The same data and seed give the same synthesizer.
        spec: Of one table, a spec whose row checks every sampled row keeps; of several tables,
            a spec that states their keys.
        protect: Labels of fewer rows, and this many of the smallest and largest numbers of each
            column, are not reproduced. False switches that off.
        protect_by: Of one table, the column that tells whom a row is about: `protect` counts its
            values in place of rows. By default, it is a column that was found to identify people.
        epsilon: Learn with (ε, δ)-differential privacy (model `private`); smaller is more private.
            Noise comes from no seed, so no two such fits are equal.
        delta: The δ of it, well below one over the number of rows.
        domain: With `epsilon`, the labels of columns (a list), their bounds (`"17..90"`), or
            None to leave one out. Domains of other columns are found within the budget.
        keys: Of several tables, foreign keys that names don't reveal: `"orders.buyer"` to
            `"people.id"`.
        keep: Of several tables, those that stay unchanged: their rows are real.
        sensitive: Columns that are replaced whatever they hold, as `column` or `table.column`;
            what nothing can replace is left out.
        orphans: Of several tables, whether rows whose foreign key no parent has are left out, or
            samples have the same share of them.
        exact: Keep what holds on every row, or all but one in 500, such as
            `total = price * quantity`, in every sampled row. With `epsilon` nothing of this is
            looked for.
        progress: Called with `fit`, rows learned and rows in all. In a notebook, progress shows
            below the cell, unless this is False.
        options: The model's own.

    Returns:
        A `Synthesizer`; for several tables a `RelationalSynthesizer`.

    Raises:
        SourceError: The data can't be read, has fewer than 20 rows to train on, or no column
            that can be learned; describe it in a spec instead.
        UsageError: The model or an option of it is unknown, or a seed, budget or domain is wrong.
        PrerequisiteError: The model needs an extra that is not installed.

    Examples:
        >>> import fabula as fb
        >>> people = fb.generate("age int 18..90, plan choice free|pro", n=500, seed=1)
        >>> fb.fit(people, seed=1).sample(3).num_rows
        3
    """
    entry = synthesizer_entry(_chosen(model, epsilon))
    name = entry.name
    check_seed(seed)
    refuse_pictures(data)
    forms = forms_in(data)
    if len(forms) > 1:
        if name != DEFAULT:
            raise UsageError(
                "several tables are learned by `boosted` alone",
                code="usage.several-tables",
                hint="leave `model` and `epsilon` out, or fit one table",
            )
        check_person(protect_by, (), private=False, several=True)
        return _fit_several(
            forms,
            spec=None if spec is None else resolve(spec),
            keys=keys,
            keep=keep,
            sensitive=sensitive,
            orphans=orphans,
            seed=seed,
            protect=protect,
            exact=exact,
            progress=progress,
            **options,
        )
    kind = entry.learning_class()
    entry.check_options(options, also=signature(fit).parameters)
    check_amounts(holdout, protect)
    if domain and name != PRIVATE:
        raise UsageError(
            "a `domain` was given without `epsilon`: nothing would be private",
            code="privacy.domain",
            hint="add epsilon=1.0, or leave `domain` out",
        )
    rules = row_rules(None if spec is None else resolve(spec))
    ((called, form),) = forms.items()
    table = as_table(form, name=called)
    read, table = notes_of(table), without_notes(table)
    flat, known, notes = with_trees(table, "" if called == UNNAMED else called)

    check_sensitive(sensitive, table.column_names, private=name == PRIVATE)
    check_person(protect_by, table.column_names, private=name == PRIVATE)
    sensitive = {*sensitive, *([] if protect_by is None else [protect_by])}
    held_out = 0 if name == PRIVATE else round(holdout * table.num_rows)
    rows = table.num_rows - held_out

    told = _teller(progress, rows)
    told(0, 1)
    if name == PRIVATE:
        from fabula.synthesizers.models.private.fitting import fit_privately

        return fit_privately(
            table, epsilon=epsilon, delta=delta, domain=domain or {}, holdout=holdout, seed=seed,
            rules=rules, progress=told, hand_back=handed_back(form),
        )  # fmt: skip
    order = stream(seed, NAME, "holdout", 0).permutation(table.num_rows)
    kept_out = np.sort(order[:held_out])
    learned_from = np.setdiff1d(np.arange(table.num_rows), kept_out)
    held, training = (table.take(array_of(at)) for at in (kept_out, learned_from))
    train = training if flat is table else flat.take(array_of(learned_from))
    guarded = PROTECTED_ROWS if protect is True else int(protect)
    columns = Columns.learn(
        train, protect=guarded, known=known, sensitive=sensitive, protect_by=protect_by,
        held=held if flat is table else flat.take(array_of(kept_out)),
    ).keyed(table)  # fmt: skip
    new = [codec.name for codec in columns.codecs if isinstance(codec, KeyCodec)]
    columns = columns.with_codecs(copies_of(table, new, columns.names))
    relations = Relations()
    if exact:
        relations, train, columns = learned_relations(train, columns, known=known, protect=guarded)
    codes = columns.encode(train)

    cells = relations.marked([codec.cells for codec in columns.codecs])
    learned = kind.fit(codes, cells, seed=seed, progress=told, **options)
    relations = usable_relations(relations, columns, learned, seed)
    card = Card(
        model=name,
        options=options,
        rows=train.num_rows,
        holdout_rows=len(kept_out),
        seed=seed,
        protect=guarded,
        columns={
            codec.cells.name: codec.about
            for codec in columns.codecs
            if codec.cells.name not in relations.hidden
        },
        left_out=columns.left_out,
        rules=tuple(rule.told for rule in rules),
        exact=relations.told,
        notes=(
            *read,
            *(f"{column}: {doubt}" for column, doubt in doubts(columns, flat).items()),
            *notes,
            *doubted_labels(train, columns.replaced),
            *pooled_labels(columns),
            *learned.notes,
            *unlearned(
                codes, cells, learned, seed, other="mixture" if name == DEFAULT else DEFAULT
            ),
            *missed_gates(
                Sampler(columns, learned, rules, relations, (Part(1.0, Asked()),), seed),
                training,
                held,
                model=name,
                protect=guarded,
            ),
        ),
        digests={
            part: found.to_dict()
            for part, found in digests(
                table, {"training": learned_from, "holdout": kept_out}
            ).items()
        },
    )
    return Synthesizer(
        columns,
        learned,
        card,
        rules=rules,
        relations=relations,
        training=training,
        holdout=held if len(kept_out) else None,
        hand_back=handed_back(form),
    )


def _teller(progress: ProgressLike, rows: int) -> Callable[[int, int], None]:
    """What models call with steps done and steps in all."""
    watch = watched(progress)
    return lambda done, steps: watch(NAME, rows * done // steps, rows) if watch else None


def _fit_several(
    forms: Mapping[str, Any],
    *,
    protect: int | bool,
    progress: ProgressLike,
    **options: Any,
) -> RelationalSynthesizer[Any]:
    from fabula.synthesizers.multitable.database import fit_tables

    own = {name: value for name, value in options.items() if name not in _OWN}
    SYNTHESIZERS[DEFAULT].check_options(own, also=signature(fit).parameters)
    tables = named_tables(forms)
    rows = sum(table.num_rows for table in tables.values())

    told = _teller(progress, rows)
    guarded = PROTECTED_ROWS if protect is True else int(protect)
    fitted = fit_tables(tables, protect=guarded, progress=told, **options)
    doubted = {
        name: [*doubted_labels(tables[name], model.replaced), *pooled_labels(model.columns)]
        for name, model in fitted.models.items()
        if name in tables and model.kept is None
    }
    unkept = _unkept(options["spec"])
    seed = options.get("seed", 0)
    missed = missed_by_tables(
        partial(fitted.sample, seed=seed), tables, fitted.keys, model=DEFAULT, protect=guarded
    )
    return replace(
        fitted,
        digests={name: digest(rows) for name, rows in tables.items()},
        notes=_joined(_joined(_joined(fitted.notes, doubted), unkept), missed),
        hand_back={name: handed_back(form) for name, form in forms.items()},
    )


def _unkept(spec: DatasetSpec | None) -> dict[str, list[str]]:
    """What is said about tables whose checks samples do not keep."""
    tables = {} if spec is None else spec.tables
    return {
        name: [f"{len(table.checks)} of the spec's checks are not kept; `fabula validate` judges"]
        for name, table in tables.items()
        if table.checks
    }


def _joined(notes: Mapping[str, str], more: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What is said about tables, and more of it."""
    said = {
        name: "; ".join([*filter(None, [notes.get(name)]), *told]) for name, told in more.items()
    }
    return {**notes, **{name: told for name, told in said.items() if told}}


def usable_relations(
    relations: Relations, columns: Columns, model: CodeModel, seed: int
) -> Relations:
    """The relations that rows of a new model can keep, as a trial tells."""
    if not relations:
        return relations
    drawn = Sampler(columns, model, (), Relations(), (Part(1.0, Asked()),), 0)
    rng = stream(seed, NAME, "relations", 0)
    return relations.usable(drawn.block(0, 0, TRIAL_ROWS), rng)


def _chosen(model: SynthesizerLike, epsilon: float | None) -> SynthesizerLike:
    """The requested model."""
    if epsilon is None:
        return DEFAULT if model == "auto" else model
    if model not in ("auto", PRIVATE):
        raise UsageError(
            f"synthesizer `{model}` does not learn with differential privacy",
            code="privacy.model",
            hint=f'leave `model` out, or pass model="{PRIVATE}"',
        )
    return PRIVATE
