"""Many rows from an unreliable server, with the memory on the way: `endure.py URL ROWS`."""

from __future__ import annotations

import json
import resource
import sys

from pydantic import BaseModel, Field

import fabula as fb
from fabula.llm.rows.job import RowsResult
from fabula.spec.models import ModelSpec


class Line(BaseModel):
    """A line of text."""

    text: str = Field(max_length=80)


def main(url: str, rows: int) -> None:
    """Ask for the rows; print what came and the highest memory at each quarter, in MB."""
    peaks: dict[int, float] = {}
    told: list[RowsResult] = []

    def watch(done: int) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        peaks.setdefault(4 * done // rows, round(peak))

    made = fb.rows(
        Line,
        prompt="lines of text",
        n=rows,
        rows_per_call=4,
        model=ModelSpec(name="bench", base_url=url, concurrency=64),
        progress=watch,
        on_result=told.append,
    )
    result = told[0]
    print(
        json.dumps(
            {
                "rows": len(made),
                "distinct": len({line.text for line in made}),
                "calls of the last run": result.calls,
                "replies from the ledger": result.cached,
                "rejected": len(result.rejects),
                "peak MB by quarter": list(peaks.values()),
            }
        )
    )


main(sys.argv[1], int(sys.argv[2]))
