"""Notes: who is mentioned is replaced in the same way of writing, and nothing else changes."""

from __future__ import annotations

import json
import re
from itertools import product
from unicodedata import decomposition, normalize

import pyarrow as pa
import pytest

from fabula.errors import UsageError
from fabula.privacy.notes import Everyone, Mention, ModelDetector, Span, mask_notes
from fabula.privacy.squeezed import Squeezed
from fabula.testing import ChatServer
from tests.acceptance.builders import at
from tests.privacy.people_in_notes import LANGUAGES, crowd, notes_about
from tests.privacy.spellings import MISSPELT, SPELLINGS

ROWS = 150


def mention(kind: str, old: str | None, new: str | None) -> Mention:
    return Mention(kind, pa.array([old], pa.string()), pa.array([new], pa.string()))


ANNA = [mention("first_name", "Anna", "Clara"), mention("last_name", "Brown", "Novak")]


def masked(text: str, *own: Mention) -> str:
    found: str = mask_notes(pa.array([text]), own or ANNA).texts[0].as_py()
    return found


def squeezed(text: str) -> str:
    return "".join(map(chr, Squeezed.of([text]).codes.tolist()))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_own_names_are_found_in_every_spelling(language: str, spelling: str) -> None:
    people = crowd(language, ROWS)
    write = SPELLINGS[spelling]
    mentions = [write(*name) for name in zip(people.first, people.last, strict=True)]
    texts, notes = notes_about(language, mentions)
    after = mask_notes(notes, people.own).texts.to_pylist()
    new_names = zip(*(mention.replacement.to_pylist() for mention in people.own), strict=True)
    missed = words = changed = 0
    for old, new, (first, last) in zip(texts, after, new_names, strict=True):
        before, mentioned, behind = old.split(" | ")
        start, replaced, end = new.split(" | ")
        expected = f"{first} {last}" if spelling in MISSPELT else write(first, last)
        missed += squeezed(replaced) not in (squeezed(expected), squeezed(expected) + "s")
        clean = f"{before} {behind}".split()
        words += len(clean)
        changed += sum(a != b for a, b in zip(clean, f"{start} {end}".split(), strict=True))
        assert replaced != mentioned or squeezed(expected) == squeezed(mentioned) or missed
    assert missed <= ROWS * (0.1 if spelling in MISSPELT else 0.01)
    assert changed <= 0.005 * words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Brown, Anna", "Novak, Clara"),
        ("ANNA BROWN'S cat", "CLARA NOVAK'S cat"),
        ("anna_brown, annabrown, AnnaBrown85", "clara_novak, claranovak, ClaraNovak85"),
        ("A. Brown, Anna B., A.B.", "C. Novak, Clara N., C.N."),
        ("a brown dog, an anna", "a brown dog, an clara"),
        ("AB was in, a b too", "AB was in, a b too"),
        ("Ann\u200ba\u00a0Br\u043ewn", "Clara\u00a0Novak"),
        ("Bronw and Browns", "Novak and Novaks"),
        ("nothing of hers", "nothing of hers"),
    ],
)
def test_a_replacement_is_written_as_the_mention_was(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("first", "last", "note", "expected"),
    [
        ("Amanda", "Moses", "A.M. and A. Moses", "C.N. and C. Novak"),
        ("Amanda", "Moses", "I am and a moses", "I am and a novak"),
        ("Amanda", "Moses", "A m a n d a Moses", "Clara Novak"),
        ("Mel", "Palmer", "Met M.P. today", "Met C.N. today"),
    ],
)
def test_letters_of_several_words_are_no_name(
    first: str, last: str, note: str, expected: str
) -> None:
    own = [mention("first_name", first, "Clara"), mention("last_name", last, "Novak")]
    assert masked(note, *own) == expected


def test_names_of_many_words_are_found_whole_and_in_parts() -> None:
    own = [mention("first_name", "Anna Maria", "Clara"), mention("last_name", "Lee-Hunt", "Novak")]
    text = "Anna Maria Lee-Hunt, Anna Lee, Maria Hunt, LEE HUNT"
    assert masked(text, *own) == "Clara Novak, Clara Novak, Clara Novak, NOVAK"


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("Jan", "van der Berg", "Berg, Jan; jan.vanderberg; J. Berg; the van"),
        ("Jürgen", "Müller", "Juergen Mueller, J. Mueller, JURGEN MULLER"),
        ("Søren", "Kjærgård", "Soren Kjaergaard, Soeren Kjærgaard"),
        ("Сергей", "Иванов", "Sergei Ivanov, Sergey Ivanov, S. Ivanov, Ивановым"),
        ("Γιώργος", "Παπαδόπουλος", "Giorgos Papadopoulos, ΓΙΩΡΓΟΣ"),
        ("Işıl", "İnce", "IŞIL İNCE, isil ince, Işıl Ince"),
        ("Elizabeth", "Carter", "Liz, Beth Carter, Lizzy"),
        ("Alexander", "Stone", "Alex, Sasha, Xander Stone"),
        ("Robert", "Hale", "Bob, Robbie Hale"),
        ("Anna", "Hale", "a_hale, hale_a, anna.h"),
        ("María", "García López", "M. García L., Sra. López, maria.garcia"),
    ],
)
def test_names_are_found_spelled_out_short_and_joined(first: str, last: str, text: str) -> None:
    own = [mention("first_name", first, "Clara"), mention("last_name", last, "Novak")]
    after = masked(text, *own)
    known = {"clara", "novak", "c", "n", "l", "the", "van", "ым", "sra", "novakым"}
    assert set(re.findall(r"[^\W_]+", after.casefold())) <= known, after


def test_a_surname_of_one_sign_is_found_before_a_title() -> None:
    own = [mention("first_name", "小明", "大卫"), mention("last_name", "王", "李")]
    assert masked("王先生问国王", *own) == "李先生问国王"


def test_composed_and_decomposed_letters_of_every_script_are_the_same() -> None:
    letters = [chr(code) for code in range(0x110000) if decomposition(chr(code))]
    letters += map(chr, range(0xAC00, 0xD7A4))
    apart = [normalize("NFD", each) for each in letters]
    one, other = Squeezed.of(letters), Squeezed.of(apart)
    assert len(letters) > 11_172
    assert one.codes.tolist() == other.codes.tolist()
    assert one.row_ends.tolist() == other.row_ends.tolist()


@pytest.mark.parametrize(
    ("first", "last", "text", "expected"),
    [
        ("민준", "김", "고객 김민준 님, 김 씨, 민준이", "고객 NovakClara 님, Novak 씨, Clara이"),
        ("각하", "남궁", "남궁각하, 하나", "NovakClara, 하나"),
        ("Thị Hương", "Nguyễn", "chị Nguyễn Thị Hương, Hương", "chị Novak Clara, Clara"),
        ("がく", "ポプラ", "ポプラがくさん", "NovakClaraさん"),
        ("गीता", "राव", "कल गीता राव ने, रावण", "कल Clara Novak ने, रावण"),
        ("Zoë", "Núñez", "Núñez, Zoë; ZOË", "Novak, Clara; CLARA"),
        ("Σοφία", "Γεωργίου", "η Σοφία Γεωργίου", "η Clara Novak"),
    ],
)
def test_own_names_are_found_composed_and_decomposed(
    first: str, last: str, text: str, expected: str
) -> None:
    for known, written in product(("NFC", "NFD"), repeat=2):
        old = [normalize(known, name) for name in (first, last)]
        own = [mention("first_name", old[0], "Clara"), mention("last_name", old[1], "Novak")]
        assert normalize("NFC", masked(normalize(written, text), *own)) == expected


def test_whole_names_are_split_with_their_titles_and_commas() -> None:
    own = mention("name", "Brown, Dr. Anna", "Novak, Dr. Clara")
    assert masked("Dr. Anna Brown; brown, anna", own) == "Dr. Clara Novak; novak, clara"


def test_names_in_scripts_without_spaces_are_found() -> None:
    own = [mention("first_name", "花子", "一郎"), mention("last_name", "佐藤", "鈴木")]
    assert masked("佐藤花子さんと佐藤さん", *own) == "鈴木一郎さんと鈴木さん"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1965-04-12", "1970-11-02"),
        ("12.4.1965", "2.11.1970"),
        ("04/12/65", "11/02/70"),
        ("19650412", "19701102"),
        ("12. April 1965", "2. November 1970"),
        ("April 12th, 1965", "November 2nd, 1970"),
        ("12 de abril de 1965", "2 de noviembre de 1970"),
        ("12 avr 1965", "2 nov 1970"),
        ("1241965", "1241965"),
    ],
)
def test_dates_are_found_in_other_orders_and_languages(written: str, expected: str) -> None:
    own = mention("birth_date", "1965-04-12", "1970-11-02")
    assert masked(f"born {written}.", own) == f"born {expected}."


def test_own_numbers_keep_their_punctuation() -> None:
    own = mention("card", "4242424242424242", "5105105105105100")
    assert masked("4242-4242 4242-4242 ends in 4242", own) == "5105-1051 0510-5100 ends in 5100"


def test_nulls_stay_and_spans_tell_what_was_written() -> None:
    own = [Mention("first_name", pa.array(["Zoë", None]), pa.array(["Bea", None]))]
    found = mask_notes(pa.array(["é Zoe\u0308!", None]), own)
    assert found.texts.to_pylist() == ["é Bea!", None]
    assert found.spans.to_pylist() == [{"row": 0, "start": 2, "end": 5, "kind": "first_name"}]
    assert found.counts == {"first_name": 1}


def test_results_do_not_depend_on_how_rows_are_cut() -> None:
    people = crowd("de", 60)
    mentions = [
        f"{a[:2]}{a[3:]} {b}, {b[0]}o5" for a, b in zip(people.first, people.last, strict=True)
    ]
    _, notes = notes_about("de", mentions)
    whole = mask_notes(notes, people.own).texts.to_pylist()
    apart = [
        mask_notes(
            notes.slice(row, 1),
            [
                Mention(m.kind, m.original.slice(row, 1), m.replacement.slice(row, 1))
                for m in people.own
            ],
        ).texts[0].as_py()
        for row in range(60)
    ]  # fmt: skip
    assert apart == whole


def test_other_people_of_the_table_are_replaced_by_their_whole_identifiers() -> None:
    everyone = Everyone()
    everyone.add(
        "name", pa.array(["Anna Brown", "Peter Gray"]), pa.array(["Clara Novak", "Tom Field"])
    )
    everyone.add("email", pa.array(["pg@shop.example"]), pa.array(["tom@mail.example"]))
    everyone.add("phone", pa.array(["(212) 555-0188"]), pa.array(["(646) 555-0111"]))
    text = "Anna met Gray, Peter: peter_gray, PG@shop.example, 212.555.0188. The gray cat"
    found = mask_notes(pa.array([text]), ANNA, everyone).texts[0].as_py()
    assert found == "Clara met Field, Tom: tom_field, tom@mail.example, 646.555.0111. The gray cat"


def test_numbers_with_right_check_digits_are_replaced_whoever_they_belong_to() -> None:
    text = (
        "paid 4242 4242 4242 4242, DE89 3704 0044 0532 0130 00, 10.2.3.44, 123-45-6789, "
        "x.y@foo.example, +44 20 7946 0958; order 4242424242424241, 2024-05-06, 1.2.3, v10.2.3"
    )
    expected = (
        "paid [card], [account], [ip], [national_id], [email], [phone]; "
        "order 4242424242424241, 2024-05-06, 1.2.3, v10.2.3"
    )
    assert masked(text) == expected


def test_an_e_mail_of_somebody_with_the_same_last_name_goes_as_a_whole() -> None:
    assert masked("from brown.peter@foo.example") == "from [email]"


class OneWord:
    """Finds one word, wherever it stands."""

    def __init__(self, word: str) -> None:
        self.seen: list[str] = []
        self._word = word

    def find(self, texts: list[str]) -> list[list[Span]]:
        self.seen += texts
        starts = [text.find(self._word) for text in texts]
        return [[Span(at, at + len(self._word), "person")] if at >= 0 else [] for at in starts]


def test_a_detector_sees_no_known_person_and_touches_nothing_that_was_written() -> None:
    detector = OneWord("Gray")
    notes = pa.array(["Anna met Gray", "no one", None])
    own = [Mention("first_name", pa.array(["Anna"] * 3), pa.array(["Gray"] * 3))]
    found = mask_notes(notes, own, detector=detector)
    assert detector.seen == ["Gray met Gray", "no one"]
    assert found.texts.to_pylist() == ["Gray met Gray", "no one", None]
    other = mask_notes(notes, own, detector=OneWord("met"))
    assert other.texts.to_pylist() == ["Gray [person] Gray", "no one", None]
    assert other.counts == {"first_name": 1, "person": 1}


def test_a_detector_that_gives_wrong_places_is_refused() -> None:
    class Outside:
        def find(self, texts: list[str]) -> list[list[Span]]:
            return [[Span(0, 99, "person")] for _ in texts]

    with pytest.raises(UsageError, match=r"found 0\.\.99 in a text of 2 characters"):
        mask_notes(pa.array(["hi"]), [], detector=Outside())


def test_mentions_of_another_number_of_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="`first_name` has 1 rows, and the notes have 2"):
        mask_notes(pa.array(["a", "b"]), ANNA)


def test_what_a_model_names_counts_where_it_stands_in_the_text() -> None:
    """Everything known is replaced before the model sees a text."""
    named = [
        {"words": "Otto", "kind": "Person"},
        {"words": "Bahnhof 3", "kind": "street address"},
        {"words": "Nobody Here", "kind": "person"},
    ]
    with ChatServer([json.dumps({"objects": named})]) as server:
        detector = ModelDetector(at(server))
        note = pa.array(["Anna and Otto, Bahnhof 3, and Otto again"])
        found = mask_notes(note, ANNA, detector=detector)
    assert found.texts[0].as_py() == "Clara and [person], [street_address], and [person] again"
    assert detector.untrue == 1
    assert "Anna" not in server.calls[0].prompt
