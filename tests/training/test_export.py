"""Tables as training sets: formats, templates, splits, counts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fabula as fb
from fabula.errors import SinkError, UsageError
from fabula.training.splits import plain, split
from fabula.training.tokens import tokens_of

ROWS = pa.table(
    {
        "product": [f"Thing {i}" for i in range(40)],
        "category": ["toys", "food", "tools", "toys"] * 10,
        "text": [f"Sells\n“thing” {i} 🙂" for i in range(40)],
    }
)
SAID = {"user": "{{ product }}, {{ category }}", "assistant": "text", "system": "You sell."}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


EXAMPLES = {
    "chat-jsonl": {
        "messages": [
            {"role": "system", "content": "You sell."},
            {"role": "user", "content": "Thing 0, toys"},
            {"role": "assistant", "content": "Sells\n“thing” 0 🙂"},
        ]
    },
    "completion-jsonl": {
        "prompt": "You sell.\n\nThing 0, toys",
        "completion": "Sells\n“thing” 0 🙂",
    },
    "alpaca": {
        "instruction": "You sell.",
        "input": "Thing 0, toys",
        "output": "Sells\n“thing” 0 🙂",
    },
    "sharegpt": {
        "conversations": [
            {"from": "system", "value": "You sell."},
            {"from": "human", "value": "Thing 0, toys"},
            {"from": "gpt", "value": "Sells\n“thing” 0 🙂"},
        ]
    },
}


@pytest.mark.parametrize("form", EXAMPLES)
def test_each_format_is_written_as_its_readers_expect(form: str, tmp_path: Path) -> None:
    """And each passes the check of training files."""
    made = fb.export(ROWS, tmp_path / "set.jsonl", format=form, **SAID)
    assert [file.rows for file in made.files] == [40]
    assert lines(tmp_path / "set.jsonl")[0] == EXAMPLES[form]
    assert fb.validate(tmp_path / "set.jsonl").passed


def test_without_a_system_nothing_stands_for_it(tmp_path: Path) -> None:
    said = {**SAID, "system": ""}
    for form, keys in {
        "chat-jsonl": {"messages"},
        "alpaca": {"instruction", "input", "output"},
    }.items():
        fb.export(ROWS, tmp_path / form / "set.jsonl", format=form, **said)
        first = lines(tmp_path / form / "set.jsonl")[0]
        assert set(first) == keys
    assert first["instruction"] == "Thing 0, toys"
    assert first["input"] == ""


def test_preferences_compare_answers_of_a_row_by_their_scores(tmp_path: Path) -> None:
    """Chosen and rejected by judge."""
    rows = pa.table(
        {
            "q": ["a", "b", "c"],
            "one": ["good", "bad", "same"],
            "two": ["worse", "better", "alike"],
            "s1": [5.0, 1.0, 3.0],
            "s2": [2.0, 4.0, 3.0],
        }
    )
    made = fb.export(
        rows,
        tmp_path / "p.jsonl",
        format="preference",
        user="q",
        assistant=["one", "two"],
        score=["s1", "s2"],
    )
    assert lines(tmp_path / "p.jsonl") == [
        {"prompt": "a", "chosen": "good", "rejected": "worse"},
        {"prompt": "b", "chosen": "better", "rejected": "bad"},
    ]
    assert made.left_out == {"no answer is better than another": 1}
    assert fb.validate(tmp_path / "p.jsonl").passed


def test_preferences_compare_rows_of_equal_inputs(tmp_path: Path) -> None:
    rows = [{"q": "a", "r": text, "s": score} for text, score in (("x", 3), ("y", 5), ("z", 1))]
    rows.append({"q": "alone", "r": "w", "s": 5})
    made = fb.export(
        rows, tmp_path / "p.jsonl", format="preference", user="q", assistant="r", score="s"
    )
    assert lines(tmp_path / "p.jsonl") == [{"prompt": "a", "chosen": "y", "rejected": "z"}]
    assert sum(made.left_out.values()) == 1


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_plain_rows_can_be_split_too(form: str, tmp_path: Path) -> None:
    """CSV and Parquet, no input on both sides."""
    made = fb.export(
        ROWS, tmp_path / f"rows.{form}", format=form, user="product", split={"train": 3, "test": 1}
    )
    assert [file.path.name for file in made.files] == [f"rows-train.{form}", f"rows-test.{form}"]
    assert [file.rows for file in made.files] == [30, 10]
    if form == "parquet":
        assert pq.read_table(made.files[1].path).column_names == ROWS.column_names


def test_a_stratified_split_is_exact_and_repeatable(tmp_path: Path) -> None:
    """Seeded, stratified."""
    how = {**SAID, "split": {"train": 0.75, "test": 0.25}, "stratify": "category"}
    made = fb.export(ROWS, tmp_path / "a", seed=3, **how)
    assert [(file.path.name, file.rows) for file in made.files] == [
        ("train.jsonl", 30),
        ("test.jsonl", 10),
    ]
    test = [line["messages"][1]["content"] for line in lines(tmp_path / "a" / "test.jsonl")]
    kinds = Counter(text.partition(", ")[2] for text in test)
    assert all(abs(kinds[kind] - share) < 1 for kind, share in [("toys", 5), ("food", 2.5)])
    fb.export(ROWS, tmp_path / "b", seed=3, **how)
    fb.export(ROWS, tmp_path / "c", seed=4, **how)
    texts = [(tmp_path / name / "test.jsonl").read_text() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]


@given(
    st.lists(st.sampled_from("abcdefghij"), max_size=60),
    st.dictionaries(st.sampled_from(["train", "test", "val"]), st.floats(0.05, 1), min_size=1),
    st.integers(0, 3),
)
def test_no_input_is_on_two_sides_and_no_row_is_lost(
    inputs: list[str], shares: dict[str, float], seed: int
) -> None:
    """Inputs that differ by case or spacing only are the same input."""
    written = [text if i % 2 else f"  {text.upper()} " for i, text in enumerate(inputs)]
    parts = split(written, shares, seed=seed)
    assert sorted(row for rows in parts.values() for row in rows) == list(range(len(inputs)))
    sides = [{plain(written[row]) for row in rows} for rows in parts.values()]
    assert sum(map(len, sides)) == len(set().union(*sides)) if sides else True


@given(st.integers(0, 200), st.lists(st.integers(0, 3), min_size=1, max_size=3))
def test_distinct_inputs_meet_the_shares_within_one_row(n: int, strata: list[int]) -> None:
    """Over all rows, and in each stratum."""
    layers = [strata[i % len(strata)] for i in range(n)]
    parts = split([str(i) for i in range(n)], {"train": 9, "test": 1}, strata=layers)
    assert abs(len(parts["test"]) - n / 10) <= 1
    for stratum, size in Counter(layers).items():
        here = sum(layers[row] == stratum for row in parts["test"])
        assert abs(here - size / 10) <= 1


def test_rows_without_a_text_are_left_out_and_counted(tmp_path: Path) -> None:
    """Asked = written + left out."""
    rows = [{"q": "a", "r": "x"}, {"q": None, "r": "y"}, {"q": "b", "r": "  "}]
    made = fb.export(rows, tmp_path / "s.jsonl", user="q", assistant="r")
    assert (made.asked, made.files[0].rows) == (3, 1)
    assert made.left_out == {"an input or output is empty": 2}
    assert made.to_dict()["files"][0]["estimated_tokens"]["completion"] > 0


def test_tokens_and_costs_are_estimates_by_model(tmp_path: Path) -> None:
    """Token count and cost per model."""
    made = fb.export(ROWS, tmp_path / "s.jsonl", **SAID)
    assert made.tokens is not None
    costs = made.tokens.costs()
    assert costs["gpt-5-mini"] > costs["gpt-4o-mini"] > 0
    spent = made.tokens.prompt * 0.15 + made.tokens.completion * 0.60
    assert costs["gpt-4o-mini"] == pytest.approx(spent / 1e6)
    assert tokens_of("") == 0
    assert tokens_of("a b c d e f g h") == 8


WRONG: dict[str, dict[str, Any]] = {
    "no column": {"user": "produkt", "assistant": "text"},
    "no column in a template": {"user": "{{ produkt }}", "assistant": "text"},
    "no template": {"user": "{{ product", "assistant": "text"},
    "no assistant": {"user": "product"},
    "no format": {**SAID, "format": "chatml"},
    "two answers": {"user": "product", "assistant": ["text", "category"]},
    "no score": {"user": "product", "assistant": "text", "format": "preference"},
    "stratify alone": {**SAID, "stratify": "category"},
    "no stratum": {**SAID, "split": {"a": 1}, "stratify": "kind"},
    "no share": {**SAID, "split": {"a": 0}},
    "shares beyond the whole": {**SAID, "split": {"a": 0.5, "b": 0.6}},
    "shares short of the whole": {**SAID, "split": {"a": 0.8}},
    "an ending of another format": {**SAID, "format": "csv"},
    "a folder as a name": {**SAID, "split": {"../a": 1}},
    "a template that fails": {"user": "{{ product.no.such }}", "assistant": "text"},
}


@pytest.mark.parametrize("how", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_before_anything_is_written(
    how: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        fb.export(ROWS, tmp_path / "set.jsonl", **how)
    assert str(caught.value)
    assert not list(tmp_path.iterdir())


def test_data_is_never_a_template(tmp_path: Path) -> None:
    """Braces in rows stay braces."""
    rows = [{"q": "{{ 7 * 7 }} {% for %}", "r": "{{ q }}"}]
    fb.export(rows, tmp_path / "s.jsonl", user="Say: {{ q }}", assistant="r")
    turns = lines(tmp_path / "s.jsonl")[0]["messages"]
    assert [turn["content"] for turn in turns] == ["Say: {{ 7 * 7 }} {% for %}", "{{ q }}"]


def test_columns_that_are_no_identifiers_are_reached_through_the_row(tmp_path: Path) -> None:
    rows = [{"unit price": 3, "r": "x"}]
    fb.export(rows, tmp_path / "s.jsonl", user='{{ row["unit price"] }} EUR', assistant="r")
    assert lines(tmp_path / "s.jsonl")[0]["messages"][0]["content"] == "3 EUR"


def test_a_file_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    fb.export(ROWS, tmp_path / "s.jsonl", **SAID)
    with pytest.raises(SinkError):
        fb.export(ROWS, tmp_path / "s.jsonl", **SAID)
    fb.export(ROWS.slice(0, 3), tmp_path / "s.jsonl", overwrite=True, **SAID)
    assert len(lines(tmp_path / "s.jsonl")) == 3


@pytest.mark.parametrize(
    ("name", "how", "read"),
    [
        ("set.jsonl", SAID, "messages"),
        ("set.json", SAID, "messages"),
        ("set.csv", {}, "product"),
        ("set.parquet", {}, "product"),
    ],
)
def test_the_ending_names_the_format_where_none_is_given(
    name: str, how: dict[str, Any], read: str, tmp_path: Path
) -> None:
    """As `generate -o NAME` does; JSON is for training."""
    fb.export(ROWS, tmp_path / name, **how)
    content = (tmp_path / name).read_bytes()
    assert read.encode() in content
    assert content.startswith(b"PAR1") is name.endswith(".parquet")


def test_a_part_without_examples_is_told(tmp_path: Path) -> None:
    rows = [{"q": "same", "r": str(number)} for number in range(4)]
    made = fb.export(
        rows, tmp_path / "sets", user="q", assistant="r", split={"train": 9, "test": 1}
    )
    assert "nothing is left for `test.jsonl`" in made.report()


def test_costs_are_told_in_plain_numbers(tmp_path: Path) -> None:
    """A small set costs `<0.0001 USD`, not `3.8e-06 USD`."""
    text = fb.export(ROWS.slice(0, 1), tmp_path / "s.jsonl", **SAID).report()
    assert "gpt-4o-mini <0.0001 USD" in text
    assert "e-0" not in text


CODE = pa.table(
    {
        "prompt": ["def area(r):\n", "for i in x:\n", "blank"],
        "completion": ["    return 3.14 * r * r\n", "\tprint(i)", " \n"],
    }
)


@pytest.mark.parametrize("form", ["chat-jsonl", "completion-jsonl", "alpaca", "sharegpt"])
def test_indentation_and_last_newlines_stay_and_blank_texts_are_left_out(
    tmp_path: Path, form: str
) -> None:
    path = tmp_path / "set.jsonl"
    made = fb.export(CODE, path, format=form, user="prompt", assistant="completion")
    assert sum(made.left_out.values()) == 1
    said = [list(_texts(line)) for line in lines(path)]
    assert [(texts[0], texts[-1]) for texts in said] == [
        ("def area(r):\n", "    return 3.14 * r * r\n"),
        ("for i in x:\n", "\tprint(i)"),
    ]


def _texts(value: Any) -> Any:
    """The texts of an example that are more than a role's name, in order."""
    if isinstance(value, str):
        yield from [value] if value not in ("user", "assistant", "human", "gpt", "") else []
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def test_objects_lists_and_booleans_are_written_as_json(tmp_path: Path) -> None:
    rows = pa.table({"q": ["a", "b"], "made": [{"x": 1, "ok": True}, {"x": None, "ok": False}]})
    fb.export(rows, tmp_path / "s.jsonl", format="completion-jsonl", user="q", assistant="made")
    said = [json.loads(line["completion"]) for line in lines(tmp_path / "s.jsonl")]
    assert said == [{"x": 1, "ok": True}, {"x": None, "ok": False}]


def test_a_score_in_words_is_an_error_and_one_not_given_leaves_its_answer_out(
    tmp_path: Path,
) -> None:
    wanted: dict[str, Any] = {"format": "preference", "user": "q", "assistant": ["a", "b"]}
    rows = pa.table({"q": ["y"], "a": ["g"], "b": ["h"], "sa": ["good"], "sb": ["bad"]})
    with pytest.raises(UsageError, match="`sa` holds 'good'"):
        fb.export(rows, tmp_path / "p.jsonl", score=["sa", "sb"], **wanted)
    assert not (tmp_path / "p.jsonl").exists()
    rows = pa.table({"q": ["y"], "a": ["g"], "b": ["h"], "sa": ["4.5"], "sb": ["N/A"]})
    made = fb.export(rows, tmp_path / "p.jsonl", score=["sa", "sb"], **wanted)
    assert made.left_out == {"no answer is better than another": 1}


_WRITTEN = """id,price,flag,born,clock
1,1.50,TRUE,2024-01-05,09:00
2,+3,false,2024-01-06,9:30
3,NA,true,2024-01-07,10:00
"""


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "zip", "folder"])
def test_values_of_csv_are_written_as_they_stand_there(ending: str, tmp_path: Path) -> None:
    """Numbers keep their zeros and signs, times their spelling; in expressions they have types."""
    source = _csv(tmp_path, ending)
    alone = "{{ price }}|{{ flag }}|{{ row['born'] }}|{{ clock }}"
    user = alone + "|{{ (price or 0) * 2 }}|{{ born.year }}"
    made = fb.export(source, tmp_path / "chat.jsonl", user=user, assistant="price")
    texts = [
        [turn["content"] for turn in row["messages"]] for row in lines(tmp_path / "chat.jsonl")
    ]
    assert texts == [
        ["1.50|TRUE|2024-01-05|09:00|3.0|2024", "1.50"],
        ["+3|false|2024-01-06|9:30|6.0|2024", "+3"],
    ]
    assert made.left_out == {"an input or output is empty": 1}


def _csv(folder: Path, ending: str) -> Path:
    import gzip
    import zipfile

    plain = folder / "in" / "rows.csv"
    plain.parent.mkdir()
    plain.write_text(_WRITTEN)
    if ending == "folder":
        return plain.parent
    if ending == "zip":
        with zipfile.ZipFile(folder / "rows.zip", "w") as archive:
            archive.write(plain, "rows.csv")
        return folder / "rows.zip"
    if ending == "csv.gz":
        (folder / "rows.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
        return folder / "rows.csv.gz"
    return plain


def test_a_part_of_a_csv_file_keeps_its_values(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(_WRITTEN)
    fb.export(tmp_path / "rows.csv", tmp_path / "out.csv", split={"all": 1.0})
    assert (tmp_path / "out-all.csv").read_text().replace('"', "") == _WRITTEN


def test_numbers_of_json_are_written_as_they_stand_there(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"price": 1.50, "big": 1E400, "n": 7}\n')
    said = {"user": "{{ price }} {{ big }} {{ price + n }}", "assistant": "price"}
    fb.export(tmp_path / "rows.jsonl", tmp_path / "chat.jsonl", **said)
    turns = lines(tmp_path / "chat.jsonl")[0]["messages"]
    assert [turn["content"] for turn in turns] == ["1.50 1E400 8.5", "1.50"]


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_numbers_of_any_length_leave_as_they_came(ending: str, tmp_path: Path) -> None:
    line = '{"n": 12345678901234567890123, "f": 0.1234567890123456789, "m": [1.10, 1e400, -0.0]}'
    given = tmp_path / f"given.{ending}"
    given.write_text(line if ending == "jsonl" else f"[{line}]", encoding="utf-8")
    fb.export(given, tmp_path / "made.jsonl", format="jsonl")
    assert (tmp_path / "made.jsonl").read_text(encoding="utf-8") == line + "\n"
