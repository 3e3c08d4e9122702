"""Personal details are found by their values, whatever a column is called."""

from __future__ import annotations

import datetime as dt
import random
import unicodedata

import pyarrow as pa
import pytest
from faker import Faker
from mimesis import Address, Person
from mimesis.locales import Locale
from sklearn import datasets

from fabula.pii import find, find_in_table
from fabula.pii.check_digits import with_account_check, with_card_check
from fabula.pii.kinds import named
from fabula.pii.national_ids import SCHEMES

LOCALES = (Locale.EN, Locale.DE, Locale.IT)


def thirty(make):
    """Thirty values, each met several times."""
    return pa.array([make() for _ in range(30)] * 5)


def test_a_word_for_a_street_with_a_number_alone_is_no_street():
    """Stops and desks are numbered, too; a street has a name."""
    for word in ("Station", "Platz", "row"):
        numbered = pa.array([f"{word} {at}" for at in range(60)])
        assert "halt" not in find_in_table(pa.table({"halt": numbered}))
    named = pa.array([f"{street} {at}" for at in range(30) for street in ("Kochgasse", "Mill Row")])
    assert find_in_table(pa.table({"halt": named}))["halt"].kind == "street"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", ["name", "email", "phone", "street"])
def test_people_are_found_in_columns_without_a_telling_name(kind, locale):
    person, address = Person(locale, seed=3), Address(locale, seed=3)
    make = {
        "name": person.full_name,
        "email": person.email,
        "phone": person.phone_number,
        "street": address.address,
    }
    found = find(thirty(make[kind]), "c1")
    assert found is not None
    assert found.kind == kind
    assert found.reason


@pytest.mark.parametrize("locale", [Locale.KO, Locale.ES, Locale.PL, Locale.RU])
@pytest.mark.parametrize("kind", ["full_name", "last_name"])
def test_names_are_found_whose_letters_are_decomposed(kind, locale):
    make = getattr(Person(locale, seed=3), kind)
    found = find(thirty(lambda: unicodedata.normalize("NFD", make())), "c1")
    assert found is not None
    assert "name" in found.kind


@pytest.mark.parametrize("whole", [False, True])
def test_numbers_with_check_digits_are_found_as_text_and_as_integers(whole):
    rng = random.Random(5)
    texts = [with_card_check(f"5{rng.randrange(10**14):014}0") for _ in range(30)]
    values = pa.array([int(text) for text in texts] if whole else texts)
    assert find(values, "c1").kind == "card"
    scheme = SCHEMES["pl-pesel"]
    bodies = [f"8{rng.randrange(10)}0{rng.randrange(1, 10)}1{rng.randrange(10)}" for _ in range(30)]
    texts = [scheme.repaired(f"{body}{rng.randrange(10**5):05}") for body in bodies]
    found = find(pa.array([int(text) for text in texts] if whole else texts), "c2")
    assert (found.kind, found.scheme) == ("national_id", "pl-pesel")


def test_accounts_and_phones_without_punctuation_are_found():
    rng = random.Random(5)
    accounts = [with_account_check(f"DE00{rng.randrange(10**18):018}") for _ in range(30)]
    assert find(pa.array(accounts), "c1").kind == "account"
    phones = [int(f"49151{rng.randrange(10**8):08}") for _ in range(30)]
    assert find(pa.array(phones), "c1").kind == "phone"


@pytest.mark.parametrize("start", ["10", "6", "7", "15"])
def test_mobile_phones_without_their_zero_are_found(start):
    """Korea, France, Spain, Germany; numbers in which any digit comes first are none."""
    rng, size = random.Random(6), 11 if start == "15" else 9 + (start == "10")
    left = size - len(start) - 1
    phones = [int(f"{start}{rng.randrange(2, 10)}{rng.randrange(10**left):0{left}}")
              for _ in range(40)]  # fmt: skip
    assert find(pa.array(phones), "c1").kind == "phone"
    assert find(pa.array([rng.randrange(10 ** (size - 1), 10**size) for _ in range(40)])) is None


@pytest.mark.parametrize("locale", ["de_DE", "fr_FR", "it_IT", "pl_PL", "en_US"])
def test_user_names_of_rare_last_names_are_found_by_first_names_at_an_end(locale):
    fake = Faker(locale)
    fake.seed_instance(4)
    users = pa.array(list({fake.user_name() for _ in range(120)}))
    assert find(users, "c1").kind == "username"


def test_towns_are_found_by_their_forms_though_others_are_names_as_well():
    fake = Faker("fr_FR")
    fake.seed_instance(4)
    assert find(pa.array(list({fake.city() for _ in range(120)})), "c1").kind == "city"


def test_every_scheme_holds_for_the_numbers_that_it_repairs():
    texts = {"es-dni": "12345670A", "nl-bsn": "123456789", "br-cpf": "123.456.789-00"}
    for name, text in texts.items():
        assert SCHEMES[name].holds(SCHEMES[name].repaired(text))


@pytest.mark.parametrize(
    "values",
    [
        ["Austria", "Germany", "France", "Italy", "Spain", "Poland", "Norway", "Japan", "Peru"],
        ["Sales Manager", "Owner", "Order Administrator", "Marketing Assistant", "Agent",
         "Sales Agent", "Sales Associate", "Marketing Manager", "Export Administrator"],
        [f"SKU-{n:05}" for n in range(100)],
        list(range(1_000_000, 1_000_300)),
        ["Annie Hall", "The Godfather", "Taxi Driver", "Star Wars", "Alien", "The Shining", "Jaws",
         "Blade Runner", "Back to the Future", "Die Hard"],
        ["10:15", "11:30", "12:45", "13:05", "14:20", "15:35", "16:50", "18:00", "19:10"],
    ],
)  # fmt: skip
def test_ordinary_columns_are_left_alone(values):
    assert find(pa.array(values), "c1") is None


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_measurements_are_nobody(name):
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    assert find_in_table(pa.Table.from_pandas(frame, preserve_index=False)) == {}


def test_short_codes_are_postcodes_beside_streets_alone():
    address = Address(Locale.DE, seed=3)
    codes = pa.array([int(address.zip_code()) for _ in range(30)])
    streets = pa.array([address.address() for _ in range(30)])
    assert find_in_table(pa.table({"c1": codes})) == {}
    assert find_in_table(pa.table({"c1": codes, "c2": streets}))["c1"].kind == "postcode"
    for others in (range(1001, 1031), [0, *range(1000, 40_000, 1380)]):
        numbers = pa.array([*others][:30] * 2)
        table = pa.table({"c1": numbers, "c2": pa.concat_arrays([streets, streets])})
        assert "c1" not in find_in_table(table)


def test_digits_with_a_hyphen_are_postcodes_where_their_column_says_so_or_people_are_near():
    rng = random.Random(4)
    codes = pa.array([f"{rng.randrange(2100, 9999)}-{rng.randrange(1000):03}" for _ in range(60)])
    mails = pa.array([f"u{n}@mail.example" for n in range(60)])
    assert find_in_table(pa.table({"part": codes, "price": range(60)})) == {}
    for table in (pa.table({"cp": codes}), pa.table({"c1": codes, "c2": mails})):
        assert find_in_table(table)[table.column_names[0]].kind == "postcode"


def test_a_year_and_a_day_of_the_year_is_no_postcode():
    rng = random.Random(4)
    days = pa.array([f"{rng.randrange(1990, 2020)}-{rng.randrange(1, 366):03}" for _ in range(60)])
    mails = pa.array([f"u{n}@mail.example" for n in range(60)])
    assert "c1" not in find_in_table(pa.table({"c1": days, "c2": mails}))


def test_short_codes_are_plates_where_their_column_says_so_or_people_are_near():
    rng = random.Random(4)
    codes = pa.array([f"{''.join(rng.choices('ABCDEFGH', k=3))}-{rng.randrange(1000, 9999)}"
                      for _ in range(60)])  # fmt: skip
    mails = pa.array([f"u{n}@mail.example" for n in range(60)])
    assert find_in_table(pa.table({"sku": codes, "price": range(60)})) == {}
    for table in (pa.table({"plate": codes}), pa.table({"c1": codes, "c2": mails})):
        assert find_in_table(table)[table.column_names[0]].kind == "plate"


@pytest.mark.parametrize("form", [None, "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "digits"])
def test_birth_dates_are_found_in_any_form(form):
    rng = random.Random(2)
    days = [dt.date(1935, 1, 1) + dt.timedelta(days=rng.randrange(26_000)) for _ in range(200)]
    values = {None: days, "digits": [int(f"{day:%Y%m%d}") for day in days]}.get(
        form, [day.strftime(str(form)) for day in days]
    )
    assert find(pa.array(values), "c1").kind == "birth_date"


def test_months_in_text_are_no_birth_dates():
    """`Mar 2015` has no day."""
    months = [f"{name} {year}" for name in ("Mar", "Jun", "Oct") for year in range(1_940, 2_000)]
    assert find(pa.array(months), "c1") is None
    late = [2020 + n % 5 for n in range(200)]
    visits = pa.array([f"{year}-03-{1 + year % 28:02}" for year in late])
    assert find(visits, "c2") is None


@pytest.mark.parametrize("text", [False, True])
def test_latitudes_and_longitudes_are_found_alone_by_name_and_in_pairs_by_value(text):
    rng = random.Random(2)
    north = [round(rng.gauss(48.1, 0.1), 6) for _ in range(100)]
    east = [round(rng.gauss(11.5, 0.1), 6) for _ in range(100)]
    lat, lon = (pa.array(list(map(str, side)) if text else side) for side in (north, east))
    for name in ("lat", "home_latitude", "Breitengrad", "pickup_lon"):
        assert find(lat, name).kind == "coordinate", name
    assert find(lat, "c1") is None
    table = pa.table({"c1": lat, "c2": lon, "c3": pa.array(range(100))})
    assert {name: found.kind for name, found in find_in_table(table).items()} == {
        "c1": "coordinate",
        "c2": "coordinate",
    }


def test_a_few_names_of_measures_are_no_user_names():
    """`word`, `par` and `cubes` are last names, too."""
    measures = ["vis_perc", "cubes", "lozenges", "par_comp", "sen_comp", "wordmean", "addition",
                "count_dot", "s_c_caps"]  # fmt: skip
    assert find(pa.array(measures), "column_1") is None


def test_measures_are_no_coordinates():
    rng = random.Random(2)
    scores = [rng.gauss(0, 1) for _ in range(100)]
    prices = [round(rng.uniform(1, 90), 2) for _ in range(100)]
    table = pa.table({"long": prices, "lat": scores, "c3": prices, "c4": scores})
    assert find_in_table(table) == {}


@pytest.mark.parametrize("count", [2, 3, 6])
def test_few_people_are_found_in_columns_without_a_telling_name(count):
    """Two sellers of a thousand sales are as real as thirty."""
    names = ["Mary Johnson", "David Miller", "Smith, Laura", "Dr. John Taylor", "Anna Clark",
             "Paul Robinson"][:count]  # fmt: skip
    streets = ["12 Station Road", "8 Mill Lane", "301 Park Avenue", "5 High Street", "77 Oak Drive",
               "9 Church Lane"][:count]  # fmt: skip
    phones = [f"+44 20 7946 0{at}58" for at in range(count)]
    cards = [int(with_card_check(f"510510510510{at}100")) for at in range(count)]
    for kind, values in (("name", names), ("street", streets), ("phone", phones), ("card", cards)):
        found = find(pa.array(values * 20), "c1")
        assert found is not None, kind
        assert found.kind == kind


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "fr_FR"])
@pytest.mark.parametrize("kind", ["name", "comma", "email", "phone", "mobile", "account", "dotted"])
def test_few_people_of_three_countries_are_found(kind, locale):
    """Five columns of two to six people each; one may be missed, as no list has every name."""
    fake = pytest.importorskip("faker").Faker(locale)
    fake.seed_instance(11)
    make = {
        "name": lambda: f"{fake.first_name()} {fake.last_name()}",
        "comma": lambda: f"{fake.last_name()}, {fake.first_name()}",
        "email": fake.email,
        "phone": fake.phone_number,
        "mobile": lambda: int(fake.numerify("49151%%######")),
        "account": fake.iban,
        "dotted": lambda: f"{fake.first_name()}.{fake.last_name()}".lower().replace(" ", ""),
    }[kind]
    columns = [pa.array([make() for _ in range(count)] * 20) for count in range(2, 7)]
    assert sum(find(column, "c1") is not None for column in columns) >= 4, columns


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["Michael", "Susan"], "first_name"),
        (["Yves", "Colette", "Benoît"], "first_name"),
        (["Campbell", "Gonzalez", "Schaefer"], "last_name"),
        (["J. Maldonado", "S. Church"], "name"),
        (["jsmith12", "hmorrison64"], "username"),
        (["robertjohnson", "tanya21"], "username"),
        (["517-09-2644", "234-08-7098"], "national_id"),
        (["(315)716-5561x608", "9314411030"], "phone"),
        ([5883649364, 5633160140], "phone"),
        (["Rigo-Kabus-Straße 496", "Kochgasse 7/1"], "street"),
        (["12, rue Anouk Ruiz", "avenue Masson"], "street"),
    ],
)
def test_single_names_accounts_and_numbers_of_two_people_are_found(values, kind):
    assert find(pa.array(values * 20), "c1").kind == kind


def test_the_name_of_a_column_lowers_what_is_asked_of_few_values():
    for name, values, kind in (
        ("Kennzeichen", ["SO-F-1", "TÜ-O-24"], "plate"), ("login", ["xpeukert12", "n.flantz"],
        "username"), ("Verkäufer", ["Hettner", "Ortmann", "Schulz"], "last_name"),
    ):  # fmt: skip
        assert find(pa.array(values * 20), "c1") is None, name
        assert find(pa.array(values * 20), name).kind == kind


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("lastName", ["Zzyzx", "O'Quuxly", "van der Wobble", "Ölafsbøl"], "last_name"),
        ("apellidos", ["Zzyzx Uvwxy", "Bbqq Lmno"] * 5, "last_name"),
        ("fax", ["(0)2-953010", "85.57.00.07", "43844108", "031-987 65 91", "555-8787"], "phone"),
    ],
)
def test_a_column_that_is_called_by_its_kind_needs_the_form_alone(name, values, kind):
    values = [*values, *(value[::-1].title() for value in values)] if kind != "phone" else values
    assert find(pa.array(values * 3), name).kind == kind
    assert find(pa.array(values * 3), "c1") is None
    for others in (["yes", "no"], ["a1", "b2"], ["12", "15"], ["https://a.example", "x@y.example"]):
        assert find(pa.array(others * 9), name) is None or find(pa.array(others * 9), "c1")


def test_few_labels_are_no_people():
    for labels in (
        ["New York", "Los Angeles", "San Jose"], ["never married", "married", "widowed"],
        ["Own child", "Not in family"], ["2024-01", "2024-02"], ["North 1", "South 2", "West 3"],
        ["April", "May", "June"], ["White", "Black", "Brown"], ["Baker", "Cook", "Carpenter"],
        ["1.0.2.3", "1.10.0.1"], ["Firefox/5.0 (Windows; U)", "Safari/4.1 (X11; U)"],
        ["Station 24", "Station 26"],
        ["black_friday", "new_year"], ["Sunday", "Monday"], ["Germany", "France", "Chad"],
        ["non-black", "black"], ["White", "non-white"],
        ["red", "green"], ["0-9", "10-19", "20-29"], ["Puerto Rico", "South Korea", "Costa Rica"],
    ):  # fmt: skip
        assert find(pa.array(labels * 20), "c1") is None, labels
    goods = [4006381333931, 4012345678901, 4902505085901]
    for numbers in ([1_200_000_000, 1_300_000_000], [5_550_000_001, 5_550_000_002], goods):
        assert find(pa.array(numbers * 20), "c1") is None, numbers


def test_postcodes_of_several_countries_and_towns_are_found_beside_streets():
    """British postcodes have six to eight characters, most others five; no list has every town."""
    table = pa.table(
        {
            "ship_street": [f"{n} Mill Lane" for n in range(20)] * 2,
            "ship_zip": [f"{n * 3571 % 90000 + 10000}" for n in range(16)]
            + ["N1 7AB", "SW1A 1AA", "DN55 1PT", "W1K 4HR"]
            + [f"{n * 2749 % 90000 + 10000}" for n in range(20)],
            "ship_city": [f"Obernieder{chr(97 + n)}hausen" for n in range(20)] * 2,
        }
    )
    kinds = {name: found.kind for name, found in find_in_table(table).items()}
    assert kinds == {"ship_street": "street", "ship_zip": "postcode", "ship_city": "city"}


@pytest.mark.parametrize(
    ("singular", "plural"),
    [("phone", "phones"), ("address", "addresses"), ("company", "companies")],
)
def test_a_name_in_the_plural_says_the_same_as_in_the_singular(singular: str, plural: str) -> None:
    kind = "street" if singular == "address" else singular
    assert named(kind, singular)
    assert named(kind, plural)
    assert not named(kind, f"{plural}_seen")


def test_digits_below_a_name_in_the_plural_are_phone_numbers() -> None:
    numbers = pa.array([f"{31_234_567 + 7_919 * n}" for n in range(40)])
    assert find(numbers, "phones").kind == find(numbers, "phone").kind == "phone"


@pytest.mark.parametrize("form", ["POINT ({0}.25 {1}.5)", "gate {0} court {1}", "{0}.5 mount"])
def test_texts_of_several_numbers_are_no_streets(form):
    texts = [form.format(at * 7 % 90, at % 50) for at in range(200)]
    assert find(pa.array(texts), "c1") is None


def test_a_column_called_name_is_one_where_people_have_e_mails() -> None:
    """No list holds every name; without e-mails or phones, a name may be that of anything."""
    odd = ["Madonna", "Mr. Smith", "Zkwz", "Lee", "Ut Xq", "Brol", "Dr. Grant", "Ilex Um", "Qoph"]
    mails = [f"u{n}@mail.example" for n in range(len(odd))]
    assert find_in_table(pa.table({"name": odd, "email": mails}))["name"].kind == "name"
    assert find_in_table(pa.table({"name": odd})) == {}
    skus = [f"part {n}" for n in range(len(odd))]
    assert "name" not in find_in_table(pa.table({"name": skus, "email": mails}))


def test_long_texts_take_no_time_by_their_square():
    texts = [f"{'lorem ipsum dolor ' * 2_000}{row} end" for row in range(12)]
    assert find(pa.array(texts), "note") is None
