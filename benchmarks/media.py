"""Invoices as PDF, PNG and truth, beside two other tools: `python -m benchmarks.media [N]`.

Prints CPU time and memory of each way, and what else must hold of Fabula's: the same bytes by any
number of workers, nothing lost or doubled after a kill at half, and all values in the PDFs' text.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pypdfium2

import fabula as fb
from benchmarks.peers import python_of

PEERS = ("reportlab", "faker-file")
SPEC = """
fabula: 1
name: shop
seed: 11
tables:
  customers:
    n: 200
    columns:
      id: {kind: key}
      name: {kind: person, field: name, locale: [en, de, fr]}
      address: {kind: person, field: address}
  orders:
    n: ROWS
    columns:
      id: {kind: key, start: 1001}
      customer_id: {kind: reference, to: customers}
      language: {kind: choice, values: [en, de, fr]}
      ordered_on: {kind: datetime, start: 2025-01-01, end: 2025-12-31, date: true}
      invoice:
        kind: document
        template: invoice
        format: [pdf, png]
        lines: order_lines
        fields: {buyer: customer_id.name, buyer_address: customer_id.address}
        constants: {seller: Northlight Lamps Ltd, layout: [classic, modern, compact]}
  order_lines:
    per_parent: {of: orders, min: 1, max: 6}
    columns:
      id: {kind: key}
      order_id: {kind: reference, to: orders}
      item: {kind: choice, values: [Desk lamp, Office chair, "Notebook, 120 pages", Bulb of 8 W]}
      quantity: {kind: poisson, mean: 2, min: 1}
      unit_price: {kind: lognormal, median: 40, sigma: 0.6, min: 2, decimals: 2}
      tax_rate: {kind: choice, values: [19, 7]}
"""


def run(command: list[str], **options: Any) -> tuple[float, float]:
    """CPU seconds of a command, and its peak memory in MB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **options)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def generate(folder: Path, rows: int, workers: int = 1) -> list[str]:
    """The command that makes the invoices."""
    spec = folder.parent / f"shop-{rows}.yaml"
    spec.write_text(SPEC.replace("ROWS", str(rows)), encoding="utf-8")
    command = [sys.executable, "-m", "fabula", "generate", str(spec), "-o", str(folder)]
    return [*command, "--workers", str(workers), "--quiet"]


def files_of(folder: Path) -> dict[str, str]:
    """The hash of each file of the invoices."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "media").rglob("*"))
        if path.is_file()
    }


def killed(folder: Path, rows: int) -> int:
    """Make the invoices, kill at half, and go on; how many files were there at the kill."""
    process = subprocess.Popen(generate(folder, rows), stdout=subprocess.DEVNULL)
    made = 0
    while made < rows and process.poll() is None:  # a PDF and a PNG each
        time.sleep(0.2)
        made = sum(1 for path in folder.glob("media/orders/invoice/*/*") if path.name[0] != ".")
    process.send_signal(signal.SIGKILL)
    process.wait()
    run(generate(folder, rows))
    return made


def wrong_invoices(folder: Path) -> int:
    """Invoices whose PDF lacks a value, computed here from the rows alone."""
    data = fb.Dataset.open(folder)
    people = {row["id"]: row for row in data.to_dicts("customers")}
    lines = defaultdict(list)
    for line in data.to_dicts("order_lines"):
        lines[line["order_id"]].append(line)
    wrong = 0
    for row in data.to_dicts("orders"):
        wanted = expected(row, people[row["customer_id"]], lines[row["id"]])
        document = pypdfium2.PdfDocument(folder / row["invoice"])
        text = squeezed("".join(page.get_textpage().get_text_range() for page in document))
        document.close()
        wrong += not all(squeezed(value) in text for value in wanted)
    return wrong


def expected(row: dict[str, Any], person: dict[str, Any], lines: list[dict[str, Any]]) -> list[str]:
    """What an invoice must say."""
    day, language = row["ordered_on"], row["language"]
    dates = {"en": f"{day.day} {day:%b %Y}", "de": f"{day:%d.%m.%Y}", "fr": f"{day:%d/%m/%Y}"}
    found = [str(row["id"]), person["name"], *person["address"].split("\n"), dates[language]]
    net, bases = Decimal(0), defaultdict(Decimal)
    for line in lines:
        amount = cents(Decimal(str(line["unit_price"])) * line["quantity"])
        net += amount
        bases[line["tax_rate"]] += amount
        found += [line["item"], str(line["quantity"]), money(amount, language)]
        found.append(money(Decimal(str(line["unit_price"])), language))
    tax = sum((cents(base * rate / 100) for rate, base in bases.items()), Decimal(0))
    return [*found, money(net, language), money(net + tax, language)]


def cents(amount: Decimal) -> Decimal:
    """An amount of money, rounded."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def money(amount: Decimal, language: str) -> str:
    """An amount as people of a language write it, spaces aside."""
    text = f"{amount:,.2f}"
    if language == "en":
        return f"€{text}"
    thousands = "." if language == "de" else ""
    return text.translate({ord(","): thousands, ord("."): ","}) + "€"


def squeezed(text: str) -> str:
    """A text without spaces and hyphens at the ends of lines."""
    return "".join(text.split()).replace("\ufffe", "")


def peers(folder: Path, made: Path, rows: int) -> None:
    """The same invoices by other tools."""
    told = {
        "rows": fb.Dataset.open(made).to_dicts("orders"),
        "people": {row["id"]: row for row in fb.Dataset.open(made).to_dicts("customers")},
        "lines": fb.Dataset.open(made).to_dicts("order_lines"),
    }
    given = folder / "rows.json"
    given.write_text(json.dumps(told, default=str), encoding="utf-8")
    script = str(Path(__file__).with_name("media_peers.py"))
    for name in PEERS:
        try:
            python = python_of("media", "reportlab", "faker-file", "faker", "pillow", "pypdfium2")
            used, memory = run([python, script, name, str(given), str(folder / name)])
        except RuntimeError as error:
            print(f"{name:<20} {error}")
            continue
        count = len(list((folder / name).rglob("*.p[dn][fg]")))
        print(f"{name:<20} {used:8.1f} CPU s {memory:8.0f} MB  {count:,} files of {rows:,} rows")


def main(rows: int) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory(prefix="fabula-media-") as name:
        folder = Path(name)
        one = folder / "one"
        for count in (rows // 10, 3 * rows, rows):
            target = one if count == rows else folder / str(count)
            used, memory = run(generate(target, count))
            files = len(files_of(target))
            print(f"{f'fabula, {count:,}':<20} {used:8.1f} CPU s {memory:8.0f} MB  {files:,} files")
        peers(folder, one, rows)
        used, memory = run(generate(folder / "two", rows, 2))
        print(f"two workers          {used:8.1f} CPU s {memory:8.0f} MB")
        whole = files_of(one)
        print(f"the same bytes by two workers: {files_of(folder / 'two') == whole}")
        at = killed(folder / "killed", rows)
        same = files_of(folder / "killed") == whole
        print(f"killed at {at:,} files, continued: the same files and bytes: {same}")
        print(f"invoices whose text lacks a value: {wrong_invoices(one):,} of {rows:,}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000)
