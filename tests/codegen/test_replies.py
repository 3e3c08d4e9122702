"""The program is found in any reply, and its tables wherever they are."""

from __future__ import annotations

import pytest

from fabula.codegen.replies import read_reply
from fabula.errors import OutputError
from fabula.llm.client.chat import ChatReply
from fabula.testing import ChatServer
from tests.codegen.builders import BODY, COLUMNS, GOOD, HEAD, fenced, indented, made, ran

FRAME = "pd.DataFrame(columns)"
REPLIES = {
    "published shape": fenced(GOOD),
    "another variable": fenced(GOOD.replace("df =", "the_houses =")),
    "no fence": GOOD,
    "no fence, prose around": f"Sure, here it is:\n\n{GOOD}\nIt makes 100 houses.",
    "another fence": fenced(GOOD).replace("```python", "~~~").replace("```", "~~~"),
    "no language": fenced(GOOD, ""),
    "a fence that never ends": fenced(GOOD).partition("\n```\n")[0],
    "two blocks, joined": f"Imports:\n```python\n{HEAD}```\nRows:\n"
    f"```python\n{BODY}df = {FRAME}\n```",
    "two blocks, one runs": f"```python\nimport nothing_such\n{HEAD}# try\n```\n{fenced(GOOD)}",
    "with a shell block": "```bash\npip install pandas numpy\n```\n" + fenced(GOOD),
    "with its output": fenced(GOOD) + "\n```\nid,house price\n1,250000\n```",
    "notebook magic": fenced("!pip install pandas\n%matplotlib inline\n" + GOOD),
    "thoughts before": "<think>\n```python\nprint(1)\n```\n</think>\n" + fenced(GOOD),
    "windows line ends": fenced(GOOD).replace("\n", "\r\n"),
    "a dict of frames": fenced(f"{HEAD}{BODY}tables = {{'houses': {FRAME}}}\n"),
    "rows as dicts": fenced(f"{HEAD}{BODY}rows = {FRAME}.to_dict('records')\ndel columns\n"),
    "columns only": fenced(HEAD + BODY + "columns = {k: list(v) for k, v in columns.items()}\n"),
    "printed frame": fenced(f"{HEAD}{BODY}df = {FRAME}\nprint(df)\n"),
    "printed CSV": fenced(f"{HEAD}{BODY}print({FRAME}.to_csv(index=False))\ndel columns\n"),
    "saved CSV": fenced(f"{HEAD}{BODY}{FRAME}.to_csv('houses.csv', index=False)\ndel columns\n"),
    "saved Parquet": fenced(f"{HEAD}{BODY}{FRAME}.to_parquet('houses.parquet')\ndel columns\n"),
    "saved JSON": fenced(
        f"{HEAD}import os\n{BODY}os.makedirs('a/b')\n"
        f"{FRAME}.to_json('a/b/h.json', orient='records')\n"
        "del columns\n"
    ),
    "returned": fenced(f"{HEAD}def make():\n{indented(BODY)}    return {FRAME}\nmake()\n"),
    "a function only": fenced(f"{HEAD}def make():\n{indented(BODY)}    return {FRAME}\n"),
    "a function with a default": fenced(
        f"{HEAD}def make(n=100):\n{indented(BODY)}    return {FRAME}\n"
    ),
    "inside a function": fenced(
        f"{HEAD}def main():\n{indented(BODY)}    df = {FRAME}\n    print(df.head())\nmain()\n"
    ),
    "main guard": fenced(
        f"{HEAD}def main():\n{indented(BODY)}    df = {FRAME}\n    print(df)\n\n"
        'if __name__ == "__main__":\n    main()\n'
    ),
    "frame in the guard": fenced(
        HEAD + 'if __name__ == "__main__":\n' + indented(BODY + f"df = {FRAME}\n")
    ),
    "a named index": fenced(f"{HEAD}{BODY}df = {FRAME}.set_index('id')\n"),
    "an excerpt alongside it": fenced(f"{GOOD}sample = df.head(3)\nstats = df.describe()\n"),
    "a copy alongside it": fenced(f"{GOOD}backup = df.copy()\n"),
    "names in other form": fenced(GOOD.replace('"house size (m^2)"', '"House_Size_M_2"')),
    "exit at the end": fenced(f"{GOOD}import sys\nsys.exit(0)\n"),
    "future import": fenced('"""Houses."""\nfrom __future__ import annotations\n' + GOOD),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_the_program_and_its_table_are_found(reply):
    """One block, two, none; any variable, printed, saved, returned, guarded."""
    runs = map(ran, read_reply(ChatReply(reply)).candidates)
    best = next(run for run in runs if run.passed)
    houses = best.fitted.tables["housing_data"]
    assert houses.column_names == COLUMNS
    assert houses.num_rows == 100
    assert houses["id"].to_pylist() == list(range(1, 101))


@pytest.mark.parametrize("name", ["returned", "inside a function", "main guard", "saved CSV"])
def test_the_kept_program_makes_the_same_tables_by_hand(name, tmp_path):
    """`python program.py` needs nothing of ours and writes what the run wrote."""
    import subprocess
    import sys

    import pandas as pd

    with ChatServer(REPLIES[name]) as server:
        data = made(server, output=tmp_path / "out")
    by_hand = tmp_path / "by hand"
    by_hand.mkdir()
    program = (tmp_path / "out" / "program.py").read_text(encoding="utf-8")
    (by_hand / "program.py").write_text(program, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-I", "program.py"], cwd=by_hand, check=True, stdout=subprocess.DEVNULL
    )
    frame = pd.read_csv(by_hand / "housing_data.csv")
    assert frame.to_dict("records") == data.to_pandas().to_dict("records")


def test_the_last_of_several_whole_programs_is_run_first():
    """A longer draft before it is another answer."""
    draft = GOOD.replace("100", "99") + "# a long draft\n" * 50
    read = read_reply(ChatReply(f"{fenced(draft)}\nBetter:\n{fenced(GOOD)}"))
    assert read.candidates[0] == GOOD


NOTHING = {
    "prose": "I would use pandas for that. It is a fine library.",
    "only a shell block": "```bash\npip install pandas\n```",
    "data instead": "```csv\nid,price\n1,2\n```",
    "refusal": "I'm sorry, but I can't assist with that.",
    "empty": "",
}


@pytest.mark.parametrize("reply", NOTHING.values(), ids=NOTHING)
def test_a_reply_without_code_is_told_so_and_asked_again(reply):
    """No code block; the second reply is taken."""
    with ChatServer([reply, fenced(GOOD)]) as server:
        assert made(server).num_rows == 100
    assert len(server.calls) == 2
    assert "Python code block" in server.calls[1].texts[-1]


def test_replies_that_never_hold_code_end_in_a_named_error():
    """Bounded, exit 4, with the reason."""
    with ChatServer(lambda _: "no, thanks") as server, pytest.raises(OutputError) as caught:
        made(server, rounds=2)
    assert (len(server.calls), caught.value.exit_code) == (3, 4)
    assert "no Python code: no, thanks" in caught.value.message


def test_assumptions_are_what_stands_around_the_code():
    """Assumptions text kept."""
    read = read_reply(ChatReply(fenced(GOOD)))
    assert read.prose == (
        "I assume that larger houses cost more.\n\n\n\nThe program seeds numpy, so it repeats."
    )
    assert read.candidates == (GOOD,)
