"""Calls as people mistype them: each error says what is wrong, and a next command that works."""

from __future__ import annotations

import re
import shlex

import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.simulation import World

DATA = "name,age\n" + "".join(f"person {n},{20 + n}\n" for n in range(9))
WORLD = """\
from fabula.simulation import World

world = World("w")
people = world.population("people", n=2)
"""
FILES = {
    "w.py": WORLD,
    "people.csv": DATA,
    "cut.json": '{"a": [1,2',
    "empty.csv": "",
    "tasks.csv": "q,a\nx,y\n",
}

WRONG = [
    ("generate shop.yaml --sead 3", "has no option `--sead`", "did you mean `--seed`?"),
    ("generate shop.yaml --workers zero", "`--workers`: it is not a whole number", "--help`"),
    ("generate shop.yaml --max-cost abc", "`--max-cost`: it is not a number", "--help`"),
    ("generate people.csv", "a data file, not a spec", "`fabula init --from people.csv`"),
    ("generate shop.yaml -o postgres//dev@localhost/db", "lacks a part of `://`", "postgres://"),
    ("blend shop.yaml -o postgres//dev@localhost/db", "lacks a part of `://`", "postgres://"),
    ("program x -o s3:/bucket", "lacks a part of `://`", "s3://"),
    ("generate shop.yaml -o s3:bucket/x", "lacks a part of `://`", "`./s3:…`"),
    ("generate shop.yaml -o s3:/bucket", "lacks a part of `://`", "write `s3://…`"),
    ("mask people.csv -o mysql//host/db", "lacks a part of `://`", "`mysql://…`"),
    ("init --from empty.csv", "`empty.csv` is empty", "CSV, JSON Lines, Parquet"),
    ("validate cut.json", "not valid JSON", "close every"),
    ("sample m.fabula -n 5", "there is no file `m.fabula`", "there are `empty.csv`, `people.csv`"),
    ("sample people.csv -n 5", "as a synthesizer", "`fabula fit people.csv -o people.fabula`"),
    ("show out/nope.csv", "there is no file", "there is no folder `out`"),
    ("show pepole.csv", "there is no file", "did you mean `people.csv`?"),
    (
        "mask people.csv -o m.csv --keep age",
        "has no option `--keep`",
        "`--column NAME='keep: confirmed'`",
    ),
    ("mask people.csv -o m.csv --kep age", "has no option `--kep`", "--help` lists"),
    ("rewrite tasks.csv --model fake", "is not one of", "`fabula rewrite deeper tasks.csv`"),
    ("simulate shop.yaml", "a model of agents is a Python file", "`fabula generate shop.yaml"),
    ("simulate store.py", "no such file", "`fabula simulate --example store`"),
    ("simulate w.py -n pepole=3 -o m", "no population `pepole`", "did you mean `people`?"),
    ("view people.csv --no-browser --port 99999", "port 99999 can't be used", "`--port`"),
    ("rewrite deeper tasks.csv --text q -o h.xyz --model fake", "no file format `xyz`", "parquet"),
    ("conversations help -n 2 --turns two --model fake", "whole numbers from 1 on", "`--turns 3`"),
    (
        "conversations help -n 2 --tool tasks.csv --model fake",
        "no column to look rows up by",
        "`get_row=tasks.csv:COLUMN`",
    ),
    ("conversations help -n 2 --turns 0 --model fake", "not `0`", "`--turns 2,3`"),
    ("pairs cats -n 3 --model fake", "no arrow", "`--input topic --output question`"),
    ("grounded people.md -n 3 --model fake", "there is no file", "did you mean `people.csv`?"),
    ("rewrite deepr tasks.csv --model fake", "`deepr` is not one of", "did you mean `deeper`?"),
    (
        "export people.csv --format chat-jsnl --user name -o e.jsonl",
        "did you mean `chat-jsonl`?",
        "formats are",
    ),
    ("judges people.csv", "no judge is named", "`--score COLUMN`"),
    ("runs shw out", "`fabula runs` has no command `shw`", "did you mean `show`?"),
    ("runs show shop", "holds no finished run", "did you mean `shop.yaml`?"),
    ("solve tasks.csv --model fake", "no column `question`", "`--question COLUMN` names it"),
]


@pytest.mark.parametrize(("call", "said", "hint"), WRONG, ids=[call for call, _, _ in WRONG])
def test_a_wrong_call_says_what_to_type_next(run, shop, call, said, hint) -> None:
    for name, text in FILES.items():
        (shop.parent / name).write_text(text, encoding="utf-8")
    before = {path.name for path in shop.parent.iterdir()}
    ended = run(*shlex.split(call))
    message, _, hints = ended.err.partition("hint: ")
    assert ended.code in (1, 2, 3), ended
    assert message.count("error[") == 1
    assert said in " ".join(message.split())
    assert hint in hints
    assert {path.name for path in shop.parent.iterdir()} == before
    for command in re.findall(r"`fabula ([^`]*--help)`", hints):
        assert run(*shlex.split(command)).code == 0


def test_numbers_without_real_data_say_how_to_compare(run, shop) -> None:
    (shop.parent / "people.csv").write_text(DATA, encoding="utf-8")
    ended = run("evaluate", "people.csv")
    assert "`fabula evaluate people.csv --real REAL`" in ended.err


def test_a_look_at_k_anonymity_says_that_nothing_was_written(run, shop) -> None:
    (shop.parent / "people.csv").write_text(DATA, encoding="utf-8")
    ended = run("generalise", "people.csv", "--quasi", "age", "-k", "2")
    assert "nothing was written; `-o FILE` writes the rows" in ended.err


@pytest.mark.parametrize("place", ["postgres//host/db", "s3:/bucket", "duckdb:shop"])
@pytest.mark.parametrize("face", ["generate", "write", "simulate", "blend", "unmask"])
def test_python_refuses_a_broken_address_as_the_command_line_does(shop, face, place) -> None:
    world = World("empty")
    made = fb.generate("age int 18..90", n=1)
    before = {path.name for path in shop.parent.iterdir()}
    calls = {
        "generate": lambda: fb.generate("age int 18..90", n=1, output=place),
        "write": lambda: made.write(place),
        "simulate": lambda: fb.simulate(world, steps=1, output=place),
        "blend": lambda: fb.blend(made, output=place),
        "unmask": lambda: fb.unmask("x.csv", output=place, map="x"),
    }
    with pytest.raises(UsageError, match="lacks a part of `://`"):
        calls[face]()
    assert {path.name for path in shop.parent.iterdir()} == before


def test_the_manifest_of_one_file_is_named_as_it_is(run, shop) -> None:
    ended = run("generate", "age int 18..90", "-n", "2", "-o", "ages.csv")
    named = re.search(r"\(1 CSV file, (.+?)\)", ended.err)
    assert named
    assert (shop.parent / named[1]).is_file()
