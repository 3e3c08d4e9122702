"""Invoices by other tools, in an environment that has them: `media_peers.py TOOL ROWS FOLDER`.

`reportlab` is a script as people write it: a page with a table, its picture by PDFium, and a JSON
file of the values. `faker-file` makes a PDF and a PNG of the same text. Neither knows where a value
stands.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

DPI = 110
CELLS = ("item", "quantity", "unit_price", "tax_rate")


def invoices(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The values of each invoice."""
    lines = defaultdict(list)
    for line in told["lines"]:
        lines[line["order_id"]].append(line)
    made = []
    for row in told["rows"]:
        own = lines[row["id"]]
        amounts = [round(float(line["unit_price"]) * line["quantity"], 2) for line in own]
        tax = [a * line["tax_rate"] / 100 for a, line in zip(amounts, own, strict=True)]
        person = told["people"][str(row["customer_id"])]
        made.append(
            {
                "number": row["id"],
                "date": row["ordered_on"],
                "buyer": person["name"],
                "address": person["address"],
                "lines": [
                    [
                        line["item"],
                        line["quantity"],
                        line["unit_price"],
                        line["tax_rate"],
                        f"{a:,.2f}",
                    ]
                    for line, a in zip(own, amounts, strict=True)
                ],
                "net": f"{sum(amounts):,.2f}",
                "total": f"{sum(amounts) + sum(tax):,.2f}",
            }
        )
    return made


def reportlab(told: list[dict[str, Any]], folder: Path) -> None:
    """A PDF, its picture and its values each."""
    import pypdfium2
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    style = getSampleStyleSheet()
    for each in told:
        path = folder / f"{each['number']}.pdf"
        head = [["Description", "Quantity", "Unit price", "VAT", "Amount"]]
        sums = [["Net", "", "", "", each["net"]], ["Total", "", "", "", each["total"]]]
        table = Table(head + each["lines"] + sums)
        table.setStyle(TableStyle([("LINEBELOW", (0, 0), (-1, 0), 1, "black")]))
        address = each["address"].replace("\n", "<br/>")
        SimpleDocTemplate(str(path), pagesize=A4).build(
            [
                Paragraph("Invoice", style["Title"]),
                Paragraph("Northlight Lamps Ltd", style["Normal"]),
                Paragraph(f"{each['buyer']}<br/>{address}", style["Normal"]),
                Paragraph(f"Invoice no. {each['number']}, {each['date']}", style["Normal"]),
                Spacer(1, 12),
                table,
            ]
        )
        document = pypdfium2.PdfDocument(path)
        document[0].render(scale=DPI / 72).to_pil().save(path.with_suffix(".png"))
        document.close()
        path.with_suffix(".json").write_text(json.dumps(each), encoding="utf-8")


def faker_file(told: list[dict[str, Any]], folder: Path) -> None:
    """A PDF and a PNG of the text each."""
    from faker import Faker
    from faker_file.providers.image.pil_generator import PilImageGenerator
    from faker_file.providers.pdf_file import PdfFileProvider
    from faker_file.providers.pdf_file.generators.reportlab_generator import ReportlabPdfGenerator
    from faker_file.providers.png_file import PngFileProvider
    from faker_file.storages.filesystem import FileSystemStorage

    faker = Faker()
    storage = FileSystemStorage(root_path=str(folder.parent), rel_path=folder.name)
    for each in told:
        lines = "\n".join("  ".join(map(str, line)) for line in each["lines"])
        text = (
            f"Invoice\nNorthlight Lamps Ltd\n{each['buyer']}\n{each['address']}\n"
            f"Invoice no. {each['number']}, {each['date']}\n{lines}\n"
            f"Net {each['net']}\nTotal {each['total']}"
        )
        options = {"storage": storage, "content": text, "basename": str(each["number"])}
        PdfFileProvider(faker).pdf_file(pdf_generator_cls=ReportlabPdfGenerator, **options)
        PngFileProvider(faker).png_file(image_generator_cls=PilImageGenerator, **options)


if __name__ == "__main__":
    tool, given, target = sys.argv[1:]
    Path(target).mkdir(parents=True)
    rows = invoices(json.loads(Path(given).read_text(encoding="utf-8")))
    {"reportlab": reportlab, "faker-file": faker_file}[tool](rows, Path(target))
