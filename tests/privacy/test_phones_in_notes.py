"""Phone numbers in notes: found however they are written, and nothing around them changes."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from fabula.privacy.mask import mask
from fabula.privacy.notes import Everyone, Mention, mask_notes
from tests.privacy.test_notes import masked, mention

PHONES = (
    "(05835) 103499", "+34822 07 48 87", "+49 (0)30 1234567", "(212) 555-0188", "+1-213-555-0144",
    "0049 31 123 45 68", "032/1234569", "(033) 1234570", "214.555.0122", "(+44) 20 7946 0958",
    "+442079460969", "1-215-555-0133",
)  # fmt: skip
AROUND = ("call {} now", "({})", "tel:{}.", "{}")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            "three oh, one two three four five six seven",
            "four oh, seven six five four three two one",
        ),
        ("30 one two three four five six seven", "40 seven six five four three two one"),
        ("DREI NULL EINS ZWEI DREI VIER FÜNF SECHS SIEBEN", None),
        ("uno dos tres cuatro cinco seis siete", "siete seis cinco cuatro tres dos uno"),
        ("ноль один два три четыре пять шесть семь", None),
        ("one, two, three", "one, two, three"),
    ],
)
def test_phone_numbers_in_words_are_found(written: str, expected: str | None) -> None:
    own = mention("phone", "+49 30 1234567", "+49 40 7654321")
    after = masked(f"call {written} now", own)
    assert after.replace(",", "") == f"call {expected} now".replace(",", "") or (
        expected is None and not re.search("(?i)eins zwei drei|один два три", after)
    )


def test_a_known_phone_number_of_another_is_found_in_words_and_an_unknown_one_gets_a_tag() -> None:
    everyone = Everyone()
    everyone.add("phone", pa.array(["(212) 555-0188"]), pa.array(["(646) 555-0111"]))
    texts = pa.array(
        ["dial five five five oh one double eight", "at nine nine one eight two seven one"]
    )
    none = Mention(
        "phone", pa.array([None, None], pa.string()), pa.array([None, None], pa.string())
    )
    assert mask_notes(texts, [none], everyone).texts.to_pylist() == [
        "dial five five five oh one one one", "at [phone]"
    ]  # fmt: skip


def test_an_extension_is_no_part_of_a_phone_number() -> None:
    own = mention("phone", "+1 212 555 0188 x123", "+1 646 555 0111 x987")
    assert masked("call 212-555-0188 or 212.555.0188 x5", own) == (
        "call 646-555-0111 or 646.555.0111 x5"
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("+49 30 1234567", "+49 40 7654321"),
        ("0049 30 123 45 67", "0049 40 765 43 21"),
        ("030/1234567", "040/7654321"),
        ("1 2 3 4 5 6 7", "7 6 5 4 3 2 1"),
        ("\uff11\uff12\uff13-4567", "765-4321"),
        ("030 l2345 67", "040 76543 21"),
        ("9991234567", "9991234567"),
    ],
)
def test_phone_numbers_are_found_however_they_are_dialled(written: str, expected: str) -> None:
    own = mention("phone", "+49 30 1234567", "+49 40 7654321")
    assert masked(f"call {written} now", own) == f"call {expected} now"


@pytest.mark.parametrize(
    "note",
    [
        "at 737-555-6464x17080 for questions",
        "\n416 60 039 office\n,+447700 208 815-Fax",
        "Fax: 432 03 163 please",
        "call him on 9472 7916, then wait",
        "lost my card 501864667909.",
        "my iban is gb42nawi04454264788619",
        "not answering at 374 780 163",
        "paid by card 180065240415740.",
    ],
)
def test_extensions_and_words_before_a_number_tell_what_it_is(note: str) -> None:
    digits = re.compile(r"\d")
    assert not digits.search(masked(note))


def test_counts_after_a_word_for_phones_stay() -> None:
    note = "The call centre took 1 250 000 calls; the order 5018646679 was about 3 phones."
    note += " It has 120 60 039 mobile users and 1 250 000 office\nchairs."
    assert masked(note) == note


@pytest.mark.parametrize("whose", ["own", "another's", "nobody's"])
def test_a_phone_number_changes_its_digits_and_nothing_around_them(whose: str) -> None:
    turned = PHONES[1:] + PHONES[:1]
    here = {"own": PHONES, "another's": turned, "nobody's": [f"{n[:-2]}71" for n in PHONES]}[whose]
    notes = [" | ".join(each.format(number) for each in AROUND) for number in here]
    people = {
        "phone": PHONES, "note": notes, "email": [f"p{n}@mail.example" for n, _ in enumerate(here)]
    }  # fmt: skip
    columns = {"note": "notes: confirmed", "phone": "replace: phone"}
    masked = mask(people, columns=columns).table
    new = masked["phone"].to_pylist()
    new = new[1:] + new[:1] if whose == "another's" else new
    for before, note, number, old in zip(notes, masked["note"].to_pylist(), new, here, strict=True):
        assert re.sub(r"\d", "9", note) == re.sub(r"\d", "9", before)
        assert old not in note
        if whose != "nobody's":
            assert note == " | ".join(each.format(number) for each in AROUND)
