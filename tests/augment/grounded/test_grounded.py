"""`fb.grounded` over real HTTP: quotes that don't stand in their source are refused."""

from __future__ import annotations

import io
import itertools
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.augment.grounded.documents import read_document
from fabula.cli.main import main
from fabula.errors import PartialRunError, SourceError, UsageError
from fabula.io.sources import read_json_rows
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import at

GUIDES = Path(__file__).parents[3] / "docs" / "guides"
PASSAGE = re.compile(r"^<passage \d+: [^\n]*>\n(.*?)\n</passage>$", re.M | re.S)
KINDS = {"one": 6, "several": 2, "none": 2}


def plain(guide: str) -> list[str]:
    """The lines of a guide in prose, without code."""
    text = re.sub(r"```.*?```", "", (GUIDES / guide).read_text(encoding="utf-8"), flags=re.S)
    return [line for line in text.split("\n\n") if line.strip()]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three guides of this project: as Markdown, as a page, as a PDF or a Word file."""
    typst, docx = pytest.importorskip("typst"), pytest.importorskip("docx")
    folder = tmp_path_factory.mktemp("documents")
    paths = [
        GUIDES / "scan.md",
        folder / "proof.pdf",
        folder / "page.html",
        folder / "learned.docx",
    ]
    lines = "\n\n".join(f'#par("{re.sub(r"[^ -!#-Z^-~]", "", p)}")' for p in plain("proof.md"))
    paths[1].write_bytes(typst.compile(lines.encode()))
    body = "".join(f"<p>{part.strip('# ')}</p>" for part in plain("sandbox.md"))
    paths[2].write_text(f"<title>x</title><script>1 < 2</script><h1>Sandbox</h1>{body}", "utf-8")
    word = docx.Document()
    for part in plain("learned.md"):
        word.add_heading(part.strip("# ")) if part.startswith("#") else word.add_paragraph(part)
    word.save(str(paths[3]))
    return paths


def altered(rng: random.Random, quote: str, number: int) -> str:
    """A quote as models get it wrong."""
    words = quote.split()
    place = rng.randrange(1, len(words) - 1)  # without its first word, a quote still stands
    ways = [
        " ".join([*words[:place], "hardly", *words[place:]]),
        " ".join([*words[:place], *words[place + 1 :]]),
        f"{' '.join(words[:2])} … {' '.join(words[-2:])}",
        "As everybody knows, all of this was decided in the year 1987.",
        quote.swapcase(),
    ]
    return ways[number % len(ways)]


def writer(
    spoiled: Callable[[int], bool], verdict: Callable[[Call], bool] = lambda _: True
) -> tuple[Callable[[Call], Any], Counter[str]]:
    """A script that quotes what it is shown; some quotes are altered or invented."""
    numbers, count = itertools.count(), Counter[str]()

    def answer(call: Call) -> Any:
        if "is_right" in call.schema["properties"]:
            count["judged"] += 1
            return {"is_right": verdict(call)}
        number = next(numbers)
        question = {"question": f"What of matter {number}?"}
        if "Leave `answer` and `quotes` empty" in call.prompt:
            return {**question, "answer": "", "quotes": []}
        rng = random.Random(number)
        quotes = []
        for passage in PASSAGE.findall(call.prompt):
            words = passage.split()
            start = rng.randrange(max(1, len(words) - 12))
            quotes.append(" ".join(words[start : start + 12]))
        if spoiled(number):
            place = rng.randrange(len(quotes))
            quotes[place] = altered(rng, quotes[place], number)
            count["spoiled"] += 1
        return {**question, "answer": f"Answer {number}.", "quotes": quotes}

    return answer, count


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.slow
def test_no_quote_is_kept_that_its_source_lacks_though_a_third_is_altered_or_invented(
    documents: list[Path],
) -> None:
    script, count = writer(lambda number: number % 10 in (1, 4, 7))
    with ChatServer(script) as server:
        made = fb.grounded(
            documents, 200, model=at(server), kinds=KINDS, balance={"tone": ["a", "b"]}
        )
        asked = len(server.calls)
        again = fb.grounded(
            documents, 200, model=at(server), kinds=KINDS, balance={"tone": ["a", "b"]}
        )
        assert len(server.calls) == asked
    assert again.rows == made.rows
    assert Counter(row["kind"] for row in made) == {"one": 120, "several": 40, "none": 40}
    assert Counter(row["tone"] for row in made) == {"a": 100, "b": 100}
    assert {span["document"] for row in made for span in row["spans"]} == {
        path.name for path in documents
    }
    sources = {path.name: read_document(path).text for path in documents}
    for row in made:
        for span in row["spans"]:
            source = sources[span["document"]]
            assert source[span["start"] : span["end"]] == span["quote"]
            assert squeezed(span["quote"]) in squeezed(row["context"])
        assert len(row["spans"]) == {"one": 1, "several": 2, "none": 0}[row["kind"]]
    assert made.refused == {"a quote does not stand in its source": count["spoiled"]}
    assert count["spoiled"] > 60
    assert f"{count['spoiled']} refused: a quote does not stand" in made.report()


def test_what_the_judge_does_not_confirm_is_asked_again(documents: list[Path]) -> None:
    judged, refused = Counter[bool](), set[str]()

    def verdict(call: Call) -> bool:
        is_none = "no passage answers" in call.prompt
        judged[is_none] += 1
        if judged[is_none] % 5 == 0:
            refused.update(re.findall(r"What of matter \d+\?", call.prompt))
        return judged[is_none] % 5 != 0

    script, count = writer(lambda _: False, verdict)
    with ChatServer(script) as server:
        made = fb.grounded(documents, 40, model=at(server), kinds=KINDS)
    assert not refused & {row["question"] for row in made}
    assert made.refused["the quotes don't carry the answer, says the judge"] > 3
    assert made.refused["the documents answer it, says the judge"] > 0
    assert count["judged"] == 40 + sum(made.refused.values())


def test_a_judge_may_be_a_function_or_nobody(documents: list[Path]) -> None:
    script, count = writer(lambda _: False)
    with ChatServer(script) as server:
        made = fb.grounded(
            documents, 10, model=at(server), judge=lambda row: not row["question"].endswith("3?")
        )
        free = fb.grounded(documents, 10, model=at(server), judge=False)
    assert made.refused == {"the judge function refuses it": 1}
    assert count["judged"] == 0
    assert "no judge read" in free.report()


def test_questions_that_are_never_grounded_are_missing_and_told(documents: list[Path]) -> None:
    script, _ = writer(lambda _: True)
    with ChatServer(script) as server:
        with pytest.raises(PartialRunError) as caught:
            fb.grounded(documents, 10, model=at(server), kinds={"one": 1, "none": 1}, attempts=1)
        made = caught.value.rows
        assert Counter(row["kind"] for row in made) == {"none": 5}
        assert len(made.rejects) == 5


def test_the_command_writes_spans_and_training_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documents: list[Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [str(path) for path in documents]
    assert main(["grounded", *paths, "-n", "10", "--model", "fake"]) == 0
    rows = read_json_rows("grounded.jsonl")
    assert rows is not None
    assert len(rows) == 10
    assert rows[0]["spans"][0]["quote"] in rows[0]["context"]
    chat = ["-o", "chat.jsonl", "--format", "chat-jsonl"]
    assert main(["grounded", *paths, "-n", "10", "--model", "fake", *chat]) == 0
    talks = read_json_rows("chat.jsonl")
    assert talks is not None
    said = talks[0]["messages"]
    assert said[0]["content"] == f"{rows[0]['context']}\n\n{rows[0]['question']}"
    assert said[1]["content"] == rows[0]["answer"]


def test_places_are_pages_and_headings(documents: list[Path]) -> None:
    markdown, pdf, page, word = map(read_document, documents)
    assert len(pdf.pages) > 1
    assert pdf.page(0) == 1
    assert pdf.page(len(pdf.text) - 1) == len(pdf.pages)
    assert markdown.page(5) is None
    assert markdown.text == documents[0].read_text(encoding="utf-8")
    assert markdown.heading(0) == markdown.text.splitlines()[0].strip("# ")
    assert page.heading(50) == "Sandbox"
    assert "1 < 2" not in page.text
    assert len(word.headings) > 3
    for document in (markdown, page, word):
        for place, heading in document.headings:
            assert heading in document.text[place : place + len(heading) + 8]


def test_a_document_without_text_or_of_another_format_is_refused(tmp_path: Path) -> None:
    from pypdfium2 import PdfDocument

    scanned = PdfDocument.new()
    scanned.new_page(100, 100)
    packed = io.BytesIO()
    scanned.save(packed)
    (tmp_path / "scan.pdf").write_bytes(packed.getvalue())
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (tmp_path / "broken.docx").write_bytes(b"PK nothing")
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    for name, code in {
        "scan.pdf": "source.no-text",
        "broken.pdf": "source.damaged",
        "broken.docx": "source.damaged",
        "table.xlsx": "source.document-format",
        "gone.md": "source.missing",
    }.items():
        with pytest.raises(SourceError) as caught:
            fb.grounded(tmp_path / name, 1, model="fake")
        assert caught.value.code == code, name


def test_files_of_a_folder_that_are_not_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The museum opens at nine and closes at five.", "utf-8")
    (tmp_path / "b.html").write_bytes("<p>Das Café schließt um zwölf Uhr.</p>".encode("cp1252"))
    (tmp_path / "c.csv").write_text("x\n1\n", "utf-8")
    made = fb.grounded(tmp_path, 2, model="fake", kinds={"one": 1})
    assert "1 files of other formats were not read" in made.report()
    assert "b.html: read as Windows-1252" in made.report()


def test_wrong_options_are_refused() -> None:
    one = {"a.txt": "The museum opens at nine and closes at five."}
    for options in ({"kinds": {"two": 1}}, {"kinds": {"several": 1}}, {"passage": 10},
                    {"balance": {"answer": ["x"]}}):  # fmt: skip
        with pytest.raises(UsageError):
            fb.grounded(one, 2, model="fake", **options)
