"""New keys meet no real one: neither a training row's nor a held-out row's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fabula.errors import UsageError
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.taken import SLOTS, Taken
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.synthesizer import load_synthesizer


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def texts(form: str, size: int = 400) -> list[str]:
    """Different texts: an invoice, two letters and digits, a hash, a UUID."""
    numbers = rng().choice(10**6, size, replace=False)
    letters = rng().integers(65, 91, (size, 2))
    return [
        {
            "numbered": f"INV-{number:06d}",
            "coded": f"{chr(first)}{chr(second)}{number:06d}",
            "hash": f"{rng().integers(2**62) ^ int(number):032x}",
            "uuid": f"{number:08x}-0000-4000-8000-{number:012x}",
            "short": f"{chr(first)}{chr(second)}{number % 1000:03d}{at % 10}",
        }[form]
        for at, (number, (first, second)) in enumerate(zip(numbers, letters, strict=True))
    ]


ROOMS = pa.table({"room": ["north", "south"] * 40, "size": list(range(80))})
"""A second table, so that there are several."""

KEYS = {
    "counter": list(range(1, 401)),
    "spread": (rng().choice(10**7, 400, replace=False) + 10**7).tolist(),
    "last": [*range(1, 400), 2**31 - 1],
    **{form: texts(form) for form in ("numbered", "coded", "hash", "uuid")},
}


@pytest.mark.parametrize("form", KEYS)
@pytest.mark.parametrize("several", [False, True], ids=["table", "tables"])
def test_no_new_key_is_a_real_one(form: str, several: bool, tmp_path: Path) -> None:
    """Held-out rows are not learned from, and their keys don't come back either."""
    keys = pa.array(KEYS[form])
    real = pa.table({"member_id": keys, "age": rng().integers(18, 90, 400)}).take(
        pa.array(rng().permutation(400))
    )
    fitted = fit({"members": real, "rooms": ROOMS} if several else real, seed=1)
    fitted.save(tmp_path / "m.fabula")
    loaded = load_synthesizer(tmp_path / "m.fabula")
    for seed in range(3):
        made = (
            loaded.sample(2.0, seed=seed)["members"] if several else loaded.sample(800, seed=seed)
        )
        new = made["member_id"]
        assert len(new.unique()) == 800
        assert not pc.any(pc.is_in(new, value_set=keys)).as_py()
        if pa.types.is_string(new.type):
            assert set(pc.utf8_length(new).unique().to_pylist()) <= set(
                pc.utf8_length(keys).to_pylist()
            )
            forms = [KeyCodec.always("id", each).regex for each in (new.combine_chunks(), keys)]
            assert forms[0] == forms[1] or form == "numbered"  # few numbers may be left
            assert form != "numbered" or pc.all(pc.starts_with(new, "INV-")).as_py()


def places(rows: int) -> Places:
    return Places(np.arange(rows), 1, rng())


def test_a_counter_goes_on_and_starts_again_where_its_type_ends() -> None:
    """Numbers from 1 say nothing of anybody; other numbers use the free ones below them."""
    counter = KeyCodec.always("id", pa.array(range(1, 101), pa.int8()))
    made = counter.decode(np.zeros(100), places(100)).to_pylist()
    assert made[:27] == list(range(101, 128))
    assert made[27:] == list(range(1, 74))
    high = KeyCodec.always("id", pa.array(range(2**64 - 60, 2**64), pa.uint64()))
    made = high.decode(np.zeros(100), places(100)).to_pylist()
    assert made == list(range(2**64 - 61, 2**64 - 161, -1))
    few = KeyCodec.always("id", pa.array(range(20, 120), pa.int8()))
    with pytest.raises(UsageError, match="only 28 different values of `id` int8 has left"):
        few.decode(np.zeros(100), places(100))


def test_the_bitmap_of_real_keys_holds_them_all_and_a_fifth_of_all_others() -> None:
    """So that a taken slot does not tell that a key was real."""
    keys = pa.array(texts("hash"))
    taken = Taken.read(str(Taken.of(keys)))
    assert len(taken.slots) == SLOTS * 400
    assert taken(keys).all()
    others = pa.array([f"{at:08x}" for at in range(4_000)])
    assert 0.15 < taken(others).mean() < 0.3


@pytest.mark.parametrize("rows", [21, 399, 401])
def test_the_bitmap_of_any_number_of_keys_is_read_as_it_was_written(rows: int) -> None:
    """Bits that fill up the last byte say nothing else."""
    keys = pa.array(texts("hash")[:20] + [f"key {at}" for at in range(rows - 20)])
    assert Taken.read(str(Taken.of(keys)))(keys).all()


def test_short_forms_meet_no_real_key_where_they_leave_enough() -> None:
    """Two letters and two digits make 67,600 texts, of which 2,000 are real."""
    ranks = rng().choice(67_600, 2_000, replace=False)
    codes = [f"{chr(65 + at // 2_600)}{chr(65 + at // 100 % 26)}{at % 100:02d}" for at in ranks]
    key = KeyCodec.always("id", pa.array(codes))
    made = key.decode(np.zeros(8_000), Places(np.arange(8_000), 3, rng())).to_pylist()
    assert len(set(made)) == 8_000
    assert not set(made) & set(codes)


def test_forms_with_too_few_texts_say_that_real_ones_may_come_back() -> None:
    """Two letters and a digit make 6,760 texts, of which 2,000 are real."""
    ranks = rng().choice(6_760, 2_000, replace=False)
    codes = [f"{chr(65 + at // 260)}{chr(65 + at // 10 % 26)}{at % 10}" for at in ranks]
    assert "real ones may recur" in KeyCodec.always("id", pa.array(codes)).about


def test_numbers_of_one_width_keep_it() -> None:
    """Codes of five digits that leave gaps get no sixth one, and meet no real one."""
    real = rng().choice(np.arange(10_000, 100_000), 399, replace=False)
    codes = pa.table({"zip_id": [99_999, *real.tolist()], "size": list(range(400))})
    model = fit(codes, seed=1)
    made = model.sample(2_000, seed=2)["zip_id"].to_pylist()
    assert len(set(made)) == 2_000
    assert {len(str(code)) for code in made} == {5}
    assert not set(made) & set(codes["zip_id"].to_pylist())


def test_numbers_of_users_and_things_in_one_table_are_no_measures():
    """Users are newly generated with as many rows each; products stay labels."""
    draw, rows = np.random.default_rng(3), 4_000
    user = (draw.pareto(1, rows) * 20).astype(int) % 700 + 1
    product = draw.integers(100, 150, rows) * 11
    real = pa.table({"user": user, "product_id": product, "stars": draw.integers(1, 6, rows)})
    fitted = fit(real, seed=1, holdout=0)
    assert "`user` numbers people" in fitted.card().columns["user"]
    made = fitted.sample(rows, seed=2).to_pandas()
    assert not set(made["user"]) & set(user.tolist())
    assert set(made["product_id"]) <= set(product.tolist())
    counts = [
        np.sort(np.unique(each, return_counts=True)[1])[::-1] for each in (user, made["user"])
    ]
    assert abs(len(counts[0]) - len(counts[1])) < 0.15 * len(counts[0])
    assert abs(counts[0][0] - counts[1][0]) < 5 * np.sqrt(counts[0][0]) + 1


@pytest.mark.parametrize("first", [0, 1])
def test_a_count_of_rows_is_a_key_in_a_small_table(first: int) -> None:
    """Of the rows that are learned some are missing, the first ones among them."""
    counts = np.delete(np.arange(first, first + 40), [0, 7, 19, 20, 33])
    assert KeyCodec.learn("column_1", pa.array(counts)) is not None
    assert KeyCodec.learn("score", pa.array(counts[::-1])) is None


def test_row_names_number_rows_though_many_were_left_out() -> None:
    numbers = pa.array(np.sort(rng().choice(10_000, 300, replace=False)))
    assert KeyCodec.learn("rownames", numbers) is not None
    assert KeyCodec.learn("price", numbers) is None
