"""Differential privacy: what is spent, how the noise follows it, and what one row can change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fabula.errors import UsageError
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.models.private.accounting import Account, affordable, epsilon_of, scale
from fabula.synthesizers.models.private.discovery import threshold
from tests.synthesizers.blocked import sampled_without

DOMAIN: dict[str, Any] = {"kind": ["book", "tool", "toy"], "price": "0..50", "stock": "0..9"}


def shop(rows: int = 4_000) -> pa.Table:
    rng = np.random.default_rng(0)
    kind = rng.choice(["book", "tool", "toy"], rows, p=[0.5, 0.3, 0.2])
    price = np.where(kind == "book", rng.normal(10, 1, rows), rng.normal(40, 2, rows)).round(2)
    return pa.table({"kind": kind, "price": price, "stock": rng.integers(0, 10, rows)})


def test_the_spent_budget_is_what_was_asked_and_stands_on_the_card() -> None:
    synthesizer = fit(shop(), epsilon=2.0, delta=1e-5, domain=DOMAIN)
    card = str(synthesizer.card())
    assert "ε = 2 at δ = 1e-05" in card
    assert "not covered" in card
    for epsilon in (0.1, 1.0, 10.0):
        spent = epsilon_of(affordable(epsilon, 1e-6), 1e-6)
        assert epsilon * 0.999 < spent <= epsilon


def test_noise_grows_as_epsilon_shrinks() -> None:
    counts = np.zeros(4_000, np.int64)
    for epsilon in (0.5, 5.0):
        account, rho = Account(), affordable(epsilon, 1e-6)
        spread = account.noisy(counts, rho).std()
        # a standard deviation from 4,000 draws is within 5 of its own deviations, 1 / √8,000
        assert abs(spread / scale(rho) - 1) < 5 / 8_000**0.5 + 0.02
        assert account.epsilon(1e-6) <= epsilon * 1.001


def test_one_row_changes_the_odds_by_no_more_than_epsilon() -> None:
    """Neighbouring data sets: counts 10 and 11, over every outcome that is frequent enough."""
    epsilon, delta, draws = 1.0, 1e-2, 20_000
    rho = affordable(epsilon, delta)
    with_row, without = (
        Account().noisy(np.full(draws, count, np.int64), rho).astype(int) for count in (11, 10)
    )
    for bound in range(6, 16):
        p, q = (with_row >= bound).mean(), (without >= bound).mean()
        noise = 5 * (0.25 / draws) ** 0.5
        assert p <= np.exp(epsilon) * (q + noise) + delta + noise
    assert with_row.mean() > without.mean()


def test_a_canary_is_not_reproduced() -> None:
    """One person's label and number, far from all others, inside the domain."""
    canary = pa.table({"kind": ["toy"], "price": [0.01], "stock": [9]})
    table = pa.concat_tables([shop(2_000), canary])
    domain = {**DOMAIN, "price": "0..1000"}
    rows = fit(table, epsilon=1.0, domain=domain, holdout=0).sample(2_000, seed=1)
    found = [row for row in rows.to_pylist() if row == canary.to_pylist()[0]]
    assert not found


def test_what_belongs_together_survives_a_fair_budget(tmp_path: Path) -> None:
    synthesizer = fit(shop(), epsilon=3.0, domain=DOMAIN, holdout=0)
    rows = synthesizer.sample(3_000, seed=1)
    book = np.array(rows["kind"].to_pylist()) == "book"
    cheap = np.nan_to_num(rows["price"].to_numpy(), nan=99.0) < 20
    assert (book == cheap).mean() > 0.9
    synthesizer.save(tmp_path / "private.fabula")
    made = str(synthesizer.sample(50, seed=3).to_pylist())
    assert sampled_without("opendp", tmp_path / "private.fabula") == made
    toys = synthesizer.sample(200, given={"kind": "toy"})
    assert set(toys["kind"].to_pylist()) == {"toy"}


def test_cells_come_from_the_domain_and_not_from_the_data() -> None:
    """Values beyond the domain are clipped or missing; cells are the same for any data."""
    first = fit(shop(100), epsilon=1.0, domain=DOMAIN)
    other = pa.table({"kind": ["?"] * 100, "price": [1e9] * 100, "stock": [-5] * 100})
    second = fit(other, epsilon=1.0, domain=DOMAIN)
    for one, two in zip(first._columns.codecs, second._columns.codecs, strict=True):
        for name, values in one.state().arrays.items():
            assert str(values) == str(two.state().arrays[name])
    rows = second.sample(500)
    assert max(value for value in rows["price"].to_pylist() if value is not None) <= 50


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"epsilon": 0}, "privacy.budget"),
        ({"epsilon": "a"}, "privacy.budget"),
        ({"epsilon": 1e6}, "privacy.budget"),
        ({"epsilon": 1, "delta": 2}, "privacy.budget"),
        ({"epsilon": 1, "delta": "x"}, "privacy.budget"),
        ({"epsilon": 1, "domain": "price"}, "privacy.domain"),
        ({"epsilon": 1, "domain": {**DOMAIN, "price": "cheap..50"}}, "privacy.domain"),
        ({"epsilon": 1, "domain": {**DOMAIN, "price": "-inf..50"}}, "privacy.domain"),
        ({"epsilon": 1, "domain": {**DOMAIN, "stock": "few..50"}}, "privacy.domain"),
        ({"model": "private"}, "privacy.budget"),
        ({"epsilon": 1, "model": "vae"}, "privacy.model"),
        ({"epsilon": 1, "domain": {}}, "privacy.domain"),
        ({"epsilon": 1, "domain": {**DOMAIN, "colour": ["red"]}}, "privacy.domain"),
        ({"epsilon": 1, "domain": {**DOMAIN, "kind": "book"}}, "privacy.domain"),
        ({"epsilon": 1, "domain": {**DOMAIN, "kind": "a..b"}}, "privacy.domain"),
        ({"epsilon": 1, "domain": {**DOMAIN, "price": "9..9"}}, "privacy.domain"),
        ({"epsilon": 1, "domain": dict.fromkeys(DOMAIN)}, "privacy.domain"),
    ],
)
def test_a_wrong_budget_or_domain_is_told(options: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        fit(shop(100), **{"domain": DOMAIN, **options})
    assert caught.value.code == code


def test_whole_numbers_dates_and_left_out_columns_have_a_domain() -> None:
    table = pa.table(
        {
            "day": pa.array(range(18_000, 18_200), pa.int32()).cast(pa.date32()),
            "name": [f"Ada {number}" for number in range(200)],
            "member": [True, False] * 100,
        }
    )
    domain = {"day": "2019-01-01..2019-12-31", "name": None}
    synthesizer = fit(table, epsilon=5.0, domain=domain, holdout=0)
    rows = synthesizer.sample(300)
    assert rows.column_names == ["day", "member"]
    assert {day.year for day in rows["day"].to_pylist() if day} == {2019}
    assert "left out" in str(synthesizer.card())


def test_bounds_and_labels_are_found_within_the_budget() -> None:
    synthesizer = fit(shop(8_000), epsilon=2.0, holdout=0)
    card = str(synthesizer.card())
    assert "ε = 2 at δ = 1e-06" in card
    assert "bounds and labels were found within the budget" in card
    rows = synthesizer.sample(4_000, seed=1).to_pandas()
    assert set(rows.kind.dropna()) == {"book", "tool", "toy"}  # noise may make a few missing
    price = rows.price.dropna()
    assert price.min() > 0
    assert price.max() < 64
    assert (price[rows.kind == "book"] < 20).mean() > 0.9
    stock = rows.stock.dropna()
    assert (stock.min(), stock.max()) == (0, 9)


def test_a_part_of_the_domain_may_be_given() -> None:
    synthesizer = fit(shop(8_000), epsilon=2.0, domain={"price": "0..50", "stock": None}, holdout=0)
    rows = synthesizer.sample(500, seed=1)
    assert rows.column_names == ["kind", "price"]
    assert set(rows["kind"].drop_null().to_pylist()) == {"book", "tool", "toy"}


def test_labels_and_numbers_of_single_people_are_not_found() -> None:
    """Each name is one person's, and one price lies far beyond all others."""
    table = shop(8_000)
    names = pa.array([f"person {row}" for row in range(len(table))])
    prices = table["price"].to_numpy().copy()
    prices[0] = 9e6
    table = table.append_column("name", names).set_column(1, "price", pa.array(prices))
    synthesizer = fit(table, epsilon=8.0, holdout=0)
    assert "too rare to be found privately" in synthesizer.card().left_out["name"]
    assert max(filter(None, synthesizer.sample(4_000)["price"].to_pylist())) < 64


def test_the_label_of_a_single_row_passes_the_threshold_as_seldom_as_delta_says() -> None:
    delta, draws, noise = 1e-2, 40_000, 20.0
    rho = 1 / (2 * noise**2)
    noisy = Account().noisy(np.ones(draws, np.int64), rho)
    # the share of draws is within 5 standard deviations of its mean, which is at most δ
    assert (noisy >= threshold(noise, delta)).mean() <= delta + 5 * (delta / draws) ** 0.5


def test_thresholds_and_noise_share_one_delta() -> None:
    account = Account()
    account.noisy(np.array([5]), affordable(1.0, 5e-7))
    account.delta = 5e-7
    assert account.epsilon(1e-6) == pytest.approx(1.0, abs=1e-3)
    assert account.epsilon(1e-6) > epsilon_of(account.rho, 1e-6)


def test_a_column_named_as_an_id_is_left_out_without_a_look() -> None:
    table = shop(2_000).append_column("order_id", pa.array(range(2_000)))
    assert "key" in fit(table, epsilon=8.0, holdout=0).card().left_out["order_id"]


def test_dates_and_columns_without_a_value_have_bounds_or_a_reason() -> None:
    rng = np.random.default_rng(3)
    days = pa.array(rng.integers(19_000, 19_365, 8_000)).cast(pa.int32()).cast(pa.date32())
    table = pa.table({"day": days, "none": pa.nulls(8_000, pa.float64())})
    synthesizer = fit(table, epsilon=4.0, holdout=0)
    assert "bounds can't be found" in synthesizer.card().left_out["none"]
    drawn = synthesizer.sample(2_000)["day"].drop_null().cast(pa.int32()).to_numpy()
    assert 18_990 <= drawn.min() <= 19_040
    assert 19_320 <= drawn.max() <= 19_375
