"""A flag of few rows, and the profile of these rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

import fabula as fb

ROWS, RARE = 20_000, 60


def test_the_rows_of_a_rare_flag_keep_their_profile():
    rng = np.random.default_rng(1)
    flag = np.arange(ROWS) < RARE
    amount = rng.normal(size=ROWS) + 2.5 * flag
    kind = rng.choice(["web", "shop", "atm"], ROWS, p=[0.5, 0.45, 0.05])
    kind[flag & (rng.random(ROWS) < 0.7)] = "atm"
    real = pa.table({"amount": amount.round(3), "kind": kind, "fraud": flag.astype(int)})
    real = real.take(pa.array(rng.permutation(ROWS)))
    drawn = fb.fit(real, holdout=0, seed=1).sample(400, seed=2, given={"fraud": 1})
    assert np.mean(np.asarray(drawn["amount"])) > 0.8 * amount[flag].mean()
    atm = np.mean([value == "atm" for value in drawn["kind"].to_pylist()])
    assert abs(atm - (kind[flag] == "atm").mean()) < 0.15
