"""Speed, uniqueness and attacks of masking; `python -m benchmarks.masking [ROWS] [PART…]`.

The parts are `speeds`, `uniqueness`, `memory` and `attacks`; without one, all are run. Printed are
rows per CPU second beside Faker, and what an attacker gets out of frequencies, dictionaries,
lengths, weekdays and orders, each with its 95 % interval beside chance.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

import fabula as fb
from benchmarks.masking_attacks import (
    dictionary_attack,
    frequency_attack,
    length_attack,
    order_attack,
    weekday_attack,
)
from fabula.fakers.people import People
from fabula.privacy.mask import run, write
from fabula.privacy.preparing import prepare
from fabula.privacy.release.attacks import Attack
from fabula.privacy.secret import new_key
from fabula.streams import stream


def people(rows: int) -> pa.Table:
    """Customers with name, e-mail, phone, street and key."""
    drawn = People("en").draw(lambda name: stream(3, "real", name, 0), rows, ["name", "street"])
    numbers = pa.array(np.arange(rows))
    rng = np.random.default_rng(1)
    texts = numbers.cast(pa.string())
    return pa.table(
        {
            "customer_id": numbers,
            "name": drawn["name"],
            "email": pa.compute.binary_join_element_wise("user", texts, "@mail.test", ""),
            "phone": pa.compute.binary_join_element_wise(
                "+44 20", pa.array(rng.integers(10**7, 10**8, rows)).cast(pa.string()), " "
            ),
            "street": drawn["street"],
            "spent": pa.array(rng.random(rows)),
        }
    )


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def speeds(rows: int, folder: Path, key: Path) -> None:
    """Rows per CPU second in memory, from CSV to CSV, and with Faker."""
    table = people(rows)
    masking = prepare(table, key_file=key)
    run(prepare(table.slice(0, 1000), key_file=key))  # word lists are loaded
    print(f"columns in memory   {rows / cpu(lambda: run(masking)):12,.0f} rows/s")
    source = folder / "people.csv"
    pyarrow.csv.write_csv(table, source)
    files = prepare([source], key_file=key)
    print(
        f"CSV to CSV          {rows / cpu(lambda: write(files, folder / 'out.csv')):12,.0f} rows/s"
    )
    note = pa.compute.binary_join_element_wise(
        "Called", table["name"], "about the late parcel, who asks to be reached by phone"
        " or later by letter at the office in town.", " ",
    )  # fmt: skip
    noted = folder / "noted.csv"
    pyarrow.csv.write_csv(table.append_column("note", note), noted)
    notes = prepare([noted], key_file=key, columns={"note": "notes: confirmed"})
    spent = cpu(lambda: write(notes, folder / "noted-out.csv"))
    print(f"with a note         {rows / spent:12,.0f} rows/s")
    print(
        f"peak memory         {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:12,.0f} MB"
    )
    try:
        from faker import Faker
    except ImportError:
        return
    fake = Faker()
    few = 2_000
    spent = cpu(
        lambda: [(fake.name(), fake.email(), fake.phone_number(), fake.street_address())
                 for _ in range(few)]
    )  # fmt: skip
    print(f"Faker, 4 details    {few / spent:12,.0f} rows/s")


def uniqueness(rows: int, key: Path) -> None:
    """Collisions among unique keys, e-mails and phones."""
    table = people(rows)
    columns = ["customer_id", "email", "phone"]
    masked = run(prepare(table.select(columns), key_file=key)).table
    for name in columns:
        lost = len(pa.compute.unique(table[name])) - len(pa.compute.unique(masked[name]))
        print(f"collisions {name:<12} {lost:8,} of {rows:,}")


def attacks(key: Path) -> None:
    """Frequencies of last names, weekdays of dates, and the order of keys."""
    rng = np.random.default_rng(5)
    rows, names = 100_000, 2_000
    shares = (np.arange(names) + 3.0) ** -0.9
    drawn = rng.choice(names, rows, p=shares / shares.sum())
    words = np.array([f"Name{at}" for at in range(names)])
    table = pa.table({"customer_id": np.arange(rows), "surname": words[drawn]})
    actions = {"surname": "replace: last_name", "customer_id": "replace: key"}
    new = fb.mask(table, person="customer_id", columns=actions, key_file=key).table
    _told("frequency attack", frequency_attack(table["surname"], new["surname"]))
    order = order_attack(table["customer_id"].to_pylist(), new["customer_id"].to_pylist())
    _told("order of keys", order)
    table = people(rows)
    new = fb.mask(table, person="customer_id", key_file=key).table
    for column in ("name", "email", "phone", "street"):
        old, masked = table[column].to_pylist(), new[column].to_pylist()
        _told(f"dictionary, {column}", dictionary_attack(old, masked, old))
        _told(f"length of {column}", length_attack(old, masked))
        _told(f"order of {column}", order_attack(old, masked))
    visits = 30
    persons = np.repeat(np.arange(3_000), visits)
    days = np.datetime64("2023-01-02") + rng.integers(0, 150, len(persons)) * 7
    days = days + rng.integers(0, 6, len(persons))  # closed on Sundays
    dates = pa.table({"patient_id": persons, "seen": days.astype("datetime64[D]")})
    moved = fb.mask(
        dates, person="patient_id", columns={"seen": "shift", "patient_id": "replace: key"},
        key_file=key,
    ).table  # fmt: skip
    dates, before = (each.astype("datetime64[D]").astype(np.int64)
                     for each in (np.asarray(moved["seen"]), days))  # fmt: skip
    shifts = (dates - before)[::visits]
    profile = np.bincount(before % 7, minlength=7).tolist()
    _told("weekdays", weekday_attack(persons, dates, shifts, possible=np.unique(shifts).tolist(),
                                     profile=profile))  # fmt: skip


def _told(what: str, found: Attack) -> None:
    print(f"{what:<20} {found.success:8.4f} ({found.low:.4f} to {found.high:.4f}),"
          f" chance {found.baseline:.4f}")  # fmt: skip


def memory(rows: int, folder: Path, key: Path) -> None:
    """The largest memory of masking a CSV file of a tenth of the rows, and of all."""
    for size in (rows // 10, rows):
        source = folder / f"{size}.csv"
        with pyarrow.csv.CSVWriter(source, people(1).schema) as writer:
            for start in range(0, size, 100_000):
                block = people(min(100_000, size - start))
                shifted = pa.compute.add(block["customer_id"], start)
                writer.write(block.set_column(0, "customer_id", shifted))
        work = (
            "import resource, sys, fabula as fb; fb.mask(sys.argv[1], output=sys.argv[2],"
            " key_file=sys.argv[3]); used = resource.getrusage(resource.RUSAGE_SELF);"
            " print(used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)"
        )
        output = folder / f"{size}-out.csv"
        command = [sys.executable, "-c", work, str(source), str(output), str(key)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peak, spent = map(float, done.stdout.split()[-2:])
        print(f"memory of {size:10,} rows {peak:8,.0f} MB, {spent:,.0f} CPU s")


def main() -> None:
    """Some parts, or everything, on a fresh key."""
    named = [each for each in sys.argv[1:] if not each.isdigit()]
    rows = next((int(each) for each in sys.argv[1:] if each.isdigit()), 500_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = folder / "key"
        new_key(key)
        parts: dict[str, Callable[[], None]] = {
            "speeds": lambda: speeds(rows, folder, key),
            "uniqueness": lambda: uniqueness(rows, key),
            "memory": lambda: memory(rows, folder, key),
            "attacks": lambda: attacks(key),
        }
        for part in named or parts:
            parts[part]()


if __name__ == "__main__":
    main()
