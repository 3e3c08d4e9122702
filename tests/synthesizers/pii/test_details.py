"""Personal details are recognised and replaced: of their kind and form, never the real ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.fakers.people import People
from fabula.pii.check_digits import (
    is_account,
    is_card,
    with_account_check,
    with_card_check,
)
from fabula.streams import stream
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.pii.codec import DetailCodec
from fabula.synthesizers.pii.details import details_of
from fabula.synthesizers.pii.finding import personal_columns

RNG = np.random.default_rng(11)
ROWS = 1_200


def real_people(locale: str, rows: int, *fields: str) -> list[list[str]]:
    """Details of people who stand for the real ones."""
    drawn = People(locale).draw(lambda name: stream(8, "real", name, 0), rows, fields)
    return [drawn[field].to_pylist() for field in fields]


def customers() -> pa.Table:
    """People who have a row each, sold to by 30 people who have many; `spent` is learned."""
    name, first, last, mail, phone, address = real_people(
        "en", ROWS, "name", "first_name", "last_name", "email", "phone", "address"
    )
    sellers = [name[seller] for seller in RNG.integers(0, 30, ROWS)]
    return pa.table(
        {
            "first_name": first,
            "Surname": [text.upper() for text in last],
            "contact": [f"{number}.{text}" for number, text in enumerate(mail)],
            "Telephone": pa.array(phone, mask=RNG.random(ROWS) < 0.25),
            "address": address,
            "seller": sellers,
            "city": RNG.choice(["Wien", "Graz", "Linz"], ROWS),
            "spent": RNG.normal(size=ROWS).round(2),
        }
    )


def find_details(table: pa.Table, *, owner: str) -> dict[str, DetailCodec]:
    """How the personal columns of a table are replaced."""
    return details_of(table, personal_columns({owner: table}, 10, {})[owner], owner, 10)


def found(table: pa.Table, owner: str = "customer") -> dict[str, str]:
    """The details of a table by column."""
    details = find_details(table, owner=owner)
    return {name: codec.detail for name, codec in details.items()}


@pytest.fixture(scope="module")
def model() -> fb.Synthesizer:
    """A fitted table of people."""
    return fb.fit(customers(), seed=1, holdout=0, rounds=20)


@pytest.mark.slow
def test_details_are_recognised_and_named_on_the_card(model):
    """By name where values agree, or by the values alone; cities stay labels."""
    columns = model.card().columns
    assert columns["first_name"].startswith("first names, newly generated (")
    assert columns["Surname"].startswith("last names, newly generated")
    assert columns["contact"].startswith("e-mails, newly generated")
    assert columns["Telephone"].startswith("phone numbers, newly generated")
    assert columns["seller"].startswith("names of people, newly generated")
    assert columns["city"] == "3 labels"


def test_details_of_one_row_agree_and_differ_from_row_to_row(model):
    """The e-mail holds the row's names; what was unique is unique; none is real."""
    made, real = model.sample(2_000), customers()
    rows = made.select(["first_name", "Surname", "contact"]).to_pylist()
    for row in rows[:200]:
        mail = row["contact"].replace("_", "").replace(".", "")
        initial, last = row["first_name"][0].lower(), row["Surname"].lower()
        assert mail.startswith(initial)
        assert "".join(filter(str.isalpha, last)) in mail
        assert row["Surname"].isupper()
    for name in ("contact", "address"):
        assert pc.count_distinct(made.column(name)).as_py() == made.num_rows
        assert not set(made.column(name).to_pylist()) & set(real.column(name).to_pylist())


def test_people_of_many_rows_come_up_as_often_as_the_real_ones(model):
    """Thirty sellers stay thirty with shares of about a thirtieth, under other names."""
    real, made = customers().column("seller"), model.sample(ROWS).column("seller")
    counts = [np.sort(side.value_counts().field("counts").to_numpy()) for side in (real, made)]
    assert len(counts[0]) == len(counts[1]) == 30
    assert np.abs(counts[0] - counts[1]).max() < 5 * np.sqrt(2 * ROWS / 30)
    assert len(set(real.to_pylist()) & set(made.to_pylist())) <= 1


def test_gaps_keep_their_share_and_can_be_asked_for(model):
    """A quarter of the telephone numbers is missing, within five sigma."""
    missing = model.sample(ROWS).column("Telephone").null_count / ROWS
    assert missing == pytest.approx(0.25, abs=5 * (2 * 0.25 * 0.75 / ROWS) ** 0.5)
    assert model.sample(20, given={"Telephone": None}).column("Telephone").null_count == 20
    filled = model.impute(customers().slice(0, 40)).column("Telephone")
    assert filled.null_count == 0
    with pytest.raises(UsageError) as wrong:
        model.sample(1, given={"contact": "a@b.org"})
    assert wrong.value.code == "given.detail"


@pytest.mark.slow
def test_rows_repeat_by_seed_in_any_number_and_from_a_file(model, tmp_path):
    """A row's details depend on the seed and on its number alone."""
    made = model.sample(70_000, seed=5)
    assert (
        model.sample(300, seed=5).select(["contact"]).equals(made.slice(0, 300).select(["contact"]))
    )
    assert pc.count_distinct(made.column("contact")).as_py() == 70_000
    model.save(tmp_path / "people.fabula")
    again = fb.load_synthesizer(tmp_path / "people.fabula")
    assert again.sample(300, seed=5).equals(model.sample(300, seed=5))
    assert not model.sample(300, seed=6).column("contact").equals(made.slice(0, 300)["contact"])


def test_no_real_detail_is_kept():
    """Neither names nor numbers of real people are kept."""
    state = str([codec.state() for codec in Columns.learn(customers(), protect=10).codecs])
    for name in ("contact", "address", "seller", "Telephone"):
        assert not any(text and text in state for text in customers().column(name).to_pylist())


def test_names_keep_their_order_titles_and_language():
    """A passenger list as a whole is written like one; German names stay German."""
    first, last = real_people("de", 400, "first_name", "last_name")
    names = [f"{after}, Dr. {before}" for before, after in zip(first, last, strict=True)]
    table = pa.table({"name": names, "age": [1] * 400})
    (codec,) = find_details(table, owner="").values()
    assert codec.crowd.locales[0] == "de"
    made = _made(codec, 50)
    assert all(", " in text and len(text.split()) >= 3 for text in made)


def test_first_names_agree_with_the_column_of_sexes(tmp_path):
    """No Mr. among the women, whatever sexes are called and however they are stored."""
    name, sex, title = real_people("en", 600, "name", "sex", "title")
    letters = pa.array([text[0].upper() for text in sex]).dictionary_encode()
    rows = {"Name": [f"{a} {b}" for a, b in zip(title, name, strict=True)], "Gender": letters}
    fitted = fb.fit(pa.table({**rows, "age": RNG.integers(18, 90, 600)}), rounds=5)
    fitted.save(tmp_path / "people.fabula")
    made = fb.load_synthesizer(tmp_path / "people.fabula").sample(500)
    assert made.equals(fitted.sample(500))
    titles = [text.split(".")[0] for text in made.column("Name").to_pylist()]
    pairs = set(zip(titles, made.column("Gender").to_pylist(), strict=True))
    assert pairs <= {("Mr", "M"), ("Dr", "M"), ("Mrs", "F"), ("Ms", "F"), ("Dr", "F")}
    assert len({title for title, _ in pairs}) > 2


def test_people_of_several_rows_keep_their_sex_and_sellers_have_their_own():
    """A name is of one sex in all of its rows; a seller's says nothing of the buyer's."""
    name, sex = real_people("en", 200, "name", "sex")
    who = RNG.integers(0, 200, 1_500)
    seller = [name[number] for number in RNG.integers(0, 20, 1_500)]
    rows = {"buyer": [name[i] for i in who], "sex": [sex[i] for i in who], "seller": seller}
    made = fb.fit(rows, rounds=20).sample(1_500)
    buyers = made.group_by(["buyer", "sex"]).aggregate([]).num_rows
    assert buyers == pc.count_distinct(made["buyer"]).as_py()
    assert made.group_by(["seller", "sex"]).aggregate([]).num_rows == 40


def test_last_names_repeat_as_often_as_the_real_ones():
    """Hundreds of names in thousands of rows, as in lists of a bank's customers."""
    (last,) = real_people("fr", 8_000, "last_name")
    values = pa.array(last)
    (codec,) = find_details(pa.table({"Nachname": values}), owner="").values()
    assert codec.detail == "last_name"
    made = pa.array(_made(codec, 8_000))
    real = pc.count_distinct(values).as_py()
    assert pc.count_distinct(made).as_py() == pytest.approx(real, rel=0.15)


@pytest.mark.parametrize(
    ("name", "texts", "detail"),
    [
        ("x", [f"u{i}@corp.at" for i in range(90)], "email"),
        ("x", [f"10.2.{i % 7}.{i}" for i in range(90)], "ip"),
        ("x", [f"fe80:0:0:0:{i:x}:1:2:3" for i in range(90)], "ip"),
        ("x", [f"https://shop.at/{i}" for i in range(90)], "url"),
        ("x", [f"+43 660 {i * 7919:07}" for i in range(90)], "phone"),
        ("mobile", [f"0660/{i * 7919:07}" for i in range(90)], "phone"),
        (
            "iban",
            [f"AT61 1904 3002 {i * 79 + 1000} {i % 5:04}" for i in range(90)] * 2,
            "code",
        ),
        ("ticket", [f"A/{i % 60:02}-{i % 5}" for i in range(90)] * 2, "code"),
        ("zip_code", [f"{i * 7:05}" for i in range(90)] * 2, "postcode"),
        ("username", [f"ann_{i}" for i in range(90)], "username"),
    ],
)
def test_addresses_and_codes_of_all_kinds_are_made_in_their_form(name, texts, detail):
    """Digits and letters stand where they stood, and constant parts stay."""
    table = pa.table({name: texts})
    (codec,) = find_details(table, owner="").values()
    assert codec.detail == detail
    made = _made(codec, 90)
    assert len(set(made)) > 1
    assert not set(made) & set(texts) or detail in ("code", "postcode", "ip")
    if detail in ("phone", "code", "postcode"):
        assert {_outline(text) for text in made} <= {_outline(text) for text in texts}
    if name == "iban":
        assert all(text.startswith("AT61 1904 3002 ") for text in made)


def test_cards_and_accounts_have_valid_check_digits_of_their_own():
    """The form is checked where it is used; neither is a real one."""
    cards = [with_card_check(f"4{i:03} 1234 {i * 7 % 10_000:04} 5670") for i in range(300)]
    accounts = [with_account_check(f"AT00 1904 {i % 9:04} {i * 13:04} 0001") for i in range(300)]
    table = pa.table({"a": cards, "b": accounts})
    codecs = find_details(table, owner="")
    assert [codec.detail for codec in codecs.values()] == ["card", "account"]
    made = [_made(codec, 300) for codec in codecs.values()]
    assert all(map(is_card, made[0]))
    assert all(map(is_account, made[1]))
    assert all(text.startswith("AT") for text in made[1])
    assert len(set(made[0])) == len(set(made[1])) == 300


def test_check_digits_are_those_of_the_standards():
    """The examples that the standards' makers publish."""
    assert is_card("4111 1111 1111 1111")
    assert not is_card("4111 1111 1111 1112")
    assert is_account("GB82 WEST 1234 5698 7654 32")
    assert not is_account("GB82 WEST 1234 5698 7654 33")


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("customer", ["new", "regular"]),
        ("contact", ["telephone", "cellular"]),
        ("name", ["Apple", "Pear", "Plum"]),
        ("user", ["admin", "guest"]),
        ("phone", ["iPhone 12", "Pixel 7"]),
        ("address", ["home", "work"]),
        ("city", ["Wien", "Graz"]),
        ("title", ["Sales Manager", "Sales Agent", "Owner"]),
        ("size", ["12 x 30", "14 x 50"]),
        ("version", ["1.0.2", "1.0.3"]),
    ],
)
def test_labels_are_learned_whatever_their_column_is_called(name, texts):
    """A name alone proves nothing."""
    assert found(pa.table({name: texts * 30})) == {}


def test_titles_of_few_rows_are_no_names_and_texts_stay_left_out():
    """What is neither a detail nor a label is told as free text."""
    jobs = ["Sales Representative", "Vice President Sales", "Sales Manager", "Inside Sales"]
    notes = [f"called {i} times about the order, {i % 7} of them angry" for i in range(40)]
    assert found(pa.table({"title": jobs})) == {}
    columns = Columns.learn(pa.table({"note": notes, "x": list(range(40))}), protect=10)
    assert "free text" in columns.left_out["note"]


def test_blank_texts_count_as_missing():
    """Files that were read without nulls keep their blanks."""
    mails = [f"u{i}@corp.at" for i in range(60)] + [""] * 40
    (codec,) = find_details(pa.table({"mail": mails}), owner="").values()
    assert codec.counts.tolist() == [60, 40]
    codes = codec.encode(pa.array(mails))
    assert _decoded(codec, codes).count("") == 40


def test_categories_of_a_frame_are_searched_like_texts():
    names = pa.array([f"{a} Smith" for a in ("Ann", "Bob", "Cleo")] * 40).dictionary_encode()
    assert found(pa.table({"name": names, "age": [1] * 120})) == {"name": "name"}


def _made(codec: DetailCodec, rows: int) -> list[str]:
    return _decoded(codec, np.zeros(rows, np.int32))


def _decoded(codec: DetailCodec, codes: np.ndarray) -> list[str]:
    places = Places(np.arange(len(codes)), 3, np.random.default_rng(0))
    return codec.decode(codes, places).to_pylist()


def _outline(text: str) -> str:
    return "".join("9" if c.isdigit() else "A" if c.isupper() else c for c in text)
