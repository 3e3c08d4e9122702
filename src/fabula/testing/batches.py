"""OpenAI's files and batches and Anthropic's batches, served by the scripted server."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

AnswerOne = Callable[[str, dict[str, Any]], Awaitable[tuple[int, str]]]
_QUEUE_FULL = {
    "code": "token_limit_exceeded",
    "message": "Enqueued token limit reached for m. Limit: 90,000 enqueued tokens. "
    "Please try again once some in_progress batches have been completed.",
}


class BatchDesk:
    """Takes files, works batches off line by line, gives the results as files.

    Args:
        answer: Answers one request, by its path and body, with a status and a body.
        most: Requests that may be queued at once; a batch of more fails.
        cut: Whether files of results end in the middle of their last line.
    """

    def __init__(self, answer: AnswerOne, *, most: int | None = None, cut: bool = False) -> None:
        self._answer = answer
        self._most = most
        self._cut = cut
        self._files: dict[str, str] = {}
        self._batches: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[web.RouteDef]:
        """The routes to serve."""
        return [
            web.post("/v1/files", self._upload),
            web.get("/v1/files/{id}/content", self._download),
            web.post("/v1/batches", self._start),
            web.get("/v1/batches/{id}", self._look),
            web.post("/v1/messages/batches", self._start_messages),
            web.get("/v1/messages/batches/{id}", self._look_at_messages),
            web.get("/v1/messages/batches/{id}/results", self._download),
        ]

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        text = file.file.read().decode() if isinstance(file, web.FileField) else str(file)
        return web.json_response(self._keep(text))

    async def _download(self, request: web.Request) -> web.Response:
        text = self._files.get(request.match_info["id"])
        if text is None:
            return web.json_response({"error": {"message": "no such file"}}, status=404)
        return web.Response(text=text)

    async def _start(self, request: web.Request) -> web.Response:
        asked = await request.json()
        batch = {
            "id": f"batch_{len(self._batches) + 1}",
            "object": "batch",
            "status": "validating",
            "input_file_id": asked["input_file_id"],
            "output_file_id": None,
            "error_file_id": None,
            "metadata": asked.get("metadata"),
        }
        self._batches[batch["id"]] = batch
        lines = self._files[batch["input_file_id"]].splitlines()
        if self._most is not None and len(lines) > self._most:
            batch |= {"status": "failed", "errors": {"object": "list", "data": [_QUEUE_FULL]}}
        return web.json_response(batch)

    async def _start_messages(self, request: web.Request) -> web.Response:
        asked = (await request.json())["requests"]
        results = []
        for each in reversed(asked):
            status, body = await self._answer("/v1/messages", each["params"])
            outcome = {"type": "succeeded", "message": json.loads(body)}
            if status != 200:
                outcome = {"type": "errored", "error": json.loads(body)}
            results.append(json.dumps({"custom_id": each["custom_id"], "result": outcome}))
        name = f"msgbatch_{len(self._batches) + 1}"
        self._files[name] = self._lines(results)
        self._batches[name] = {"id": name, "processing_status": "in_progress"}
        return web.json_response(self._batches[name])

    async def _look_at_messages(self, request: web.Request) -> web.Response:
        """A batch is over when it is looked at."""
        batch = self._batches[request.match_info["id"]]
        return web.json_response({**batch, "processing_status": "ended"})

    def _lines(self, results: list[str]) -> str:
        text = "\n".join(results)
        return text[:-20] if self._cut else text

    async def _look(self, request: web.Request) -> web.Response:
        """A batch continues by one state each time it is looked at."""
        batch = self._batches.get(request.match_info["id"])
        if batch is None:
            return web.json_response({"error": {"message": "no such batch"}}, status=404)
        if batch["status"] == "validating":
            batch["status"] = "in_progress"
        elif batch["status"] == "in_progress":
            await self._work_off(batch)
            batch["status"] = "completed"
        return web.json_response(batch)

    async def _work_off(self, batch: dict[str, Any]) -> None:
        good: list[str] = []
        bad: list[str] = []
        # Results come in another order than requests; the custom id tells which is which.
        for line in reversed(self._files[batch["input_file_id"]].splitlines()):
            asked = json.loads(line)
            status, body = await self._answer("/v1/chat/completions", asked["body"])
            response = {"status_code": status, "body": json.loads(body)}
            result = {"custom_id": asked["custom_id"], "response": response, "error": None}
            (good if status == 200 else bad).append(json.dumps(result, ensure_ascii=False))
        if good:
            batch["output_file_id"] = self._keep(self._lines(good))["id"]
        if bad:
            batch["error_file_id"] = self._keep("\n".join(bad))["id"]

    def _keep(self, text: str) -> dict[str, Any]:
        name = f"file-{len(self._files) + 1}"
        self._files[name] = text
        return {"id": name, "object": "file", "bytes": len(text)}
