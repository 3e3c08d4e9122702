"""Real customers, files without a trace of them, and forty ways in which a value gets into one."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import json
import quopri
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
from pyarrow import ipc, orc

from fabula.fakers.people import People
from fabula.pii.check_digits import with_card_check
from fabula.streams import stream

ROWS = 150
FIELDS = ("first_name", "last_name", "email", "phone", "street", "birth_date")
VICTIM = 7
"""The row of the person whose values get out."""

NAME, FIRST, LAST = "Jürgen Osterkamp", "Jürgen", "Osterkamp"
EMAIL, PHONE, BORN = "j.osterkamp71@web.example", "+49 6221 4471905", "1971-03-28"
STREET, CARD = "Ahornweg 114", "4539 1488 0343 6467"


def real() -> pa.Table:
    """Customers, one of whom is the victim."""
    people = _people(1)
    table = pa.table(
        {
            "customer_id": pa.array(range(1, ROWS + 1)),
            "name": _with(_names(people), NAME),
            "email": _with(people["email"], EMAIL),
            "phone": _with(people["phone"], PHONE),
            "street": _with(people["street"], STREET),
            "born": _with(people["birth_date"].cast(pa.string()), BORN),
            "card": _with(pa.array([_card(n) for n in range(ROWS)]), CARD),
            "segment": pa.array(["gold", "silver", "new"] * (ROWS // 3)),
        }
    )
    names = table["name"].to_pylist()
    return table.append_column(
        "note",
        pa.array([f"{name} called about a late parcel and asked for help" for name in names]),
    )


@lru_cache
def clean(seed: int = 2) -> pa.Table:
    """The same customers as other people, none of whom is a real one."""
    people, taken = _people(seed), set(real()["name"].to_pylist())
    spare = [n for n in _names(_people(seed + 1000)).to_pylist() if n not in taken]
    names = pa.array([n if n not in taken else spare.pop() for n in _names(people).to_pylist()])
    users = [f"user{seed}x{n}@mail.example" for n in range(ROWS)]
    return pa.table(
        {
            "customer_id": pa.array(range(1, ROWS + 1)),
            "name": names,
            "email": pa.array(users),
            "phone": pa.array([f"+1 202 555 {seed * 7 % 10}{n:03}" for n in range(ROWS)]),
            "street": pa.array([f"{n + 400} Meadow {seed}. Lane" for n in range(ROWS)]),
            "born": people["birth_date"].cast(pa.string()),
            "card": pa.array([f"9{seed:03}{n:012}" for n in range(ROWS)]),
            "segment": pa.array(["gold", "silver", "new"] * (ROWS // 3)),
            "note": pa.array(
                [f"Called on Monday about order {n * 37}, sent help" for n in range(ROWS)]
            ),
        }
    )


def _people(seed: int) -> dict[str, pa.Array]:
    drawn = People("en").draw(lambda name: stream(seed, "people", name, 0), ROWS, list(FIELDS))
    return dict(drawn)


def _names(people: Mapping[str, pa.Array]) -> pa.Array:
    pairs = zip(people["first_name"].to_pylist(), people["last_name"].to_pylist(), strict=True)
    return pa.array([f"{first} {last}" for first, last in pairs])


def _with(values: pa.Array, own: str) -> pa.Array:
    texts = values.to_pylist()
    texts[VICTIM] = own
    return pa.array(texts)


def _card(number: int) -> str:
    rng = np.random.default_rng(number)
    return with_card_check("4" + "".join(map(str, rng.integers(0, 10, 15))))


def write_clean(folder: Path, seed: int = 2) -> pa.Table:
    """A folder with the clean customers and what a run leaves around them."""
    folder.mkdir(parents=True, exist_ok=True)
    table = clean(seed)
    pc_csv.write_csv(table, folder / "customers.csv")
    (folder / "run.log").write_text("2026-11-29 12:00:01 masked 300 rows, Will continue\n" * 20)
    return table


def text(name: str, content: str | bytes) -> Callable[[Path], None]:
    """A file with one text."""

    def write(folder: Path) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(b"first line\n" + data + b"\nlast line\n")

    return write


def cell(column: str, value: str, row: int = 90) -> Callable[[Path], None]:
    """A value in a cell of the customers, as CSV."""

    def write(folder: Path) -> None:
        table = clean()
        texts = table[column].to_pylist()
        texts[row] = value
        at = table.column_names.index(column)
        pc_csv.write_csv(table.set_column(at, column, pa.array(texts)), folder / "customers.csv")

    return write


def parquet(column: str, value: str, **options: object) -> Callable[[Path], None]:
    """The same, as Parquet."""

    def write(folder: Path) -> None:
        (folder / "customers.csv").unlink()
        table = clean()
        texts = table[column].to_pylist()
        texts[90] = value
        at = table.column_names.index(column)
        pq.write_table(
            table.set_column(at, column, pa.array(texts)), folder / "customers.parquet", **options
        )

    return write


def _unused_entry(folder: Path) -> None:
    (folder / "customers.csv").unlink()
    names = clean()["name"].to_pylist()
    values = pa.DictionaryArray.from_arrays(
        pa.array(range(ROWS), pa.int32()), pa.array([*names, NAME])
    )
    pq.write_table(pa.table({"name": values}), folder / "customers.parquet")


def _metadata(folder: Path) -> None:
    table = clean().replace_schema_metadata({"made from": EMAIL})
    pq.write_table(table, folder / "copy.parquet")


def _date_statistics(folder: Path) -> None:
    days = pa.array([19_000 + n for n in range(ROWS)], pa.int32()).cast(pa.date32())
    table = pa.table(
        {
            "name": clean()["name"],
            "card": pa.array([int(CARD.replace(" ", ""))] * ROWS),
            "day": days,
        }
    )
    pq.write_table(table, folder / "copy.parquet", use_dictionary=False)


def _schema(folder: Path) -> None:
    field = pa.field("n", pa.int64(), metadata={"made from": NAME})
    pq.write_table(pa.table([pa.array([1])], schema=pa.schema([field])), folder / "copy.parquet")


def _orc(folder: Path) -> None:
    orc.write_table(pa.table({"who": [NAME] * 40}), folder / "copy.orc", compression="zlib")


def _tar(folder: Path) -> None:
    (folder / "notes.txt").write_text(f"from {EMAIL}\n" * 9)
    with tarfile.open(folder / "all.tar.gz", "w:gz") as archive:
        archive.add(folder / "notes.txt", "notes.txt")
    (folder / "notes.txt").unlink()


def _pdf(folder: Path) -> None:
    packed = zlib.compress(f"BT ({EMAIL}) Tj ET".encode())
    (folder / "a.pdf").write_bytes(b"%PDF-1.4 stream\n" + packed + b"\nendstream")


def _arrow(folder: Path) -> None:
    table = pa.table({"who": pa.array([NAME] * 40)})
    options = ipc.IpcWriteOptions(compression="zstd")
    with ipc.new_file(folder / "copy.arrow", table.schema, options=options) as writer:
        writer.write_table(table)


def _zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", f"from {EMAIL}\n" * 9)


def _nested_zip(folder: Path) -> None:
    inner = gzip.compress(f"from {EMAIL}\n".encode() * 9)
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("notes.txt.gz", inner)


def _b64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


_LONG = "x" * 50 + f" {NAME} " + "y" * 80

LEAKS: Mapping[str, Callable[[Path], None]] = {
    "whole name in a cell": cell("segment", NAME),
    "turned name": cell("segment", f"{LAST}, {FIRST}"),
    "capitals": cell("note", f"SPOKE TO {NAME.upper()} AGAIN"),
    "small letters": cell("note", f"spoke to {NAME.lower()} again"),
    "joined": text("a.txt", f"user {FIRST}{LAST}"),
    "underscores": text("a.txt", f"user {FIRST}_{LAST}.png"),
    "without accents": text("a.txt", "Jurgen Osterkamp"),
    "accents apart": text("a.txt", unicodedata.normalize("NFD", NAME)),
    "look-alikes": text("a.txt", NAME.translate(str.maketrans("eoap", "еоар"))),
    "zero-width": text("a.txt", "Jür\u200bgen Oster\u2060kamp"),
    "full width": text("a.txt", "".join(chr(ord(c) + 0xFEE0) for c in EMAIL)),
    "backwards": text("a.txt", NAME[::-1]),
    "URL-encoded": text("a.log", f"GET /find?q={quote(NAME)}&page=2"),
    "URL-encoded e-mail": text("a.log", f"GET /u/{quote(EMAIL, safe='')}"),
    "base64": text("a.log", f"token={_b64(NAME)};"),
    "base64 within more": text("a.log", f"blob {_b64(_LONG)}"),
    "base64 in lines": text("a.eml", base64.encodebytes(_LONG.encode())),
    "base64 of base64": text("a.log", _b64(f"q={_b64(EMAIL)}")),
    "hexadecimal": text("a.log", EMAIL.encode().hex()),
    "JSON-escaped": text("a.jsonl", json.dumps({"prompt": f"Write about {NAME}"})),
    "Python-escaped": text("a.log", repr(NAME.encode())),
    "HTML-escaped": text("a.html", f"<td>{NAME.replace('ü', '&uuml;')}</td>"),
    "quoted-printable": text("a.eml", quopri.encodestring(NAME.encode())),
    "Latin-1": text("a.txt", NAME.encode("latin-1")),
    "UTF-16 file": lambda folder: text_file(folder / "a.txt", f"x {NAME}\r\n".encode("utf-16")),
    "UTF-16 within bytes": text("a.bin", b"\x00\x01\x02" + EMAIL.encode("utf-16-le") + b"\x00\x07"),
    "gzip": lambda folder: text_file(folder / "a.log.gz", gzip.compress(f"to {EMAIL}\n".encode())),
    "zip": _zip,
    "gzip in zip": _nested_zip,
    "Parquet page": parquet("segment", NAME, compression="zstd"),
    "Parquet dictionary": _unused_entry,
    "Parquet statistics": _date_statistics,
    "Parquet metadata": _metadata,
    "Arrow, compressed": _arrow,
    "Parquet schema": _schema,
    "ORC": _orc,
    "tar": _tar,
    "deflated stream": _pdf,
    "packed and in base64": text("a.log", base64.b64encode(gzip.compress(f"{EMAIL} x".encode()))),
    "base32": text("a.log", base64.b32encode(EMAIL.encode())),
    "uuencoded": text("a.eml", b"begin 644 x\n" + binascii.b2a_uu(EMAIL.encode()) + b"`\nend"),
    "hexadecimal dump": text("a.log", EMAIL.encode().hex(" ")),
    "octal escapes": text("a.log", "J\\303\\274rgen Osterkamp"),
    "UTF-7": text("a.log", NAME.encode("utf-7")),
    "between tags": text("a.html", "J<b>ü</b>rgen <i>Oster</i>kamp"),
    "letter by letter": text("a.txt", "J ü r g e n   O s t e r k a m p"),
    "Mac": text("a.txt", NAME.encode("mac-roman")),
    "DOS": text("a.txt", NAME.encode("cp437")),
    "hash without a key": cell("segment", hashlib.sha256(EMAIL.encode()).hexdigest()[:12]),
    "hidden temporary file": text(".customers.csv.tmp", f"8,{NAME},gold"),
    "file name": text("Juergen_Osterkamp_Jürgen-Osterkamp.txt", "nothing"),
    "phone without punctuation": text("a.log", "call 4962214471905 now"),
    "phone in national form": text("a.log", "call 06221/447 19 05"),
    "last seven digits": text("a.log", "call 4471905 now"),
    "card in other groups": text("a.log", "paid with 4539-1488-0343-6467."),
    "birth date spelled": text("a.log", "born on 28. März 1971"),
    "birth date turned": text("a.log", "born on 03/28/1971"),
    "street": cell("segment", "AHORNWEG  114"),
    "local part of the e-mail": cell("segment", "j.osterkamp71"),
    "surname in its own row": cell("note", f"Spoke to Mr {LAST} again", VICTIM),
    "misspelt in its own row": cell("note", "Spoke to Mr Osterkmap again", VICTIM),
    "birth date in its own row": cell("note", "turned fifty on 28.3.2021, born 28.3.1971", VICTIM),
    "two names in two cells": text("a.csv", f"{FIRST},gold,12,{LAST}"),
    "traceback": text("a.err", f"KeyError: '{EMAIL}'"),
}


def text_file(path: Path, data: bytes) -> None:
    """A file of these bytes."""
    path.write_bytes(data)
