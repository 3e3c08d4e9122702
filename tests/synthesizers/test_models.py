"""What every model over cells does: learns what belongs together, conditions, saves, repeats."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fabula.errors import SourceError, UsageError
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.model import Drawn
from fabula.synthesizers.models.number_pairs import unlearned
from fabula.synthesizers.synthesizer import Synthesizer
from tests.synthesizers.blocked import sampled_without

SMALL: dict[str, dict[str, Any]] = {
    "copula": {},
    "mixture": {},
    "vae": {"hidden": 32},
    "gan": {"hidden": 32, "steps": 100},
}
ROWS = 600

NETWORKS = [pytest.param(model, marks=pytest.mark.slow) for model in ("vae", "gan")]

every_model = pytest.mark.parametrize("model", ["copula", "mixture", *NETWORKS])


def shop(rows: int = ROWS, seed: int = 0) -> pa.Table:
    """A price of two modes that follows the kind, a share of gaps, and a shelf for books."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["book", "tool", "toy"], rows, p=[0.5, 0.3, 0.2])
    price = np.where(kind == "book", rng.normal(10, 1, rows), rng.normal(40, 2, rows)).round(2)
    weight = (price * 0.1 + rng.normal(0, 0.3, rows)).round(3)
    return pa.table(
        {
            "kind": kind,
            "price": price,
            "weight": pa.array(weight, mask=rng.random(rows) < 0.1),
            "stock": rng.integers(0, 5, rows),
            "shelf": np.where(kind == "book", "a", "b"),
        }
    )


@cache
def fitted(model: str) -> Synthesizer:
    return fit(shop(), model=model, seed=1, holdout=0.1, **SMALL[model])  # type: ignore[arg-type]


def agreeing(table: pa.Table) -> float:
    """The share of rows whose shelf is that of their kind."""
    rows = zip(table["kind"].to_pylist(), table["shelf"].to_pylist(), strict=True)
    return sum((kind == "book") == (shelf == "a") for kind, shelf in rows) / table.num_rows


@every_model
def test_all_labels_and_both_modes_come_back(model: str) -> None:
    rows = fitted(model).sample(2_000)
    shares = {kind: count / 2_000 for kind, count in Counter(rows["kind"].to_pylist()).items()}
    for kind, share in {"book": 0.5, "tool": 0.3, "toy": 0.2}.items():
        # five standard deviations of a share in 540 training rows and 2,000 sampled ones
        assert abs(shares[kind] - share) < 5 * (share * (1 - share) * (1 / 540 + 1 / 2_000)) ** 0.5
    price = rows["price"].to_numpy()
    low, between = (price < 20).mean(), ((price > 20) & (price < 30)).mean()
    assert abs(low - 0.5) < 0.12
    assert between < 0.02
    assert abs(rows["weight"].null_count / 2_000 - 0.1) < 0.07


@pytest.mark.parametrize("model", ["copula", "mixture", NETWORKS[0]])
def test_what_belongs_together_stays_together(model: str) -> None:
    """Much nearer to real pairs than independent columns, of which half agree."""
    assert agreeing(fitted(model).sample(2_000)) > 0.85


def copies(table: pa.Table) -> int:
    """Rows that equal one of the training table."""
    known = {tuple(row.values()) for row in shop().to_pylist()}
    return sum(tuple(row.values()) in known for row in table.to_pylist())


@pytest.mark.parametrize("model", ["copula", *NETWORKS])
def test_rows_equal_real_ones_no_more_often_than_by_chance(model: str) -> None:
    """As often as fresh rows of the same origin, within five standard deviations."""
    chance, made = copies(shop(10_000, seed=7)), copies(fitted(model).sample(10_000))
    assert made <= chance + 5 * (chance + made + 1) ** 0.5


def test_a_mixture_copies_rows_by_chance_unless_it_is_given_more_components() -> None:
    """By default as often as one of two components, which these rows truly come from."""
    true, many = (
        copies(fit(shop(), model="mixture", seed=1, holdout=0.1, components=count).sample(10_000))
        for count in (2, 100)
    )
    made = copies(fitted("mixture").sample(10_000))
    assert made <= true + 5 * (true + made + 1) ** 0.5
    assert made < many


@every_model
def test_given_values_hold_in_every_row(model: str) -> None:
    """Class-conditional."""
    rows = fitted(model).sample(300, given={"kind": "toy", "price": "35.."}, seed=4)
    assert set(rows["kind"].to_pylist()) == {"toy"}
    assert min(rows["price"].to_pylist()) >= 35


@every_model
def test_a_saved_model_samples_the_same_rows(model: str, tmp_path: Path) -> None:
    fitted(model).save(tmp_path / "model.fabula")
    again = Synthesizer.load(tmp_path / "model.fabula")
    assert again.sample(500, seed=3).equals(fitted(model).sample(500, seed=3))
    assert again.card() == fitted(model).card()


@every_model
def test_gaps_are_filled_and_known_values_stand(model: str) -> None:
    gaps = shop(50, seed=9).slice(0, 20)
    gaps = gaps.set_column(4, "shelf", pa.array([None] * 20, pa.string()))
    full = fitted(model).impute(gaps, seed=2)
    assert full["shelf"].null_count == 0
    assert full["kind"].equals(gaps["kind"])
    if model in ("copula", "mixture"):
        assert agreeing(full) > 0.9


@pytest.mark.parametrize("model", ["mixture", "copula"])
def test_the_same_seed_gives_the_same_model(model: str) -> None:
    again = fit(shop(), model=model, seed=1, holdout=0.1, **SMALL[model])  # type: ignore[arg-type]
    assert again.sample(200).equals(fitted(model).sample(200))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["vae", "gan"])
def test_the_same_seed_gives_the_same_network(model: str) -> None:
    again = fit(shop(), model=model, seed=1, holdout=0.1, **SMALL[model])  # type: ignore[arg-type]
    assert again.sample(200).equals(fitted(model).sample(200))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["gan", NETWORKS[0]])
def test_a_network_ends_in_time_and_tells_so(model: str, tmp_path: Path) -> None:
    """Bounded time; what it has by then is saved and sampled without JAX."""
    options = {**SMALL[model], "hidden": 8, "max_seconds": 0}
    synthesizer = fit(shop(100).select(["kind", "price"]), model=model, **options)  # type: ignore[arg-type]
    assert "1 round" in str(synthesizer.card())
    assert "0 seconds" in str(synthesizer.card())
    synthesizer.save(tmp_path / "model.fabula")
    assert set(synthesizer.sample(200)["kind"].to_pylist()) == {"book", "tool", "toy"}
    rows = sampled_without("jax,jaxlib,optax", tmp_path / "model.fabula")
    assert rows == str(synthesizer.sample(50, seed=3).to_pylist())


def test_a_mixture_tells_unusual_rows_by_their_density() -> None:
    synthesizer = fitted("mixture")
    usual = synthesizer._columns.encode(shop(200, seed=5))
    odd = usual.copy()
    odd[:, 4] = 1 - odd[:, 4]
    density = synthesizer._model.log_density  # type: ignore[attr-defined]
    assert np.median(density(odd)) < np.median(density(usual)) - 1


@every_model
def test_three_rows_are_refused(model: str) -> None:
    with pytest.raises(SourceError, match="too few"):
        fit(shop(3), model=model)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["copula", "mixture"])
def test_constant_and_empty_columns_stay_what_they_are(model: str) -> None:
    odd = pa.table({"one": [7] * 60, "none": pa.nulls(60, pa.float64()), "x": range(60)})
    rows = fit(odd, model=model, holdout=0).sample(40)  # type: ignore[arg-type]
    assert set(rows["one"].to_pylist()) == {7}
    assert rows["none"].null_count == 40


@pytest.mark.parametrize("model", ["copula", "mixture"])
def test_ten_thousand_labels_are_learned(model: str) -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 10_000, 12_000).astype(str)
    table = pa.table(
        {"label": pa.array(label).dictionary_encode(), "x": rng.integers(0, 9, 12_000)}
    )
    assert fit(table, model=model, holdout=0, protect=False).sample(100).num_rows == 100  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["vae", "gan"])
def test_networks_learn_odd_columns(model: str) -> None:
    """Constant, empty and one-column tables, and 10,000 labels."""
    rng = np.random.default_rng(0)
    odd = pa.table({"one": [7] * 60, "none": pa.nulls(60, pa.float64()), "x": range(60)})
    rows = fit(odd, model=model, holdout=0, **SMALL[model]).sample(40)  # type: ignore[arg-type]
    assert set(rows["one"].to_pylist()) == {7}
    label = pa.array(rng.integers(0, 10_000, 12_000).astype(str)).dictionary_encode()
    many = pa.table({"label": label, "x": rng.integers(0, 9, 12_000)})
    short = {**SMALL[model], "max_seconds": 5}
    made = fit(many, model=model, holdout=0, protect=False, **short)  # type: ignore[arg-type]
    assert made.sample(50).num_rows == 50


@pytest.mark.parametrize(
    ("model", "option", "value"),
    [
        ("mixture", "passes", 0),
        ("mixture", "components", 2.5),
        ("boosted", "rounds", -5),
        ("boosted", "rounds", "many"),
        ("boosted", "leaves", True),
        ("boosted", "rate", float("nan")),
        ("boosted", "workers", -2),
        ("vae", "hidden", 0),
        ("gan", "steps", 0),
    ],
)
def test_options_without_sense_are_refused(model: str, option: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"option `{option}` must be a (whole )?number") as wrong:
        fit(shop(), model=model, **{option: value})  # type: ignore[arg-type]
    assert wrong.value.code == "usage.bad-option"


def pairs_with_gaps(rows: int, seed: int) -> pa.Table:
    """Two normals that correlate with 0.7; one value in six of the second is missing."""
    rng = np.random.default_rng(seed)
    first = rng.normal(0, 1, rows)
    second = 0.7 * first + 0.51**0.5 * rng.normal(0, 1, rows)
    return pa.table({"a": first, "b": pa.array(second, mask=rng.random(rows) < 0.17)})


def correlation(table: pa.Table) -> float:
    known = table.drop_null()
    return float(np.corrcoef(known["a"].to_numpy(), known["b"].to_numpy())[0, 1])


@pytest.mark.parametrize("rows", [1_000, 5_000])
@pytest.mark.parametrize("model", ["copula", "mixture", "boosted"])
def test_missing_values_cost_a_column_nothing_of_its_correlation(model: str, rows: int) -> None:
    real = pairs_with_gaps(rows, seed=1)
    made = fit(real, model=model, seed=1, holdout=0.0).sample(10_000, seed=2)  # type: ignore[arg-type]
    # a correlation of r in n pairs varies by (1 - r²) / √n
    assert abs(correlation(made) - correlation(real)) < 0.05
    assert abs(made["b"].null_count / 10_000 - real["b"].null_count / rows) < 0.02


def people(rows: int, seed: int) -> pa.Table:
    """Heights that follow the sex, weights that follow the height, and charges of smokers."""
    rng = np.random.default_rng(seed)
    woman, smoker = rng.random(rows) < 0.5, rng.random(rows) < 0.2
    height = np.where(woman, 166, 179) + rng.normal(0, 7, rows)
    weight = 0.9 * (height - 100) + rng.normal(0, 9, rows)
    age = rng.integers(18, 80, rows)
    charges = np.exp(7.5 + 0.02 * age + 1.3 * smoker + rng.normal(0, 0.3, rows))
    return pa.table(
        {
            "sex": np.where(woman, "f", "m"),
            "height": height.round(1),
            "weight": pa.array(weight.round(1), mask=rng.random(rows) < 0.17),
            "age": age,
            "smoker": smoker,
            "charges": charges.round(2),
        }
    )


@pytest.mark.parametrize(
    ("model", "options", "bound"),
    [
        ("copula", {}, 0.10),
        ("mixture", {}, 0.10),
        ("boosted", {}, 0.10),
        pytest.param("vae", {}, 0.10, marks=pytest.mark.slow),
        pytest.param("gan", {"steps": 1_000}, 0.15, marks=pytest.mark.slow),
    ],
)
def test_numbers_and_two_labels_go_together_as_in_real_rows(
    model: str, options: dict[str, Any], bound: float
) -> None:
    real = people(2_000, seed=3)
    made = fit(real, model=model, seed=1, holdout=0.0, **options).sample(5_000, seed=2)  # type: ignore[arg-type]
    names = ["height", "weight", "age", "charges"]
    ranks = [table.select(names).to_pandas().corr("spearman") for table in (real, made)]
    assert float(np.abs(ranks[0] - ranks[1]).to_numpy().max()) <= bound
    tall = [
        table.to_pandas().groupby("sex")["height"].mean().diff().iloc[-1] for table in (real, made)
    ]
    assert abs(tall[1] - tall[0]) < 2  # of 13


class Independent:
    """A model that draws each column on its own."""

    def __init__(self, codes: Any) -> None:
        self._codes = codes

    def sample(self, rows: int, rng: np.random.Generator, allowed: Any) -> Drawn:
        del allowed
        drawn = [rng.choice(column, rows) for column in self._codes.T]
        return Drawn(np.stack(drawn, axis=1))


def test_a_model_that_did_not_learn_how_numbers_go_together_says_so() -> None:
    columns = Columns.learn(people(1_000, seed=1), protect=0)
    codes = columns.encode(people(1_000, seed=1))
    cells = [codec.cells for codec in columns.codecs]
    (told,) = unlearned(codes, cells, Independent(codes), 0, other="mixture")  # type: ignore[arg-type]
    assert "not learned" in told
    assert "`fabula fit DATA --model mixture -o model.fabula`" in told
    assert "`weight` and `height`" in told or "`height` and `weight`" in told
    assert fit(people(1_000, seed=1), model="boosted", seed=1).card().notes == ()
