"""The editor over HTTP: a spec is checked, previewed, saved and run, by its own page alone."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import fabula as fb
from fabula.llm.client.permission import permit_code
from fabula.web.server import View
from tests.web.test_view import Get, opened

SPEC = """fabula: 1
name: towns
tables:
  towns:
    n: 40
    columns:
      id: {kind: key}
      town: {kind: choice, values: [Wien, Oslo, "<b>Rom</b>"]}
"""
_WAIT = 300.0  # seconds, for a machine under load
Post = Callable[..., tuple[int, Any]]


def poster(shown: View, **changed: str | None) -> Post:
    """What sends a JSON object as the page's script does, with some headers changed."""
    token = urlsplit(shown.url).query.removeprefix("token=")
    usual = {
        "Cookie": f"fabula-{shown.port}={token}",
        "Origin": f"http://127.0.0.1:{shown.port}",
        "Content-Type": "application/json",
    }
    headers = {n: v for n, v in {**usual, **changed}.items() if v is not None}

    def post(path: str, body: Any = None, **values: Any) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", shown.port)
        sent = body if isinstance(body, bytes) else json.dumps(values if body is None else body)
        connection.request("POST", path, body=sent, headers=headers)
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        is_json = reply.headers["Content-Type"].startswith("application/json")
        return reply.status, json.loads(text) if is_json else text

    return post


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A spec in a folder of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "towns.yaml").write_text(SPEC)
    return folder / "towns.yaml"


@pytest.fixture
def shown(file: Path) -> Iterator[View]:
    """The page over the spec."""
    with fb.view(file, open_browser=False) as page:
        yield page


def address(get: Get) -> str:
    """The address of the only spec."""
    status, text = get("/runs")
    assert status == 200
    return "/spec/" + text.split('href="/spec/')[1].partition('"')[0]


def version(get: Get, at: str) -> str:
    return json.loads(get(f"{at}.json")[1])["version"]


def ended(get: Get, job: str) -> dict[str, Any]:
    """The state of a run once it is over."""
    until = time.monotonic() + _WAIT
    while (state := json.loads(get(f"{job}.json")[1]))["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.05)
    return state


def test_every_problem_is_told_with_its_line_and_what_to_do(shown: View) -> None:
    get, post = opened(shown), poster(shown)
    at = address(get)
    assert post(f"{at}/check", text=SPEC)[1]["said"] == "towns: 40 rows, 2 columns"
    wrong = SPEC.replace("kind: key", "kind: kee").replace("values", "valuess")
    problems = post(f"{at}/check", text=wrong)[1]["problems"]
    assert {problem["line"] for problem in problems} == {7, 8}
    assert any("key" in (problem["hint"] or "") for problem in problems)
    for text in ("", "tables: [", "x" * 100_000, "tables: {a: {n: 1e99, columns: {}}}", "- 1\n"):
        status, told = post(f"{at}/check", text=text)
        assert (status, bool(told["problems"])) == (200, True)


def test_a_preview_shows_rows_as_text(shown: View) -> None:
    get, post = opened(shown), poster(shown)
    at = address(get)
    told = post(f"{at}/preview", text=SPEC, fake=True)[1]
    assert told["problems"] == []
    assert told["html"].count("<tr>") == 21
    assert "&lt;b&gt;Rom&lt;/b&gt;" in told["html"]
    assert "<b>" not in told["html"]
    assert post(f"{at}/preview", text="tables: [", fake=True)[1]["problems"]


def test_two_editors_do_not_overwrite_each_other(shown: View, file: Path) -> None:
    get, post = opened(shown), poster(shown)
    at = address(get)
    first = version(get, at)
    mine = post(f"{at}/save", text=SPEC + "# mine\n", version=first)
    assert mine == (200, {"version": version(get, at)})
    status, told = post(f"{at}/save", text=SPEC + "# theirs\n", version=first)
    assert status == 409
    assert "changed elsewhere" in told["problems"][0]["message"]
    assert file.read_text() == SPEC + "# mine\n"
    file.write_text(SPEC + "# by another program\n")
    assert post(f"{at}/save", text=SPEC, version=mine[1]["version"])[0] == 409
    assert "another program" in file.read_text()


def test_modules_alongside_a_spec_are_not_imported(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that somebody hands on may hold a `json.py` or a `fabula` of its own."""
    monkeypatch.chdir(file.parent)
    for name in ("json.py", "yaml.py", "numpy.py", "fabula.py"):
        (file.parent / name).write_text("raise SystemExit('imported')")
    with fb.view(file, open_browser=False) as page:
        get, post = opened(page), poster(page)
        assert post(f"{address(get)}/check", text=SPEC)[1]["problems"] == []


def test_a_worker_that_ends_is_started_again(shown: View) -> None:
    get, post = opened(shown), poster(shown)
    at = address(get)
    assert post(f"{at}/check", text=SPEC)[0] == 200
    assert shown._places.desk is not None
    worker = shown._places.desk._worker
    assert worker._process is not None
    worker._process.kill()
    worker._process.wait()
    assert post(f"{at}/check", text=SPEC)[1]["problems"] == []


def test_a_file_that_was_allowed_and_then_deleted_stops_no_other_spec(
    file: Path, tmp_path: Path
) -> None:
    """A notebook that simulated a model, and deleted it, may open a page for all else."""
    model = tmp_path / "model.py"
    model.write_text("")
    permit_code([str(model)])
    model.unlink()
    with fb.view(file, open_browser=False) as page:
        get, post = opened(page), poster(page)
        assert post(f"{address(get)}/check", text=SPEC)[1]["problems"] == []


@pytest.mark.slow
def test_a_run_is_started_watched_and_opened(shown: View, file: Path) -> None:
    get, post = opened(shown), poster(shown)
    at = address(get)
    _, told = post(f"{at}/run", n=700, fake=False)
    state = ended(get, told["address"])
    assert state["state"] == "done", state
    assert state["tables"] == [{"table": "towns", "done": 700, "asked": 700,
                                "said": "700 of 700 rows"}]  # fmt: skip
    assert fb.Dataset.open(file.parent / "out" / "towns").num_rows == 700
    assert get(state["address"])[0] == 200
    _, again = post(f"{at}/run", n=10)
    assert ended(get, again["address"])["state"] == "done"
    assert fb.Dataset.open(file.parent / "out" / "towns-2").num_rows == 10
    assert get("/runs")[1].count(">finished<") == 2


@pytest.mark.slow
def test_a_run_is_stopped_and_continued(shown: View, file: Path) -> None:
    get, post = opened(shown), poster(shown)
    at = address(get)
    job = post(f"{at}/run", n=200_000_000)[1]["address"]
    until = time.monotonic() + _WAIT
    while not (state := json.loads(get(f"{job}.json")[1]))["tables"]:
        assert state["state"] == "running", state
        assert time.monotonic() < until
        time.sleep(0.05)
    assert post(f"{job}/again")[0] == 409
    assert post(f"{job}/stop")[0] == 200
    state = ended(get, job)
    assert state["state"] == "stopped"
    assert "go on from there" in get(job)[1]
    again = post(f"{job}/again")[1]["address"]
    assert again != job
    post(f"{again}/stop")
    ended(get, again)
    assert [path.name for path in (file.parent / "out").iterdir()] == ["towns"]


def test_a_run_that_fails_says_why(shown: View, file: Path) -> None:
    get, post = opened(shown), poster(shown)
    at = address(get)
    file.write_text(SPEC.replace("columns:", "checks: [{sql: id < 0}]\n    columns:"))
    state = ended(get, post(f"{at}/run", n=5)[1]["address"])
    assert state["state"] == "failed"
    assert state["error"]["message"]
    for wrong in ({"n": 0}, {"n": "5"}, {"n": True}, {"max_cost": -1}, {"max_cost": float("nan")}):
        assert post(f"{at}/run", **wrong)[0] in (400, 409)


def test_code_of_a_spec_needs_the_users_permission(shown: View, file: Path) -> None:
    """The page can't give it, and nothing of the file runs."""
    get, post = opened(shown), poster(shown)
    at = address(get)
    (file.parent / "rules.py").write_text(
        f"from pathlib import Path\nPath({str(file.parent / 'ran')!r}).touch()\n"
        "def total(id) -> int: return 1\n"
    )
    text = SPEC + "      total: {kind: function, function: 'rules.py:total'}\n"
    for what in ("check", "preview"):
        _, told = post(f"{at}/{what}", text=text, fake=True, code=["rules.py"])
        assert "not allowed yet" in told["problems"][0]["message"]
        assert "--allow-code" in told["problems"][0]["hint"]
    assert not (file.parent / "ran").exists()


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"Cookie": None}, 403), ({"Cookie": "fabula-1=x"}, 403), ({"Origin": None}, 403),
     ({"Origin": "null"}, 403), ({"Origin": "http://evil.example"}, 403),
     ({"Origin": "http://127.0.0.1"}, 403), ({"Content-Type": "text/plain"}, 403),
     ({"Content-Type": "application/x-www-form-urlencoded"}, 403),
     ({"Host": "evil.example"}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403)],
)  # fmt: skip
def test_only_the_page_itself_may_ask(
    shown: View, file: Path, changed: dict[str, str | None], status: int
) -> None:
    get = opened(shown)
    at = address(get)
    values = {"text": "gone", "version": version(get, at)}
    assert poster(shown, **changed)(f"{at}/save", **values)[0] == status
    assert file.read_text() == SPEC


def test_a_token_in_the_address_does_not_permit_a_write(shown: View, file: Path) -> None:
    get = opened(shown)
    at = address(get)
    query = urlsplit(shown.url).query
    values = {"text": "gone", "version": version(get, at)}
    assert poster(shown, Cookie=None)(f"{at}/save?{query}", **values)[0] == 403
    assert file.read_text() == SPEC


def test_what_is_no_request_of_the_page_is_refused(shown: View) -> None:
    get, post = opened(shown), poster(shown)
    at = address(get)
    assert post(f"{at}/check", b"[" * 100_000)[0] == 400
    assert post(f"{at}/check", [1])[0] == 400
    assert post(f"{at}/check", b"\xff\xfe")[0] == 400
    assert post(f"{at}/check", text=5)[0] == 409
    assert post(f"{at}/check", text="x" * (5 << 20))[0] == 413
    for path in (f"{at}/delete", "/spec/..%2f..%2fetc/save", "/job/9/stop", "/", "/runs",
                 "/spec/check", f"{at}/save/x"):  # fmt: skip
        assert post(path, text="")[0] == 409


def test_only_specs_of_the_folder_are_edited(tmp_path: Path) -> None:
    """Files elsewhere, links and records of runs are not among them."""
    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "secret.yaml").write_text(SPEC)
    (folder / "a.yaml").write_text(SPEC)
    (folder / "notes.yaml").write_text("shopping: [milk]\n")
    (folder / "data.json").write_text('[{"tables": 1}]')
    (folder / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    with fb.view(folder, open_browser=False) as page:
        text = opened(page)("/runs")[1]
        assert text.count('href="/spec/') == 1
        assert "a.yaml" in text


def test_a_run_alone_has_nothing_to_edit(tmp_path: Path) -> None:
    fb.generate("x int 1..5", 10, output=tmp_path / "run")
    with fb.view(tmp_path / "run", open_browser=False) as page:
        assert opened(page)("/runs")[0] == 404
        assert poster(page)("/spec/x/save", text="")[0] == 409


@pytest.mark.slow
def test_hostile_names_of_specs_and_tables_stay_text(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    folder = tmp_path / "work"
    folder.mkdir()
    column = {"kind": "choice", "values": [evil, "</textarea><script>1</script>"]}
    text = json.dumps({"fabula": 1, "tables": {evil: {"n": 3, "columns": {evil: column}}}})
    (folder / f"{evil}.json").write_text(text)
    (folder / "broken.yaml").write_text(f"tables: [{evil}</textarea><script>1</script>")
    with fb.view(folder, open_browser=False) as page:
        get, post = opened(page), poster(page)
        runs = get("/runs")[1]
        specs = [part.partition('"')[0] for part in runs.split('href="')[1:]]
        specs = [part for part in specs if part.startswith("/spec/")]
        assert len(specs) == 2
        pages = [runs, *(get(at)[1] for at in specs)]
        told = [post(f"{at}/preview", text=text)[1] for at in specs]
        pages += [each["html"] for each in told]
        job = post(f"{specs[0]}/run")[1]["address"]
        ended(get, job)
        pages += [get(job)[1], get("/runs")[1]]
        for shown in pages:
            assert "<img" not in shown
            assert "<script>1" not in shown
        assert all(each["problems"] == [] for each in told)
