"""The local page over HTTP: what it shows of runs and files, and whom it refuses."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.errors import PrerequisiteError, RunInterrupted, SourceError
from fabula.reports.runs import find_runs, runs_text
from fabula.web.server import View

ROWS = 1_234
Get = Callable[[str], tuple[int, str]]


def opened(shown: View) -> Get:
    """A browser that has opened the address with the token."""
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(cookies)
    browser.open(shown.url).read()

    def get(path: str) -> tuple[int, str]:
        try:
            with browser.open(f"http://127.0.0.1:{shown.port}{path}") as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return get


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two related tables."""
    folder = tmp_path_factory.mktemp("view") / "run"
    spec = {
        "fabula": 1,
        "name": "tiny",
        "tables": {
            "people": {
                "n": 200,
                "columns": {
                    "id": {"kind": "key"},
                    "town": {"kind": "choice", "values": ["Wien", "Oslo"]},
                },
            },
            "visits": {
                "n": ROWS,
                "columns": {
                    "id": {"kind": "key"},
                    "person": {"kind": "reference", "to": "people"},
                    "cost": {"kind": "uniform", "min": 0, "max": 99, "decimals": 0},
                },
            },
        },
    }
    fb.generate(spec, output=folder)
    return folder


@pytest.fixture
def get(run: Path) -> Iterator[Get]:
    """What the page of the run answers, as text."""
    with fb.view(run, open_browser=False) as shown:
        yield opened(shown)


def place(get: Get) -> str:
    """The address of the only run."""
    _, text = get("/")
    return text.split('<a href="/', 2)[2].partition("/")[0]


def as_json(get: Get, path: str) -> dict:
    """The values behind an address."""
    status, text = get(path)
    assert status == 200, text
    return json.loads(text)


def test_rows_are_paged_in_the_order_of_the_file(get: Get, run: Path) -> None:
    at = f"/{place(get)}/rows/visits.json"
    real = fb.Dataset.open(run)
    costs = real["visits"]["cost"].to_pylist()
    pages = [as_json(get, f"{at}?page={page}") for page in range(-(-ROWS // 50))]
    assert [row["cost"] for page in pages for row in page["rows"]] == costs
    assert [number for page in pages for number in page["numbers"]] == list(range(1, ROWS + 1))
    assert {page["total"] for page in pages} == {ROWS}


def test_rows_are_searched_filtered_and_sorted(get: Get, run: Path) -> None:
    at, data = f"/{place(get)}/rows", fb.Dataset.open(run)
    costs = data["visits"]["cost"].to_pylist()
    found = as_json(
        get, f"{at}/visits.json?column=cost&operator=at+least&value=95&sort=cost&desc=1"
    )
    assert found["total"] == sum(cost >= 95 for cost in costs)
    assert [row["cost"] for row in found["rows"]] == sorted(costs, reverse=True)[:50][
        : found["total"]
    ]
    assert all(
        costs[n - 1] == r["cost"] for n, r in zip(found["numbers"], found["rows"], strict=True)
    )
    towns = data["people"]["town"].to_pylist()
    assert as_json(get, f"{at}/people.json?q=osL")["total"] == towns.count("Oslo")
    assert as_json(get, f"{at}/people.json?q=%25")["total"] == 0
    both = "where=cost%1Fat+least%1F95&where=cost%1Fis+not%1F97"
    assert as_json(get, f"{at}/visits.json?{both}")["total"] == sum(
        c >= 95 and c != 97 for c in costs
    )


def test_a_row_is_shown_in_full_with_how_each_value_was_made(get: Get) -> None:
    at = place(get)
    row = as_json(get, f"/{at}/row/visits/1000.json")
    assert row["row"]["id"] == 1000
    assert row["made"]["person"]["kind"] == "reference"
    assert row["made"]["cost"]["stream"] == "seed 0, table visits, column cost, block 0"
    _, text = get(f"/{at}/row/visits/1000")
    parent = text.split("the row it points at")[0].rpartition('href="')[2].partition('"')[0]
    _, parents = get(parent.replace("&amp;", "&"))
    assert "1 row ·" in parents
    status, text = get(f"/{at}/row/visits/{ROWS + 1}")
    assert status == 404
    assert f"numbered from 1 to {ROWS:,}" in text


def test_other_tabs_show_columns_rejects_report_and_spec(get: Get) -> None:
    at = place(get)
    assert as_json(get, f"/{at}/columns/people.json")["rows"] == 200
    assert "Every row that was asked for was written" in get(f"/{at}/rejects")[1]
    assert "Run report" in get(f"/{at}/report")[1]
    assert "kind: reference" in get(f"/{at}/spec")[1]


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/{at}/tab", "/{at}/rows/table", "/{at}/rows/people?sort=x", "/{at}/row/people/x",
     "/{at}/rows/people?page=-1", "/{at}/rows/people?where=town%1FDROP%1F", "/{at}/row/people/0",
     "/{at}/rows/people?q=" + "x" * 2_000, "/..%2f..%2fetc/passwd", "/{at}/rows/..%2f..%2fpeople",
     "/{at}/row/people/" + "9" * 40],
)  # fmt: skip
def test_what_is_not_there_is_told_without_a_fault(get: Get, path: str) -> None:
    status, text = get(path.replace("{at}", place(get)))
    assert status == 404
    assert "Traceback" not in text
    assert 'class="place"' in text


def test_a_page_that_is_past_the_end_is_empty(get: Get) -> None:
    assert "No row matches" in get(f"/{place(get)}/rows/people?page=999999")[1]


def test_requests_that_are_not_the_users_own_are_refused(run: Path) -> None:
    """Without the token, for another host, from another page, or to write."""
    with fb.view(run, open_browser=False) as shown:
        token = urlsplit(shown.url).query.removeprefix("token=")
        cookie = {"Cookie": f"fabula-{shown.port}={token}"}

        def status(path: str = "/", method: str = "GET", **headers: str) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", shown.port)
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=sent)
            reply = connection.getresponse()
            text = reply.read().decode()
            connection.close()
            assert token not in text
            assert reply.headers["X-Frame-Options"] == "DENY"
            return reply.status

        assert status(**cookie) == 302
        assert status() == 403
        assert status("/?token=wrong") == 403
        assert status("/?token=%C3%A9") == 403
        assert status(**{**cookie, "Cookie": cookie["Cookie"][:-1]}) == 403
        assert status(**cookie, Host=f"evil.example:{shown.port}") == 403
        assert status(**cookie, Host=f"127.0.0.1:{shown.port + 1}") == 403
        assert status(**cookie, Sec_Fetch_Site="cross-site") == 403
        assert status(**cookie, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate") == 302
        assert status(method="POST", **cookie) == 403
        for method in ("PUT", "DELETE", "OPTIONS"):
            assert status(method=method, **cookie) == 405


def test_hostile_names_and_values_stay_text(tmp_path: Path) -> None:
    """HTML in cells, columns and file names is shown, never run; huge cells are cut and counted."""
    evil = "<script>alert(1)</script>"
    rows = pa.table(
        {
            f'"{evil}': [evil, None, "x" * 1_000_000],
            "row": [1, 2, 3],
            "many": [[{"a": evil}], [], None],
            "bytes": [b"\x00\xff<b>", None, b""],
        }
    )
    file = tmp_path / "<b>'x\".parquet"
    pq.write_table(rows, file)
    with fb.view(file, open_browser=False) as shown:
        get = opened(shown)
        at, table = place(get), quote("<b>'x\"", safe="")
        for path in (f"/{at}/rows", f"/{at}/row/{table}/1", f"/{at}/columns",
                     f"/{at}/rows/{table}?q={quote(evil)}",
                     f"/{at}/rows/{table}?sort={quote(chr(34) + evil)}"):  # fmt: skip
            status, text = get(path)
            assert status == 200, path
            assert "<script" not in text
            assert "<b>" not in text.replace("<b>{", "")
            assert len(text) < 100_000
        assert "980,000 more characters" in get(f"/{at}/row/{table}/3")[1]
        assert as_json(get, f"/{at}/rows/{table}.json?q={quote(evil)}")["numbers"] == [1]


def test_folders_of_runs_are_listed_and_files_opened(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fb.generate("x int 1..5", 10, output=tmp_path / name)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "run.json").write_text("{}")
    (tmp_path / "fabula.schema.json").write_text('{"properties": {"tables": {}}}')
    with fb.view(tmp_path, open_browser=False) as shown:
        get = opened(shown)
        _, text = get("/")
        assert text.count(">finished<") == 2
        assert text.count(">unfinished<") == 1
        assert "schema" not in text
        assert str(tmp_path) not in text
    report = tmp_path / "report.html"
    report.write_text("<!doctype html><p>a report")
    with fb.view(report, open_browser=False) as shown:
        assert opened(shown)("/")[1] == "<!doctype html><p>a report"
    text_file = tmp_path / "towns.csv"
    text_file.write_text("town,people\nWien,2000000\nOslo,\n")
    with fb.view(text_file, open_browser=False) as shown:
        get = opened(shown)
        rows = as_json(get, f"/{place(get)}/rows.json")["rows"]
        assert rows == [{"town": "Wien", "people": 2_000_000}, {"town": "Oslo", "people": None}]
        assert get(f"/{place(get)}/report")[0] == 404


@pytest.mark.slow
def test_a_run_that_was_stopped_shows_what_it_keeps_and_how_it_goes_on(tmp_path: Path) -> None:
    """The folder of such a run opens as well, alone."""

    def stop(table: str, *_: int) -> None:
        if table == "orders":
            raise KeyboardInterrupt

    shop = Path(fb.__file__).parent / "templates/shop.yaml"
    with pytest.raises(RunInterrupted):
        fb.generate(shop, {"customers": 40}, output=tmp_path / "run", progress=stop)
    with fb.view(tmp_path / "run", open_browser=False) as shown:
        _, text = opened(shown)("/")
    assert ">unfinished<" in text
    assert "240 of " in text
    assert "The command that began it makes what is missing" in text
    assert "240 of " in runs_text(find_runs(tmp_path))


def test_nothing_to_show_and_a_taken_port_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing to show"):
        fb.view(tmp_path, open_browser=False)
    (tmp_path / "a.csv").write_text("x\n1\n")
    shown = fb.view(tmp_path / "a.csv", open_browser=False)
    with pytest.raises(PrerequisiteError, match=f"port {shown.port} can't be used"):
        fb.view(tmp_path / "a.csv", port=shown.port, open_browser=False)
    shown.close()
