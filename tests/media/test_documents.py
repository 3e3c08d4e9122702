"""Documents of rows: what they print, where, and that runs of them hold together."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import SpecError, UsageError
from fabula.media.truth import listed, records_of

pytest.importorskip("typst", reason="needs the extra `media`")
from fabula.media.typesetting import text_of

SHOP = """
fabula: 1
name: shop
seed: 5
tables:
  customers:
    n: 20
    columns:
      id: {kind: key}
      name: {kind: person, field: name, locale: fr}
  orders:
    n: 30
    columns:
      id: {kind: key, start: 1001}
      customer_id: {kind: reference, to: customers}
      ordered_on: {kind: datetime, start: 2025-01-01, end: 2025-12-31, date: true}
      invoice: {kind: document, template: invoice, lines: order_lines%s}
  order_lines:
    per_parent: {of: orders, min: 0, max: 6}
    columns:
      id: {kind: key}
      order_id: {kind: reference, to: orders}
      product: {kind: choice, values: [Desk lamp, Office chair, "Notebook, 120 pages"]}
      quantity: {kind: poisson, mean: 2, min: 1}
      unit_price: {kind: lognormal, median: 40, sigma: 0.6, min: 2, decimals: 2}
      tax_rate: {kind: choice, values: [19, 7]}
"""
CONSTANTS = ", constants: {language: [en, de, fr], layout: [classic, modern, compact]}"


def made(folder: Path, spec: str = SHOP % CONSTANTS, **options: Any) -> Path:
    """The folder of a finished run."""
    fb.generate(_spec(spec, folder), output=folder, **options)
    return folder


def _spec(text: str, folder: Path) -> str:
    path = folder.parent / f"{folder.name}.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def truths(folder: Path) -> list[dict[str, Any]]:
    """The records of all documents of a run."""
    return [
        record
        for path in sorted(folder.glob("media/*/*/truth-*.jsonl"))
        for record in records_of(path)
    ]


def squeezed(text: str) -> str:
    """A text without spaces, as lines that wrap change them."""
    return re.sub(r"[\s\u00a0\u200b\ufffe]+", "", text)


def printed_items(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Every printed value of a document."""
    cells = [
        item for name in ("lines", "taxes") for row in record.get(name, ()) for item in row.values()
    ]
    return [item for item in (*record["fields"].values(), *cells) if item["printed"]]


def test_what_an_invoice_prints_is_what_its_row_and_lines_say(tmp_path: Path) -> None:
    folder = made(tmp_path / "out")
    data = fb.Dataset.open(folder)
    orders = {row["id"]: row for row in data.to_dicts("orders")}
    names = {row["id"]: row["name"] for row in data.to_dicts("customers")}
    lines: dict[int, list[dict[str, Any]]] = {}
    for line in data.to_dicts("order_lines"):
        lines.setdefault(line["order_id"], []).append(line)
    records = truths(folder)
    assert len(records) == len(orders) == 30
    for record in records:
        fields = record["fields"]
        row = orders[fields["number"]["value"]]
        assert row["invoice"] == record["files"][0]["path"]
        assert fields["buyer"]["value"] == names[row["customer_id"]]
        assert fields["date"]["value"] == row["ordered_on"].isoformat()
        mine = lines.get(row["id"], [])
        assert [line["item"]["value"] for line in record["lines"]] == [r["product"] for r in mine]
        assert [line["unit_price"]["value"] for line in record["lines"]] == [
            r["unit_price"] for r in mine
        ]
        net = sum(round(r["quantity"] * r["unit_price"], 2) for r in mine)
        if mine:
            assert fields["net"]["value"] == pytest.approx(net, abs=1e-6)
            tax = sum(item["tax"]["value"] for item in record["taxes"])
            assert fields["total"]["value"] == pytest.approx(net + tax, abs=1e-6)


def test_every_printed_value_is_read_back_from_the_page_and_the_box_that_the_truth_tells(
    tmp_path: Path,
) -> None:
    import pypdfium2

    folder = made(tmp_path / "out")
    for record in truths(folder):
        document = pypdfium2.PdfDocument(folder / record["files"][0]["path"])
        for item in printed_items(record):
            page = document[item["page"] - 1]
            left, top, right, bottom = item["box"]
            height = page.get_height()
            found = page.get_textpage().get_text_bounded(
                left - 1, height - bottom - 4, right + 1, height - top + 4
            )
            assert squeezed(item["printed"]) in squeezed(found)


@pytest.mark.slow
def test_documents_are_the_same_bytes_on_one_and_two_workers(tmp_path: Path) -> None:
    spec = (SHOP % ", format: [pdf, png]").replace("n: 30", "n: 1040").replace("max: 6", "max: 1")
    spec = spec.replace("format: [pdf, png]", "format: pdf")
    one, two = made(tmp_path / "one", spec), made(tmp_path / "two", spec, workers=2)
    names = [path.relative_to(one) for path in sorted(one.glob("media/**/*.*"))]
    assert len(names) == 1040 + 4  # three truths and the list of files
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


@pytest.mark.slow
def test_a_killed_run_makes_only_the_documents_that_are_missing(tmp_path: Path) -> None:
    folder = made(tmp_path / "out")
    (truth,) = folder.glob("media/*/*/truth-*.jsonl")
    before = {name: (folder / name).read_bytes() for name in (*listed(truth), "orders.parquet")}
    kept = truth.read_bytes()
    victims = sorted(listed(truth))[:3]
    for name in victims:
        (folder / name).unlink()
    truth.unlink()
    (folder / "manifest.json").unlink()
    leftover = (folder / victims[0]).with_name(".0000000.pdf.1.tmp")
    leftover.write_bytes(b"half")
    made(folder)
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert truth.read_bytes() == kept
    assert not leftover.exists()
    there = {p.relative_to(folder).as_posix() for p in folder.glob("media/*/*/0*/*")}
    assert there == set(listed(truth))


def test_overwriting_a_run_removes_its_documents(tmp_path: Path) -> None:
    folder = made(tmp_path / "out")
    made(folder, (SHOP % "").replace("n: 30", "n: 3"), overwrite=True)
    assert len(list(folder.glob("media/*/*/0*/*"))) == 3


HOSTILE = [
    '#eval("1+1") #panic() $x$',
    "*bold* _it_ `raw` \\ \\u{41} <label> @ref",
    '"] #import "fabula.typ"; [',
    "= heading\n- item\n/ term: x",
    "#{while true {}}",
]


def document(tmp_path: Path, texts: list[str], **column: Any) -> list[dict[str, Any]]:
    """The truth about letters whose text is that of the rows."""
    spec = {
        "tables": {
            "letters": {
                "n": len(texts),
                "columns": {
                    "id": {"kind": "key"},
                    "name": {"kind": "choice", "values": texts},
                    "file": {"kind": "document", "template": "invoice", **column},
                },
            }
        }
    }
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    fb.generate(str(path), output=tmp_path / "out")
    return truths(tmp_path / "out")


def test_code_inside_values_is_shown_and_never_run(tmp_path: Path) -> None:
    for record in document(tmp_path, HOSTILE):
        text = "".join(text_of((tmp_path / "out" / record["files"][0]["path"]).read_bytes()))
        assert squeezed(record["fields"]["buyer"]["value"]) in squeezed(text)


def test_long_texts_run_over_pages_and_lose_nothing(tmp_path: Path) -> None:
    long = " ".join(f"word{number}" for number in range(3000)) + " " + "x" * 400
    for record in document(tmp_path, [long], fields={"note": "name"}):
        assert len(record["pages"]) > 1
        text = "".join(text_of((tmp_path / "out" / record["files"][0]["path"]).read_bytes()))
        body = re.sub(r"(Page|Seite)\d+(of|von)\d+", "", squeezed(text))
        assert squeezed(long) in body
        assert {box["page"] for box in record["fields"]["note"]["boxes"]} == {
            number for number, _ in enumerate(record["pages"], 1)
        }


def test_names_in_scripts_that_run_to_the_left_are_printed_whole(tmp_path: Path) -> None:
    names = ["عمر بن خالد", "שלום כהן"]
    for record in document(tmp_path, names):
        text = "".join(text_of((tmp_path / "out" / record["files"][0]["path"]).read_bytes()))
        for word in record["fields"]["buyer"]["value"].split():
            assert word in text
        assert "unprintable" not in record


def test_characters_that_no_font_has_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (record,) = document(tmp_path, ["山田 太郎"])
    assert record["unprintable"]
    assert "no font has some characters" in caplog.text


def test_settings_of_rows_that_a_template_lacks_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (record,) = document(tmp_path, ["es"], fields={"language": "name", "layout": "name"})
    assert (record["language"], record["layout"]) == ("en", "classic")
    assert record["replaced"] == {"language": "es", "layout": "es"}
    assert "language `es` in 1, layout `es` in 1" in caplog.text


def test_the_locale_of_a_row_is_its_language(tmp_path: Path) -> None:
    (record,) = document(tmp_path, ["de_AT"], fields={"language": "name"})
    assert record["language"] == "de"
    assert "replaced" not in record


def test_documents_need_a_folder() -> None:
    spec = {
        "tables": {"t": {"n": 1, "columns": {"f": {"kind": "document", "template": "invoice"}}}}
    }
    with pytest.raises(UsageError, match="need a folder"):
        fb.generate(spec)
    assert fb.preview(spec).to_arrow().schema.field("f").type == pa.string()


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ({"template": "invoise"}, "spec.unknown-template"),
        ({"template": "mine.typ"}, "spec.missing-file"),
        ({"template": "invoice", "lines": "nothing"}, "spec.unknown-table"),
        ({"template": "invoice", "fields": {"buyr": "id"}}, "spec.unknown-field"),
        ({"template": "invoice", "fields": {"buyer": "nobody"}}, "spec.unknown-column"),
        ({"template": "invoice", "constants": {"language": "xx"}}, "spec.bad-value"),
        ({"template": "invoice", "defects": {"spoilt_total": 0.1}}, "spec.bad-defect"),
        ({"template": "invoice", "defects": {"wrong_totl": 0.1}}, "spec.unknown-field"),
        ({"template": "invoice", "scan": 0.5}, "spec.missing-key"),
        ({"template": "invoice", "line_fields": {"item": "id"}}, "spec.missing-key"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_made(
    column: dict[str, Any], code: str
) -> None:
    spec = {
        "tables": {
            "t": {"n": 1, "columns": {"id": {"kind": "key"}, "f": {"kind": "document", **column}}}
        }
    }
    with pytest.raises(SpecError) as caught:
        fb.plan(spec)
    assert code in {violation.code for violation in caught.value.violations}


@pytest.mark.slow
def test_labels_for_trainers_name_every_picture_and_box(tmp_path: Path) -> None:
    spec = SHOP % ", format: [png, pdf], labels: [coco, donut], scan: 0.4"
    folder = made(tmp_path / "out", spec.replace("n: 30", "n: 4"))
    place = folder / "media/orders/invoice"
    coco = json.loads((place / "coco.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in (place / "metadata.jsonl").read_text().splitlines()]
    assert [image["file_name"] for image in coco["images"]] == [e["file_name"] for e in lines]
    for image in coco["images"]:
        assert (place / image["file_name"]).is_file()
        assert image["width"] > 800
    names = {category["id"]: category["name"] for category in coco["categories"]}
    totals = {
        each["image_id"]: each["text"]
        for each in coco["annotations"]
        if names[each["category_id"]] == "total"
    }
    for number, line in enumerate(lines, 1):
        parse = json.loads(line["ground_truth"])["gt_parse"]
        assert parse.get("total") == totals.get(number)
    assert "4 documents in `media/orders/invoice`" in fb.Dataset.open(folder).report()


@pytest.mark.slow
def test_defects_come_at_their_shares_with_labels_that_say_what_would_be_right(
    tmp_path: Path,
) -> None:
    spec = (
        SHOP % ", defects: {wrong_total: 0.3, missing_date: 0.2, duplicate_number: 0.1}"
    ).replace("n: 30", "n: 200")
    records = truths(made(tmp_path / "out", spec.replace("min: 0", "min: 1")))
    by_row = {record["row"]: record for record in records}
    counts = {"wrong": 0, "missing": 0, "duplicate": 0}
    for record in records:
        defect = record.get("defect")
        if defect is None:
            continue
        counts[defect["what"]] += 1
        item = record["fields"].get(defect["field"])
        if defect["what"] == "missing":
            assert item is None
        else:
            assert item["printed"] != defect["should_be"]
        if defect["what"] == "duplicate":
            other = by_row[record["row"] - 1 if record["row"] else 1]
            assert item["value"] == record["row"] + 1000 or other["row"] is not None
    spread = 4 * (200 * 0.3 * 0.7) ** 0.5
    assert abs(counts["wrong"] - 60) < spread
    assert abs(counts["missing"] - 40) < spread
    assert abs(counts["duplicate"] - 20) < spread


@pytest.mark.slow
def test_every_form_of_a_document_contains_what_its_row_says(tmp_path: Path) -> None:
    import email
    import email.policy

    import docx

    spec = (SHOP % ", format: [docx, html, eml, xlsx, jpg, pdf]").replace("n: 30", "n: 3")
    one = made(tmp_path / "one", spec)
    two = made(tmp_path / "two", spec)
    for record in truths(one):
        paths = {file["path"].rpartition(".")[2]: one / file["path"] for file in record["files"]}
        for file in record["files"]:
            assert (one / file["path"]).read_bytes() == (two / file["path"]).read_bytes()
        word = docx.Document(str(paths["docx"]))
        cells = {cell.text for table in word.tables for row in table.rows for cell in row.cells}
        page = paths["html"].read_text(encoding="utf-8")
        message = email.message_from_bytes(paths["eml"].read_bytes(), policy=email.policy.default)
        (attached,) = message.iter_attachments()
        assert attached.get_content() == paths["pdf"].read_bytes()
        with zipfile.ZipFile(paths["xlsx"]) as book:
            texts = book.read("xl/sharedStrings.xml").decode()
            numbers = re.findall(
                r"<v>([\d.-]+)</v>", book.read("xl/worksheets/sheet1.xml").decode()
            )
        for item in printed_items(record):
            assert item["printed"] in cells
            assert item["printed"] in page.replace("<br>", "\n")
        assert record["fields"]["buyer"]["value"] in texts
        assert {line["unit_price"]["value"] for line in record["lines"]} <= set(map(float, numbers))
        assert paths["jpg"].read_bytes().startswith(b"\xff\xd8\xff")


def test_every_file_is_listed_with_its_digest_and_sizes(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", SHOP % ", format: [png, pdf]")
    with (folder / "media/orders/invoice/files.csv").open(encoding="utf-8", newline="") as lines:
        listed_files = list(csv.DictReader(lines))
    assert {Path(each["path"]).suffix for each in listed_files} == {".png", ".pdf"}
    assert len({each["row"] for each in listed_files}) == 30
    for each in listed_files:
        content = (folder / each["path"]).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert int(each["bytes"]) == len(content)
        if each["path"].endswith(".png"):
            assert int(each["width"]) == int.from_bytes(content[16:20])
