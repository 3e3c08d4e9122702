"""Pairs as numbered text: everything that models do to the form, and what happens to it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabula.augment.pairs.numbered import Numbered
from fabula.llm.rows.prompt_format import Reading

PRODUCTS = Numbered(("product", "category"), ("description",))
MUG = {"product": "Blue Mug", "category": "Kitchen", "description": "Keeps coffee warm."}
TEA = {"product": "Green Tea", "category": "Food", "description": "From a hill in Japan."}
BOTH = [MUG, TEA]


def read(text: str, *, cut: bool = False) -> Reading:
    reading = PRODUCTS.read(text, number="row", cut=cut)
    assert reading is not None
    return reading


def values(reading: Reading) -> list[dict[str, str]]:
    return [{k: v for k, v in item.items() if k != "row"} for item in reading.items]


def test_the_reference_text_gives_its_two_pairs() -> None:
    reading = read(
        "1.\nInput: Blue Mug, Kitchen\nOutput: Keeps coffee warm.\n\n"
        "2.\nInput: Green Tea, Food\nOutput: From a hill in Japan.\n"
    )
    assert values(reading) == BOTH
    assert [item["row"] for item in reading.items] == [1, 2]
    assert not reading.bad


SHAPES = {
    "no blank line": "1.\nInput: Blue Mug, Kitchen\nOutput: Keeps coffee warm.\n"
    "2.\nInput: Green Tea, Food\nOutput: From a hill in Japan.",
    "CRLF": "1.\r\nInput: Blue Mug, Kitchen\r\nOutput: Keeps coffee warm.\r\n\r\n"
    "2.\r\nInput: Green Tea, Food\r\nOutput: From a hill in Japan.\r\n",
    "bold markers": "**1.**\n**Input:** Blue Mug, Kitchen\n**Output:** Keeps coffee warm.\n\n"
    "**2.**\n**Input**: Green Tea, Food\n**Output**: From a hill in Japan.",
    "bold values": "1.\nInput: **Blue Mug**, *Kitchen*\nOutput: **Keeps coffee warm.**\n\n"
    "2.\n**Input: Green Tea, Food**\n**Output: From a hill in Japan.**",
    "brackets": "1)\nInput: Blue Mug, Kitchen\nOutput: Keeps coffee warm.\n\n"
    "(2)\nInput: Green Tea, Food\nOutput: From a hill in Japan.",
    "topics": '1. kitchen\nInput: "Blue Mug, Kitchen"\nOutput: "Keeps coffee warm."\n'
    '2) home appliances\nInput: "Green Tea, Food"\nOutput: "From a hill in Japan."',
    "quoted values": '1.\nInput: "Blue Mug", "Kitchen"\nOutput: “Keeps coffee warm.”\n'
    "2.\nInput: 'Green Tea', 'Food'\nOutput: From a hill in Japan.",
    "numbers in the marker": "1. Input: Blue Mug, Kitchen\nOutput: Keeps coffee warm.\n"
    "Input 2: Green Tea, Food\nOutput 2: From a hill in Japan.",
    "one line": "1. Input: Blue Mug, Kitchen Output: Keeps coffee warm.\n"
    "2. Input: Green Tea, Food | Output: From a hill in Japan.",
    "values below": "1.\nInput:\nBlue Mug, Kitchen\nOutput:\nKeeps coffee warm.\n"
    "2.\nInput:\nGreen Tea, Food\nOutput:\nFrom a hill in Japan.",
    "named values": "1.\nInput: Product: Blue Mug, Category: Kitchen\nOutput: Keeps coffee warm.\n"
    "2.\nInput: product=Green Tea, category=Food\nOutput: From a hill in Japan.",
    "bars": "1.\nInput: Blue Mug | Kitchen\nOutput: Keeps coffee warm.\n---\n"
    "2.\nInput: Green Tea; Food\nOutput: From a hill in Japan.\n---",
    "fence and talk": "Here are 2 pairs:\n```text\n1.\nInput: Blue Mug, Kitchen\n"
    "Output: Keeps coffee warm.\n\n2.\nInput: Green Tea, Food\n"
    "Output: From a hill in Japan.\n```\n",
    "farewell": "Input: Blue Mug, Kitchen\nOutput: Keeps coffee warm.\n\n"
    "Input: Green Tea, Food\nOutput: From a hill in Japan.\n\nLet me know if you need more!",
    "bullets": "- Input: Blue Mug, Kitchen\n- Output: Keeps coffee warm.\n"
    "- Input: Green Tea, Food\n- Output: From a hill in Japan.",
    "lower case": "1.\ninput: Blue Mug, Kitchen\noutput: Keeps coffee warm.\n"
    "2.\nINPUT: Green Tea, Food\nOUTPUT: From a hill in Japan.",
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_what_models_do_to_the_form_changes_no_value(text: str) -> None:
    """`1)`, bold, quotes, CRLF, no blank line, topics behind the number."""
    reading = read(text)
    assert values(reading) == BOTH
    assert not reading.bad


@pytest.mark.parametrize(
    ("given", "product", "category"),
    [
        ("“Kettle, electric”, Kitchen", "Kettle, electric", "Kitchen"),
        ("The “Pro” Mug, Kitchen", "The “Pro” Mug", "Kitchen"),
        ("Regal „Größe“, Möbel", "Regal „Größe“", "Möbel"),
        ("12\u00a0oz Mug,  Kitchen", "12\u00a0oz Mug", "Kitchen"),
        ("L’Eau d’Or, Parfum", "L’Eau d’Or", "Parfum"),
    ],
)
def test_quotes_and_spaces_inside_an_input_stay(given: str, product: str, category: str) -> None:
    reading = read(f"1.\nInput: {given}\nOutput: Warm.")
    assert values(reading) == [{"product": product, "category": category, "description": "Warm."}]


BROKEN = {
    "missing comma": ("1.\nInput: Blue Mug Kitchen\nOutput: Warm.", "1 part for 2 fields"),
    "extra comma": ("1.\nInput: Mug, 12 oz, Kitchen\nOutput: Warm.", "3 parts for 2 fields"),
    "no output": ("1.\nInput: Mug, Kitchen", "no `Output`"),
    "empty output": ("1.\nInput: Mug, Kitchen\nOutput:   ", "`description` is empty"),
    "empty field": ("1.\nInput: , Kitchen\nOutput: Warm.", "`product` is empty"),
    "lost marker": (
        "1.\nInput: Mug, Kitchen\nOutput: Warm.\n2.\nProduct: Tea\nOutput: Hot.",
        "more than one `Output`",
    ),
}


@pytest.mark.parametrize(("text", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_block_that_could_mean_two_things_is_refused_with_its_text(
    text: str, problem: str
) -> None:
    """The next pair is not drawn in."""
    reading = read(f"{text}\n\n7.\nInput: Green Tea, Food\nOutput: From a hill in Japan.")
    assert values(reading) == [TEA]
    ((raw, reason),) = reading.bad
    assert raw == text.strip()
    assert problem in reason


def test_a_pair_that_was_cut_off_is_refused() -> None:
    """Length limit."""
    text = (
        "1.\nInput: Blue Mug, Kitchen\nOutput: Keeps coffee warm.\n2.\nInput: Tea, Food\nOutput: Fr"
    )
    reading = read(text, cut=True)
    assert values(reading) == [MUG]
    assert reading.bad[0][0].startswith("2.\nInput: Tea")
    assert reading.shorten


def test_outputs_keep_all_of_their_paragraphs_lists_and_code() -> None:
    """The second paragraph is no longer lost."""
    body = "First.\n\nSecond, with a list:\n1. one\n2. two\n\n```py\nInputs = 3\n```"
    reading = read(f"1.\nInput: Mug, Kitchen\nOutput: {body}\n\n2.\nInput: Tea, Food\nOutput: x")
    assert reading.items[0]["description"] == body
    assert len(reading.items) == 2


def test_inner_quotes_stay() -> None:
    """An inner quote no longer cuts the description."""
    reading = read('1.\nInput: "12" Pan, Kitchen"\nOutput: "A 12" pan with "non-stick" coat."')
    assert values(reading)[0] == {
        "product": '12" Pan',
        "category": "Kitchen",
        "description": 'A 12" pan with "non-stick" coat.',
    }


def test_several_outputs_stand_behind_their_names() -> None:
    notation = Numbered(("question",), ("answer", "next_step"))
    asked = notation.ask(3)
    assert "exactly 3 rows" in asked
    assert "answer: <answer>" in asked
    reading = notation.read(
        "1.\nInput: Why, and how?\nOutput:\nanswer: Because.\nOf that.\nNext step: go\n\n"
        "2.\nInput: So?\nOutput: answer: yes",
        number="row",
        cut=False,
    )
    assert reading is not None
    assert reading.items == [
        {"row": 1, "question": "Why, and how?", "answer": "Because.\nOf that.", "next_step": "go"}
    ]
    assert "`next_step` is missing" in reading.bad[0][1]


def test_other_texts_are_left_to_other_readers() -> None:
    assert PRODUCTS.read('[{"product": "Mug"}]', number="row", cut=False) is None
    assert PRODUCTS.read("", number="row", cut=False) is None


MARKED = ["Input: A, B", "Input: A", "**Input:** A, B", "Input:", "3. Input: A, B Output: z"]
OTHERS = ["Output: x", "Output:", 'Output: "y"', "1.", "2) toys", "", "---", "text", "\r", "```"]
PIECES = st.sampled_from([*MARKED, *OTHERS, "Input 4: , "])


@given(st.lists(PIECES, max_size=14))
def test_every_marker_is_accounted_for(lines: list[str]) -> None:
    """Parsed + rejected = count of `Input` markers, whatever the text."""
    text = "\n".join(lines)
    markers = len(re.findall(r"Input", text))
    reading = PRODUCTS.read(text, number="row", cut=False)
    found = 0 if reading is None else len(reading.items) + len(reading.bad)
    assert found == markers
