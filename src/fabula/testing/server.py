"""A scripted OpenAI-compatible server over real HTTP, for tests without a model or a key.

::

    with ChatServer(["first answer", rate_limited(retry_after=1), says({"name": "Ada"})]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        ...
    assert "Ada" in server.calls[-1].prompt

Answers are always the same (a text or `Reply`), taken in order (a sequence), found by words in the
prompt (a mapping) or given by a function of the `Call`. Where the script has nothing to say, the
server makes an answer that fits the request's schema, the same one each time. Embeddings are made
up too, and only a function may answer otherwise. Pictures, Gemini's own included, and
speech are of `Reply.content`, else made up. An error in such a function is raised where the
`with` ends.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import Any

from aiohttp import web

from fabula.llm.client.capabilities import forget_habits
from fabula.llm.client.chat import ChatRequest, Message
from fabula.testing.batches import BatchDesk
from fabula.testing.calls import Call
from fabula.testing.envelopes import envelope, sent
from fabula.testing.fake.model import fake_reply
from fabula.testing.media import clip
from fabula.testing.replies import Reply, failed, says

Answer = str | Reply | Mapping[str, Any] | Sequence[Any]
Script = str | Reply | Sequence[Answer] | Mapping[str, Answer] | Callable[[Call], Answer | None]


class ChatServer:
    """The server; runs in a thread between `with` and its end.

    Args:
        script: What to answer; see the module's page.
        latency: Seconds before each answer.
        refuse: Modes that get HTTP 400: `json_schema`, `tools`, `json_object`.
        refuse_parameters: Request fields that get HTTP 400, such as `temperature`.
        places: Requests that are served at once; more get HTTP 429.
        key: The key that requests must bear; others get HTTP 401.
        models: Models that `/v1/models` lists; when given, others get HTTP 404.
        tls: Serves HTTPS with this context.
        most_queued: Requests that batches may hold at once; a batch of more fails.
        cut_results: Whether files of results end in the middle of their last line.

    Attributes:
        calls: Every chat and embedding request, in order of arrival.
        most_open: The most requests that were open at once.
    """

    def __init__(
        self,
        script: Script = (),
        *,
        latency: float = 0.0,
        refuse: Collection[str] = (),
        refuse_parameters: Collection[str] = (),
        places: int | None = None,
        key: str | None = None,
        models: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        most_queued: int | None = None,
        cut_results: bool = False,
    ) -> None:
        self.calls: list[Call] = []
        self.most_open = 0
        self._script = script
        self._in_order = iter(script) if isinstance(script, Sequence) else iter(())
        self._latency = latency
        self._refuse = frozenset(refuse)
        self._refuse_parameters = frozenset(refuse_parameters)
        self._places = places
        self._key = key
        self._models = tuple(models)
        self._tls = tls
        self._desk = BatchDesk(self._answer_batched, most=most_queued, cut=cut_results)
        self._clips: dict[str, bytes] = {}
        self._begun: set[str] = set()
        self._open = 0
        self._mistakes: list[Exception] = []
        self._transports: set[asyncio.Transport] = set()
        self._port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="chat-server", daemon=True
        )

    @property
    def root(self) -> str:
        """The server's address without a path."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The base URL of the OpenAI-compatible API."""
        return f"{self.root}/v1"

    def __enter__(self) -> ChatServer:
        self._thread.start()
        self._ready.wait()
        forget_habits(self.url)  # another server may have had this port
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        if self._mistakes and error is None:
            raise self._mistakes[0]

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=256 * 2**20)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._answer),
                web.post("/v1/messages", self._answer),
                web.post("/v1/embeddings", self._answer),
                web.post("/v1/images/generations", self._answer),
                web.post("/v1/audio/speech", self._answer),
                web.post("/v1/videos", self._answer),
                web.get("/v1/videos/{asked}", self._tell_of_clip),
                web.get("/v1/videos/{asked}/content", self._send_clip),
                web.post("/v1beta/models/{asked}", self._answer),
                web.post("/v1beta/openai/images/generations", self._answer),
                web.get("/v1/models", self._list_models),
                *self._desk.routes(),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self._port = runner.addresses[0][1]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()
        # A TLS connection closes only when the client answers; the client may be waiting for us.
        for transport in self._transports:
            transport.abort()
        await asyncio.sleep(0)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self._open += 1
        full = self._places is not None and self._open > self._places
        self.most_open = max(self.most_open, self._open)
        if self._tls and request.transport:
            self._transports.add(request.transport)
        try:
            body = await _json_object(request)
            if body is None:
                return web.Response(status=400, text='{"error": "the body is not a JSON object"}')
            call = Call(len(self.calls) + 1, request.path, body, request.headers)
            self.calls.append(call)
            reply = failed(429, "too many requests at once") if full else self._reply(call)
            await asyncio.sleep(self._latency + reply.delay)
            if reply.reset and request.transport:
                request.transport.abort()
            if call.path == "/v1/videos" and reply.status == 200:
                content = clip(call) if reply.content is None else reply.content
                self._clips[f"video-{call.number}"] = content
            text = sent(call, reply)
            response = web.Response(status=reply.status, headers=reply.headers, body=text)
            response.headers.setdefault("Content-Type", "application/json; charset=utf-8")
            return response
        finally:
            self._open -= 1

    async def _answer_batched(self, path: str, body: dict[str, Any]) -> tuple[int, str]:
        call = Call(len(self.calls) + 1, path, body, {}, batched=True)
        self.calls.append(call)
        reply = self._reply(call)
        return reply.status, envelope(call, reply)

    async def _tell_of_clip(self, request: web.Request) -> web.Response:
        """How far a clip is: done when it is asked about for the second time."""
        asked = request.match_info["asked"]
        if asked not in self._clips:
            return web.json_response({"error": {"message": f"no video `{asked}`"}}, status=404)
        state = "completed" if asked in self._begun else "in_progress"
        self._begun.add(asked)
        return web.json_response({"id": asked, "status": state, "error": None})

    async def _send_clip(self, request: web.Request) -> web.Response:
        content = self._clips[request.match_info["asked"]]
        return web.Response(body=content, content_type="video/mp4")

    async def _list_models(self, request: web.Request) -> web.Response:
        del request
        data = [{"id": name, "object": "model"} for name in self._models or ("any",)]
        return web.json_response({"object": "list", "data": data})

    def _reply(self, call: Call) -> Reply:
        refused = self._refused(call)
        if refused:
            return refused
        try:
            answer = self._scripted(call)
        except Exception as error:
            self._mistakes.append(error)
            return failed(500, f"the script failed: {error!r}")
        reply = answer if isinstance(answer, Reply) else says("" if answer is None else answer)
        scripted = (reply.text, reply.message, reply.body, reply.content)
        made = answer is None or all(part is None for part in scripted)
        if not made or reply.status != 200:
            return reply
        messages = tuple(Message("user", text) for text in call.texts or ("",))
        text = fake_reply(ChatRequest(messages, schema=call.schema), call.prompt)
        return Reply(text, delay=reply.delay, usage=reply.usage, reset=reply.reset)

    def _scripted(self, call: Call) -> Answer | None:
        if callable(self._script):
            return self._script(call)
        if call.path.endswith("/embeddings"):
            return None
        if isinstance(self._script, str | Reply):
            return self._script
        if isinstance(self._script, Mapping):
            return next((self._script[word] for word in self._script if word in call.prompt), None)
        return next(self._in_order, None)

    def _refused(self, call: Call) -> Reply | None:
        """The answer to a request that this server does not take at all."""
        if self._key is not None and not call.batched and call.key != self._key:
            return failed(401, f"incorrect API key provided: {call.key}", error="invalid_api_key")
        if self._models and call.body.get("model") not in self._models:
            return failed(404, f"the model `{call.body.get('model')}` does not exist")
        if call.mode in self._refuse:
            return failed(400, f"{call.mode} is not supported by this server")
        for name in self._refuse_parameters & call.body.keys():
            return failed(400, f"unsupported parameter: '{name}'")
        return None


async def _json_object(request: web.Request) -> dict[str, Any] | None:
    """The fields of a request, of JSON or a form."""
    if request.content_type == "multipart/form-data":
        return dict(await request.post())
    try:
        body = await request.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
