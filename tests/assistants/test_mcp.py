"""`fabula mcp`, driven by the official client: a spec is repaired, rows are made and evaluated."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from fabula.assistants.bounds import Bounds, within
from fabula.assistants.server import answered
from fabula.assistants.tools import Tools, answer_to, shortened
from fabula.errors import UsageError
from fabula.runs.dataset import Dataset

SPEC = """
name: shop
tables:
  customers:
    n: 20
    columns:
      id: {kind: key}
      age: {kind: uniform, min: 18, max: 90, decimals: 0}
"""
SECRET = "sk-nobody-may-read-this"


def talk(root: Path, *options: str, calls: Callable[[Client], Any]) -> Any:
    """What the calls of a client give, whose server works in a folder."""
    program = "from fabula.cli.main import main; raise SystemExit(main())"
    command = ["-c", program, "mcp", str(root), *options]
    environment = {**os.environ, "OPENAI_API_KEY": SECRET}
    started = StdioServerParameters(command=sys.executable, args=command, env=environment)

    async def session() -> Any:
        async with Client(started) as client:
            return await calls(client)

    return anyio.run(session)


def content(result: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.content[0].text)
    return found


@pytest.mark.slow
def test_an_assistant_repairs_a_spec_in_three_calls_then_makes_and_evaluates_rows(
    tmp_path: Path,
) -> None:
    async def calls(client: Client) -> list[dict[str, Any]]:
        names = [tool.name for tool in (await client.list_tools()).tools]
        broken = SPEC.replace("min: 18", "mim: 18")
        first = content(await client.call_tool("validate", {"spec": broken}))
        second = content(await client.call_tool("validate", {"spec": SPEC}))
        third = content(
            await client.call_tool("generate", {"spec": SPEC, "folder": "out", "seed": 3})
        )
        fourth = content(await client.call_tool("evaluate", {"data": "out"}))
        return [{"names": names}, first, second, third, fourth]

    names, first, second, third, fourth = talk(tmp_path, calls=calls)
    assert set(names["names"]) == {
        "schema", "kinds", "validate", "plan", "preview", "generate", "evaluate",
    }  # fmt: skip
    assert first["valid"] is False
    assert "mim" in first["problems"][0]["message"]
    assert first["problems"][0]["line"] == 8
    assert second == {"valid": True, "tables": {"customers": 20}}
    assert third["tables"] == {"customers": {"requested": 20, "written": 20, "rejected": 0}}
    assert Dataset.open(tmp_path / "out")["customers"].num_rows == 20
    assert "scores" in fourth


def tools(root: Path, **bounds: Any) -> Tools:
    return Tools(root, Bounds(**bounds))


def ask(root: Path, tool: str, /, **arguments: Any) -> dict[str, Any]:
    return answer_to(tools(root), {"tool": tool, "arguments": arguments}, 20_000)


@pytest.mark.parametrize(
    "name",
    [
        "../x.csv", "a/../../x.csv", "/etc/passwd", "~/x.csv", "C:/x.csv", "C:\\x.csv",
        "file:///etc/passwd", "s3://bucket/x", "hf://datasets/a/b", "postgresql://host/db",
        "s3:/bucket", "link.csv", "linked/x.csv", "a\0b", "//x", "sub/linked", "shop.sqlite",
        "folder",
    ],
)  # fmt: skip
def test_a_hostile_path_reaches_nothing(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.csv").write_text("a\nsecret\n")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "folder").mkdir()
    (root / "link.csv").symlink_to(outside / "x.csv")
    (root / "linked").symlink_to(outside)
    (root / "sub" / "linked").symlink_to(outside)
    (root / "folder" / "x.csv").symlink_to(outside / "x.csv")
    (root / "shop.sqlite").write_bytes(b"")
    given = {
        "evaluate": {"data": name},
        "generate": {"spec": SPEC, "folder": name},
    }
    learned = (
        f"tables: {{t: {{n: 1, columns: {{a: {{kind: learned, file: {json.dumps(name)}}}}}}}}}"
    )
    given["validate"] = {"spec": learned}
    for tool, arguments in given.items():
        if (tool, name) == ("generate", "folder"):
            continue
        answer = ask(root, tool, **arguments)
        assert answer["problems"], (tool, answer)
        assert "secret" not in json.dumps(answer)
    assert sorted(path.name for path in outside.iterdir()) == ["x.csv"]


HOSTILE_SPECS = {
    "a function": ("columns: {a: {kind: function, function: 'os:system'}}", "run no code"),
    "a check by a function": (
        "columns: {a: {kind: key}}, checks: [{kind: function, function: 'os:system'}]",
        "run no code",
    ),
    "a program": ("columns: {a: {kind: program, prompt: hi}}", "run no code"),
    "a model of agents": ("simulation: {file: evil.py}", "run no code"),
    "a model by name": ("columns: {a: {kind: llm, prompt: hi, model: 'openai:x'}}", "openai"),
    "a file by SQL": (
        "columns: {a: {kind: expr, sql: \"(SELECT content FROM read_text('/etc/passwd'))\"}}",
        "must not contain a query",
    ),
    "real rows elsewhere": ("source: {file: /etc/passwd}", "leads out"),
    "a fitted file elsewhere": ("columns: {a: {kind: learned, file: ../a.fabula}}", "leads out"),
    "too many rows": ("columns: {a: {kind: key}}, n: 100000000", "at most 100,000"),
}
OTHERS = {
    "a class": ("os.path:join", "os.path"),
    "another spec": ("/etc/passwd.yaml", "leads out"),
    "a spec outside": ("../shop.yaml", "leads out"),
    "an endpoint": (
        "models: {m: {provider: openai, name: x, base_url: 'http://evil'}}\n"
        "tables: {t: {n: 1, columns: {a: {kind: key}}}}",
        "not on this machine",
    ),
    "a local model elsewhere": (
        "models: {m: {provider: local, name: x, base_url: 'http://evil'}}\n"
        "tables: {t: {n: 1, columns: {a: {kind: key}}}}",
        "not on this machine",
    ),
}
HOSTILE_SPECS |= OTHERS


@pytest.mark.parametrize("what", HOSTILE_SPECS)
def test_a_hostile_spec_runs_no_code_and_reads_nothing(tmp_path: Path, what: str) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC)
    root = tmp_path / "root"
    root.mkdir()
    (root / "evil.py").write_text("raise SystemExit('ran')")
    given, why = HOSTILE_SPECS[what]
    size = "" if " n: " in given else "n: 1, "
    text = given if what in OTHERS else f"tables: {{t: {{{size}{given}}}}}"
    for tool in ("validate", "plan", "generate"):
        extra = {"folder": "out"} if tool == "generate" else {}
        answer = ask(root, tool, spec=text, **extra)
        assert answer.get("problems"), (tool, answer)
        assert why in answer["problems"][0]["message"], answer
        assert "root:" not in json.dumps(answer)
    assert not (root / "out").exists()


def test_no_secret_of_the_server_is_seen_by_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of a call has none of the server's variables, so no answer can hold one."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    shell = tmp_path / "python"
    shell.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen; cat > /dev/null; echo '{{}}'\n")
    shell.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(shell))
    assert answered({"tool": "kinds"}, tmp_path, Bounds()) == {}
    assert SECRET not in (tmp_path / "seen").read_text()
    assert "PATH=" in (tmp_path / "seen").read_text()


def test_modules_in_the_folder_are_not_imported(tmp_path: Path) -> None:
    """Python would import `json.py` of the current folder before its own."""
    for name in ("json.py", "fabula.py", "pyarrow.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    call = {"tool": "validate", "arguments": {"spec": SPEC}, "bounds": {}}
    assert answered(call, tmp_path, Bounds()) == {"valid": True, "tables": {"customers": 20}}
    assert not (tmp_path / "ran").exists()


def test_a_call_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    call = {"tool": "kinds", "arguments": {}, "bounds": {}}
    answer = answered(call, tmp_path, Bounds(max_seconds=0))
    assert answer["problems"][0]["code"] == "usage.time"


def test_an_answer_has_a_bounded_size_and_says_what_is_left_out(tmp_path: Path) -> None:
    wide = {"tables": {"t": [{"a": "x" * 100}] * 50}, "checks": "0 checks"}
    cut = shortened(wide, 2_000)
    assert len(json.dumps(cut)) <= 2_000
    assert "fewer rows" in cut["note"]
    assert "left out" in shortened({"text": "x" * 9_000}, 2_000)["note"]
    assert len(json.dumps(shortened({"schema": {"a": "x" * 9_000}}, 2_000))) <= 2_000
    for tool in ("schema", "kinds"):
        answer = ask(tmp_path, tool)
        assert len(json.dumps(answer, ensure_ascii=False)) <= 20_000
        assert "note" not in answer


def test_a_spec_may_be_one_line_or_a_file_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC)
    assert ask(tmp_path, "validate", spec="shop.yaml") == {
        "valid": True,
        "tables": {"customers": 20},
    }
    made = ask(tmp_path, "preview", spec="name person.name, age int 1..9", rows=2, seed=1)
    (rows,) = made["tables"].values()
    assert [set(row) for row in rows] == [{"name", "age"}] * 2
    missing = ask(tmp_path, "evaluate", data="nothing.csv")["problems"][0]
    assert missing["code"] == "source.missing"


def test_the_schema_is_given_in_parts(tmp_path: Path) -> None:
    whole = ask(tmp_path, "schema")
    assert "tables" in whole["schema"]["properties"]
    assert all("problems" not in ask(tmp_path, "schema", part=part) for part in whole["parts"][:3])
    assert "did you mean" in ask(tmp_path, "schema", part="Uniforn")["problems"][0]["hint"]
    assert "min" in ask(tmp_path, "kinds", kind="uniform")["text"]


def test_a_root_that_is_a_link_works_and_its_links_do_not(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    root = (tmp_path / "link").resolve()
    assert within(root, "./a/b.csv") == real / "a" / "b.csv"
    with pytest.raises(UsageError, match="leads out"):
        within(root, "../real/x")
