"""`fabula review` and `fabula init --explain`."""

from __future__ import annotations

import json


def test_a_review_goes_round(run, tmp_path):
    """Generate, export, fill in twice, import, generate again with what was said."""
    assert run("generate", "id key, pet llm", "-n", "9", "--model", "fake", "-o", "a.csv").code == 0
    sheets = []
    for name, verdict in (("one.csv", "reject"), ("two.csv", "accept")):
        ended = run("review", "export", "a.csv", "-n", "5", "-o", name)
        assert "5 rows to review" in ended.err
        lines = (tmp_path / name).read_text(encoding="utf-8-sig").splitlines()
        cells = lines[5].split(",")
        lines[5] = ",".join([cells[0], verdict, "dogs only", *cells[3:]])
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        sheets.append(name)
    ended = run("review", "import", *sheets, "--data", "a.csv", "-o", "b.csv")
    assert ended.code == 0, ended.err
    assert "accept 0 · fix 0 · reject 1 · not reviewed 4" in ended.err
    assert "reviewers agree on 0 % of 1 row" in ended.err
    assert len((tmp_path / "b.csv").read_text().splitlines()) == 9
    assert json.loads((tmp_path / "b.review.json").read_text())["comments"] == ["dogs only"]
    asked = ["generate", "id key, pet llm", "-n", "3", "--model", "fake", "-o", "c.csv"]
    ended = run(*asked, "--review", "b.review.json")
    assert ended.code == 0, ended.err
    ended = run("extend", "b.csv", "-n", "1", "--model", "fake", "--review", "b.review.json")
    assert ended.code == 0, ended.err


def test_problems_of_a_sheet_name_file_and_line(run, tmp_path):
    """Exit code 2, nothing written."""
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    run("review", "export", "a.csv", "-o", "s.csv")
    text = (tmp_path / "s.csv").read_text(encoding="utf-8")
    (tmp_path / "s.csv").write_text(text.replace(",,,", ",maybe,,"), encoding="utf-8")
    ended = run("review", "import", "s.csv", "--data", "a.csv", "-o", "b.csv")
    assert ended.code == 2
    assert ended.err.count("`maybe` is not a verdict") == 2
    assert "--> s.csv:6" in ended.err
    assert "--> s.csv:7" in ended.err
    assert not (tmp_path / "b.csv").exists()


def test_the_way_of_each_column_is_advised_with_its_reason(run, tmp_path):
    """Numbers, formats, few values, people, language and relations; nothing is written."""
    folder = tmp_path / "data"
    folder.mkdir()
    words = ["the pump leaks again", "no answer on the phone", "wants a refund", "all went well"]
    rows = [
        f"{i},C-{i * 7919 % 9000 + 1000},Person {i},{40 + (i * 37 % 101) / 7:.2f},"
        f"{'free' if i % 3 else 'pro'},{words[i % 4]} {i} {'x' * (i % 9)}"
        for i in range(1, 200)
    ]
    header = "id,code,full_name,price,plan,remark"
    (folder / "customers.csv").write_text("\n".join([header, *rows]) + "\n")
    orders = "\n".join(f"{i},{i % 199 + 1}" for i in range(1, 400))
    (folder / "orders.csv").write_text(f"id,customer_id\n{orders}\n")
    ended = run("init", "--from", "data", "--explain")
    assert ended.code == 0, ended.err
    lines = {line.split()[0]: line for line in ended.out.splitlines()}
    for column, way in {
        "customers.id": "rules",
        "customers.code": "rules",
        "customers.full_name": "made up",
        "customers.price": "statistics",
        "customers.plan": "shares",
        "customers.remark": "language model",
        "orders.customer_id": "relation",
    }.items():
        assert f"  {way}  " in lines[column], lines[column]
    assert "never copied" in lines["customers.full_name"]
    assert "2 distinct values in 199 rows; few values" in lines["customers.plan"]
    assert "Person 7" not in ended.out
    assert not (tmp_path / "dataset.yaml").exists()


def test_a_spec_and_a_class_are_advised_too(run, tmp_path):
    """A schema instead of a sample; `--explain` alone is refused."""
    ended = run("init", "--from", "shop.yaml", "--explain")
    total = next(line for line in ended.out.splitlines() if line.startswith("orders.total"))
    assert "statistics" in total
    (tmp_path / "guest_model.py").write_text(
        "from pydantic import BaseModel\n\n\n"
        "class Guest(BaseModel):\n    email: str\n    bio: str\n"
    )
    ended = run("init", "--from", "guest_model:Guest", "--explain")
    assert ended.code == 0, ended.err
    assert [line.split("  ")[0] for line in ended.out.splitlines()] == ["column", "email", "bio"]
    assert run("init", "--explain").code == 2
