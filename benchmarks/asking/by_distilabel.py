"""One-record rows through distilabel: `by_distilabel.py URL ROWS`."""

from __future__ import annotations

import time

START = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402

from distilabel.models import OpenAILLM  # noqa: E402
from distilabel.steps.tasks import TextGeneration  # noqa: E402

AT_ONCE = 64


def main(url: str, rows: int) -> None:
    """Ask for the rows and print what they cost."""
    task = TextGeneration(
        llm=OpenAILLM(model="bench", base_url=url, api_key="none"), input_batch_size=AT_ONCE
    )
    task.load()
    list(task.process([{"instruction": "Write text -1 as JSON."}]))
    first = time.perf_counter() - START
    asked = [{"instruction": f"Write text {number} as JSON."} for number in range(rows)]
    wall, cpu = time.perf_counter(), time.process_time()
    made = [
        row
        for start in range(0, rows, AT_ONCE)
        for batch in task.process(asked[start : start + AT_ONCE])
        for row in batch
    ]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert len(made) == rows
    print(json.dumps({"rate": rows / wall, "cpu": cpu * 1000 / rows, "start": first}))


main(sys.argv[1], int(sys.argv[2]))
