"""From a table, a domain and a budget to a differentially private synthesizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of
from fabula.synthesizers.card import Card
from fabula.synthesizers.codecs.codec import ColumnCodec
from fabula.synthesizers.model import CodeModel, Steps
from fabula.synthesizers.models.private.domain import Domain, columns_of, inside, undeclared
from fabula.synthesizers.models.private.tree import PrivateTree, check_budget
from fabula.synthesizers.rules import Rule
from fabula.synthesizers.synthesizer import Synthesizer


def fit_privately(
    table: pa.Table,
    *,
    epsilon: float | None,
    delta: float,
    domain: Domain,
    holdout: float,
    seed: int,
    rules: tuple[Rule, ...],
    progress: Steps,
    hand_back: Any,
) -> Synthesizer[Any]:
    """Learn a table with differential privacy.

    Args:
        table: Rows.
        epsilon: The ε to spend.
        delta: The δ.
        domain: Bounds and labels of columns; those of others are found within the budget.
        holdout: The chance of each row to be kept out of training.
        seed: Told on the card; decides nothing here.
        rules: What every sampled row keeps.
        progress: Called with tables counted and tables in all.
        hand_back: Turns sampled rows into the library of the given ones.

    Raises:
        UsageError: The budget or the domain is missing or wrong.
    """
    from fabula.synthesizers.models.private.accounting import Account, affordable
    from fabula.synthesizers.models.private.discovery import DELTA_SHARE, SHARE, Discovery

    check_budget(epsilon, delta)
    assert epsilon is not None
    unknown = undeclared(table.schema, domain)
    # A coin for each row, from no seed: one row more or less leaves the others if they are.
    out = np.random.default_rng().random(table.num_rows) < holdout
    training = table.filter(array_of(~out))
    account = Account()
    found: Mapping[str, ColumnCodec] = {}
    unfound: Mapping[str, str] = {}
    if unknown:
        for_labels = DELTA_SHARE * delta
        share = SHARE * len(unknown) / table.num_columns
        discovery = Discovery.of(
            [table.schema.field(name) for name in unknown],
            account,
            share * affordable(epsilon, delta - for_labels),
            for_labels,
        )
        found, unfound = discovery.codecs(training, unknown), discovery.left_out
    columns = columns_of(table.schema, domain, found, unfound)
    codes = columns.encode(inside(training, columns))
    cells = tuple(codec.cells for codec in columns.codecs)
    model = PrivateTree.fit(
        codes, cells, seed=seed, progress=progress, epsilon=epsilon, delta=delta,
        account=account,
    )  # fmt: skip
    card = Card(
        model="private",
        options={"epsilon": epsilon, "delta": delta},
        rows=model.rows,
        holdout_rows=round(model.rows * holdout / (1 - holdout)),
        seed=seed,
        protect=0,
        columns={codec.cells.name: codec.about for codec in columns.codecs},
        left_out=columns.left_out,
        rules=tuple(rule.told for rule in rules),
        notes=("row numbers above are noisy estimates", *model.notes),
    )
    kept_out = table.filter(array_of(out)) if out.any() else None
    learned = cast(CodeModel, model)  # its options have names of their own
    return Synthesizer(
        columns, learned, card, rules=rules, training=training, holdout=kept_out,
        hand_back=hand_back,
    )  # fmt: skip
