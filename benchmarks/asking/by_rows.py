"""Distinct rows of a class through `fb.rows`: `by_rows.py URL ROWS [ROWS_PER_CALL]`."""

from __future__ import annotations

import json
import sys
import time

from pydantic import BaseModel, Field

import fabula as fb
from fabula.llm.rows.job import RowsResult
from fabula.spec.models import ModelSpec


class Line(BaseModel):
    """A line of text."""

    text: str = Field(max_length=80)


def main(url: str, rows: int, per_call: int) -> None:
    """Ask for the rows and print what they cost."""
    model = ModelSpec(name="bench", base_url=url, concurrency=64)
    fb.rows(Line, prompt="warm up", n=64, rows_per_call=1, model=model)
    told: list[RowsResult] = []
    wall, cpu = time.perf_counter(), time.process_time()
    made = fb.rows(
        Line,
        prompt="lines of text",
        n=rows,
        rows_per_call=per_call,
        model=model,
        on_result=told.append,
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert len({line.text for line in made}) == rows
    usage = told[0].usage
    tokens = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
    figures = {"rate": rows / wall, "cpu": cpu * 1000 / rows}
    print(json.dumps({**figures, "calls": told[0].calls / rows, "tokens": tokens / rows}))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
