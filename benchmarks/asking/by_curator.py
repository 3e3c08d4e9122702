"""One-record rows through Bespoke Curator: `by_curator.py URL ROWS`."""

from __future__ import annotations

import time

START = time.perf_counter()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402

os.environ["TELEMETRY_ENABLED"] = "0"
os.environ.setdefault("OPENAI_API_KEY", "none")

from bespokelabs import curator  # noqa: E402
from pydantic import BaseModel  # noqa: E402


class Line(BaseModel):
    """A line of text."""

    text: str


class Lines(curator.LLM):
    """Asks for one line a row."""

    response_format = Line

    def prompt(self, row: dict[str, int]) -> str:
        """What a row is asked."""
        return f"Write text {row['number']} as JSON."

    def parse(self, row: dict[str, int], reply: Line) -> dict[str, object]:
        """A row with its reply."""
        return {"number": row["number"], "text": reply.text}


def main(url: str, rows: int) -> None:
    """Ask for the rows and print what they cost."""
    lines = Lines(
        model_name="openai/bench",
        backend="litellm",
        backend_params={
            "base_url": url,
            "max_requests_per_minute": 1_000_000,
            "max_tokens_per_minute": 1_000_000_000,
            "max_concurrent_requests": 64,
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        lines([{"number": -1}], working_dir=folder)
        first = time.perf_counter() - START
        asked = [{"number": number} for number in range(rows)]
        wall, cpu = time.perf_counter(), time.process_time()
        made = lines(asked, working_dir=folder)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert len(getattr(made, "dataset", made)) == rows
    print(json.dumps({"rate": rows / wall, "cpu": cpu * 1000 / rows, "start": first}))


main(sys.argv[1], int(sys.argv[2]))
