"""A synthesizer that only fills gaps: some columns are drawn, given all others of a row."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from fabula.inference.resolve import SpecLike, resolve
from fabula.synthesizers.card import Card
from fabula.synthesizers.catalogue import DEFAULT, synthesizer_entry
from fabula.synthesizers.codecs.codec import PROTECTED_ROWS
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.trees import with_trees
from fabula.synthesizers.constraints.finding import learned_relations
from fabula.synthesizers.fitting import usable_relations
from fabula.synthesizers.rules import row_rules
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
    relations, flat, columns = learned_relations(flat, columns, known=known, protect=PROTECTED_ROWS)
    codes = columns.encode(flat)
    cells = relations.marked([codec.cells for codec in columns.codecs])
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
    relations = usable_relations(relations, columns, model, seed)
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
