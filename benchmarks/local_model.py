"""Measures the embedded model: load, memory, tokens a second, and product names by prompt form.

    python benchmarks/local_model.py [--rows 30]

Usable names hold a word for something worn or carried; the list is short, so read the shares as
lower bounds. Differences below a fifth of the rows are noise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fabula.llm.client.chat import ChatRequest, Message, Sampling
from fabula.llm.providers.local import open_local
from fabula.llm.rows import RowField, RowsJob, RowsResult, ask_rows

WORN = re.compile(
    "dress|shirt|blouse|skirt|trouser|pant|jean|short|sock|shoe|boot|sneaker|sandal|slipper|heel|"
    "loafer|coat|jacket|blazer|cardigan|sweater|jumper|hoodie|vest|suit|tie|scarf|glove|hat|cap|"
    "beanie|belt|bag|tote|purse|wallet|backpack|clutch|necklace|earring|bracelet|ring|watch|robe|"
    "sunglass|shawl|pyjama|legging|underwear|bra|swimsuit|bikini|top|tee|kimono|poncho|jersey",
    re.I,
)
NAME = RowField("name", {"type": "string", "maxLength": 60}, "product name of a few words")
PRICE = RowField("price", {"type": "number", "minimum": 5, "maximum": 300})
SUBJECT = "Items sold by an online fashion store."
MAKERS = ("Aurora", "Fjord", "Mimosa", "Ellery", "Norrick", "Marlowe", "Tide")
CATEGORIES = ("dress", "shoes", "bag", "shirt", "coat", "scarf")
PROMPT = f"{SUBJECT}\n- Linen Wrap Dress\n- Canvas Low-Top Sneakers\n- Quilted Leather Tote\n-"


async def measure(rows: int) -> dict[str, Any]:
    """All figures of one run."""
    before = memory()
    started = time.perf_counter()
    model = open_local()
    await model.complete(request(1))
    figures: dict[str, Any] = {"load_s": round(time.perf_counter() - started, 2)}
    for name, at_once in (("one", 1), ("eight", 8)):
        figures[f"tokens_per_s_{name}"] = round(await speed(model, at_once), 1)
    known = [{"category": CATEGORIES[row % len(CATEGORIES)]} for row in range(rows)]
    for form, fields, given in (
        ("list", (NAME,), None),
        ("list, given", (NAME,), known),
        ("jsonl", (NAME, PRICE), None),
        ("jsonl, given", (NAME, PRICE), known),
    ):
        figures[form] = await names(model, RowsJob(SUBJECT, fields, rows, given=given))
    figures["text"] = await blurbs(model, rows)
    model.form = "chat"
    figures["chat"] = await names(model, RowsJob(SUBJECT, (NAME,), rows, rows_per_call=1))
    figures["memory_mb"] = memory() - before
    await model.close()
    return figures


async def names(model: Any, job: RowsJob) -> dict[str, Any]:
    """How good the names of a job are, and what they cost."""
    started = time.process_time()
    result = await ask_rows(model, job)
    cpu = time.process_time() - started
    return {**quality(result), "calls": result.calls, "rows_per_cpu_s": round(job.n / cpu, 2)}


async def blurbs(model: Any, rows: int) -> dict[str, Any]:
    """One sentence a product: how many there are, and how many name what they sell."""
    sold = [(CATEGORIES[row % len(CATEGORIES)], MAKERS[row % len(MAKERS)]) for row in range(rows)]
    prompts = [f"One sentence that sells a {what} named {name}." for what, name in sold]
    blurb = RowField("blurb", {"type": "string"})
    job = RowsJob("", (blurb,), rows, text=True, prompts=prompts)
    result = await ask_rows(model, job)
    made = [(row["blurb"], *sold[place]) for place, row in enumerate(result.rows) if row]
    naming = [text for text, what, name in made if name in text or what.rstrip("s") in text.lower()]
    return {"valid": len(made), "naming": len(naming), "calls": result.calls}


def quality(result: RowsResult) -> dict[str, Any]:
    """Rows that are valid, distinct and usable."""
    made = [str(row["name"]) for row in result.rows if row is not None]
    distinct = {name.casefold() for name in made}
    usable = [name for name in distinct if WORN.search(name)]
    return {"valid": len(made), "distinct": len(distinct), "usable": len(usable)}


async def speed(model: Any, at_once: int) -> float:
    """Tokens generated a second, with that many calls at once."""
    started = time.perf_counter()
    replies = await asyncio.gather(*(model.complete(request(48)) for _ in range(at_once)))
    tokens: Sequence[int] = [reply.usage.completion_tokens for reply in replies]
    return sum(tokens) / (time.perf_counter() - started)


def request(tokens: int) -> ChatRequest:
    return ChatRequest((Message("user", PROMPT),), sampling=Sampling(max_tokens=tokens))


def memory() -> int:
    """Resident memory of this process in megabytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=30)
    figures = asyncio.run(measure(parser.parse_args().rows))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
