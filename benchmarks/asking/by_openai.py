"""1,000 rows through OpenAI's own client: `by_openai.py URL ROWS`."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from openai import AsyncOpenAI

AT_ONCE = 64


async def main(url: str, rows: int) -> None:
    """Ask for the rows and print what they cost."""
    client = AsyncOpenAI(base_url=url, api_key="none")

    async def ask(number: int) -> str:
        reply = await client.chat.completions.create(
            model="bench", messages=[{"role": "user", "content": f"Write text {number} as JSON."}]
        )
        return json.loads(reply.choices[0].message.content)["text"]

    await asyncio.gather(*(ask(-1 - n) for n in range(AT_ONCE)))
    numbers = iter(range(rows))

    async def work() -> None:
        for number in numbers:
            await ask(number)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"rate": rows / wall, "cpu": cpu * 1000 / rows}))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
