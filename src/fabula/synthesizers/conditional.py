"""A synthesizer that only fills gaps: some columns are drawn, given all others of a row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa

from fabula.inference.resolve import SpecLike, resolve
from fabula.streams import stream
from fabula.synthesizers.card import Card
from fabula.synthesizers.catalogue import DEFAULT, synthesizer_entry
from fabula.synthesizers.codecs.codec import PROTECTED_ROWS
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.trees import with_trees
from fabula.synthesizers.conditions import Asked, Part
from fabula.synthesizers.constraints.finding import find_relations, with_orders
from fabula.synthesizers.constraints.measures import measures_of
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.fitting import TRIAL_ROWS
from fabula.synthesizers.rules import row_rules
from fabula.synthesizers.sampling import Sampler
from fabula.synthesizers.synthesizer import Synthesizer


def fit_given(
    table: pa.Table, drawn: Collection[str], *, seed: int = 0, spec: SpecLike | None = None
) -> Synthesizer[pa.Table]:
    """Learn some columns of a table, given the others; costs far less than learning them all.

    Args:
        table: The rows; the drawn columns stand last.
        drawn: The columns that `impute` will be asked for.
        seed: The same rows and seed give the same synthesizer.
        spec: A spec of one table, whose row checks are the synthesizer's rules.

    Raises:
        SourceError: There are too few rows, or no column that can be learned.
    """
    flat, known, notes = with_trees(table, "")
    columns = Columns.learn(
        flat, protect=PROTECTED_ROWS, known=known, sensitive=(), held=flat.slice(0, 0)
    ).keyed(table)
    plain = columns.only([name for name in columns.names if name not in known])
    relations = with_orders(flat, plain, find_relations(flat, plain, protect=PROTECTED_ROWS))
    if relations.latent:
        flat = relations.widened(flat)
        columns = columns.beside(flat.select(relations.hidden), protect=PROTECTED_ROWS)
        relations = replace(relations, measures=measures_of(columns.codecs))
    codes = columns.encode(flat)
    cells = tuple(codec.cells for codec in columns.codecs)
    given = tuple(
        at
        for at, name in enumerate(columns.names)
        if name in table.column_names and name not in drawn
    )
    model = (
        synthesizer_entry(DEFAULT)
        .learning_class()
        .fit(codes, cells, seed=seed, progress=lambda *_: None, context=given)
    )
    if relations:
        sampler = Sampler(columns, model, (), Relations(), (Part(1.0, Asked()),), 0)
        block = sampler.block(0, 0, TRIAL_ROWS)
        relations = relations.usable(block, stream(seed, "fit", "relations", 0))
    rules = row_rules(None if spec is None else resolve(spec))
    card = Card(
        model=DEFAULT,
        options={},
        rows=table.num_rows,
        holdout_rows=0,
        seed=seed,
        protect=PROTECTED_ROWS,
        columns={codec.cells.name: codec.about for codec in columns.codecs},
        left_out=columns.left_out,
        rules=tuple(rule.told for rule in rules),
        exact=relations.told,
        notes=tuple(notes),
        digests={},
    )
    return Synthesizer(columns, model, card, rules=rules, relations=relations)
