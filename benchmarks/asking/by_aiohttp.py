"""1,000 rows through an aiohttp session and nothing else: `by_aiohttp.py URL ROWS`."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import aiohttp

AT_ONCE = 64


async def main(url: str, rows: int) -> None:
    """Ask for the rows and print what they cost."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(number: int) -> str:
            messages = [{"role": "user", "content": f"Write text {number} as JSON."}]
            body = {"model": "bench", "messages": messages}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                reply = await response.json()
                return json.loads(reply["choices"][0]["message"]["content"])["text"]

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
