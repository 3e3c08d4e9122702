"""Rows through `ask_rows`, each with its own prompt, ledger and validation on: `… URL ROWS`."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import RowField, RowsJob
from fabula.llm.session import models_of_run
from fabula.spec.models import ModelSpec

AT_ONCE = 64
FIELD = RowField("text", {"type": "string", "maxLength": 80}, "a line of text")


def job(rows: int, start: int) -> RowsJob:
    """That many rows with a prompt each."""
    prompts = [f"Write text {number}." for number in range(start, start + rows)]
    return RowsJob("lines of text", (FIELD,), rows, prompts=prompts)


async def main(url: str, rows: int) -> None:
    """Ask for the rows and print what they cost."""
    with models_of_run() as open_model:
        model = open_model(ModelSpec(name="bench", base_url=url, concurrency=AT_ONCE))
        await ask_rows(model, job(AT_ONCE, -AT_ONCE))
        wall, cpu = time.perf_counter(), time.process_time()
        result = await ask_rows(model, job(rows, 0))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        await model.close()
    assert all(result.rows)
    print(json.dumps({"rate": rows / wall, "cpu": cpu * 1000 / rows}))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
