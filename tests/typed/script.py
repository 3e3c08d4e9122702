"""What a type checker sees in a user's script; `test_script.py` runs mypy on it."""

from typing import assert_type

import pandas as pd
import polars as pl

import fabula as fb

frame = pd.DataFrame({"age": [20, 30]})
model = fb.fit(frame, seed=1, rounds=5)
assert_type(model, fb.Synthesizer[pd.DataFrame])
assert_type(model.sample(3, given={"age": "18..30"}), pd.DataFrame)
assert_type(model.holdout, pd.DataFrame | None)
assert_type(model.impute(pl.DataFrame()), pl.DataFrame)
assert_type(fb.fit(pl.DataFrame()).sample(3), pl.DataFrame)
several = fb.fit({"people": frame, "orders": frame}, keys={"orders.buyer": "people.id"})
if isinstance(several, fb.RelationalSynthesizer):
    assert_type(several.sample(2.0), dict[str, pd.DataFrame])
else:
    assert_type(several.sample(2), pd.DataFrame)
assert_type(fb.extend(frame, 2, model="fake"), pd.DataFrame)
assert_type(fb.extend({"people": frame}, 2, model="fake"), pd.DataFrame)
fb.fit(frame, seed="1")  # type: ignore[call-overload]
fb.extend(frame, 2, modle="fake")  # type: ignore[call-overload]
