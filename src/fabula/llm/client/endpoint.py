"""One model on one provider's server: JSON in, JSON out, with retries until the outcome is clear.

Sits between the protocols (`openai`, `anthropic`, `embeddings`, `batches`) and the `transport`;
`responses` interprets replies, `limits` controls the load.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from multidict import CIMultiDict, CIMultiDictProxy

from fabula.errors import FabulaError, PrerequisiteError, UsageError
from fabula.llm.client.credentials import find_key
from fabula.llm.client.limits import Limits, Patience, Place
from fabula.llm.client.permission import VARIABLE, check_sent, sent
from fabula.llm.client.presets import Provider, preset, start_of
from fabula.llm.client.redaction import Redactor
from fabula.llm.client.request_fields import further_fields
from fabula.llm.client.responses import FINAL_CODES, Again, Answer, Judge, Rejection
from fabula.llm.client.transport import Fault, HttpReply, Wire
from fabula.spec.models import ModelSpec

DOUBTS = 3
"""Number of failures at a form that never worked after which the server is assumed to refuse it."""
BROKEN_STATUSES = frozenset({500, 502})
NOT_DONE_STATUSES = frozenset({501})
SECRET_NAME = re.compile(r"auth|key|token|secret|pass|cookie|session|\bsig", re.IGNORECASE)
"""Names of headers and URL fields whose values are secrets, even in a spec."""


class Endpoint:
    """A provider's server and one model on it, shared by all of its callers.

    Args:
        settings: The model.
        patience: Retry limits of a call.
        provider: What is known about the provider, if it is asked by another of its APIs.
    """

    def __init__(
        self,
        settings: ModelSpec,
        *,
        patience: Patience | None = None,
        provider: Provider | None = None,
    ) -> None:
        self.settings = settings
        self.model = settings.name
        self.preset = provider or preset(settings.provider)
        self.limits = Limits(
            settings.concurrency or self.preset.concurrency,
            rpm=settings.rpm,
            tpm=settings.tpm,
            patience=patience,
        )
        address = settings.base_url or self.preset.address()
        self.wire = Wire(address, settings, headers=self._headers)
        self._redactor = Redactor()
        self._judge = Judge(
            provider=self.preset.name,
            address=self.wire.address,
            model=self.model,
            key_variables=self._key_variables,
        )

    @property
    def identity(self) -> str:
        """What decides replies besides the request; contains no secret."""
        settings = self.settings
        numbers = {
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
            "top_p": settings.top_p,
            "top_k": settings.top_k,
        }
        extras = [f"{name}={value:g}" for name, value in numbers.items() if value is not None]
        fields = further_fields(settings)
        extras += [f"{name}={json.dumps(fields[name], sort_keys=True)}" for name in sorted(fields)]
        return " ".join([self.wire.address, self.model, *extras])

    async def post(
        self,
        place: Place,
        path: str,
        payload: Mapping[str, Any],
        *,
        expects: str,
        tokens: int = 0,
        doubtful: bool = False,
    ) -> Answer | Rejection:
        """Send a request until it is answered.

        Args:
            place: The call's place in the endpoint's limits.
            path: The path below the base URL.
            payload: The request.
            expects: A key of every good answer, to distinguish answers from other JSON.
            tokens: The request's size, for the token rate.
            doubtful: Whether the request's form has never worked here, so that repeated failures
                may be due to the form.

        Raises:
            AuthenticationError: The key was refused; no further request is sent.
            RateLimitError: The quota is used up, or the endpoint stayed busy too long.
            ModelError: No such model, no such server, or it kept failing.
        """
        body = self.as_json(payload)
        return await self.deliver(
            place, "POST", path, body, expects=expects, tokens=tokens, doubtful=doubtful
        )

    @staticmethod
    def as_json(payload: Mapping[str, Any]) -> bytes:
        """A request's body."""
        return json.dumps(payload, separators=(",", ":")).encode()

    async def deliver(
        self,
        place: Place,
        method: Literal["GET", "POST"],
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/json",
        expects: str | None,
        tokens: int = 0,
        doubtful: bool = False,
    ) -> Answer | Rejection:
        """Send bytes until they are answered, as `post` does.

        Without a key to expect, the answer may be any text or bytes and is returned under
        `text` and `content`.
        """
        patience = self.limits.patience
        started = monotonic()
        tries = 0
        while True:
            await self.limits.pace(tokens)
            sent_at = monotonic()
            tries += 1
            try:
                reply = await self._send(method, path, body, content_type)
                if doubtful and isinstance(reply, HttpReply) and reply.status in NOT_DONE_STATUSES:
                    return Rejection(reply.status, "not implemented")
                verdict = self._verdict(reply, expects)
            except FabulaError as error:
                if error.code in FINAL_CODES:
                    self.limits.stop(error)
                raise
            if not isinstance(verdict, Again):
                self.limits.answered = True
                return verdict
            if doubtful and verdict.status in BROKEN_STATUSES and tries >= DOUBTS:
                return Rejection(verdict.status, verdict.problem)
            pause = verdict.pause or 0.0
            if verdict.busy:
                self.limits.was_busy(sent_at, pause)
            wait = max(patience.wait(tries), pause)
            too_long = monotonic() - started + wait > patience.deadline
            if too_long or tries >= patience.tries:
                gave_up = self._judge.gave_up(verdict, tries, too_long=too_long)
                if pause > patience.deadline:
                    self.limits.stop(gave_up)  # no other call can finish first
                raise gave_up
            await place.step_aside(wait)

    async def close(self) -> None:
        """Release the connections."""
        await self.wire.close()

    async def _send(
        self, method: str, path: str, body: bytes, content_type: str
    ) -> HttpReply | Again:
        answered = self.limits.answered
        try:
            reply = await self.wire.send(method, path, body, content_type)
        except Fault as fault:
            reason = self._redactor.text(str(fault))
            # A server that has answered before may be restarting; one that never did doesn't exist.
            if fault.kind == "unreachable" and not answered:
                start = self.preset.start or start_of(self._judge.address)
                raise self._judge.unreachable(reason, start) from fault
            if fault.kind == "garbled" and not answered:
                raise self._judge.no_http(reason) from fault
            return Again(reason)
        return self._redacted(reply)

    def _redacted(self, reply: HttpReply) -> HttpReply:
        """A reply, body and headers, without the secrets that the request carried."""
        clean = ((name, self._redactor.text(value)) for name, value in reply.headers.items())
        headers = CIMultiDictProxy(CIMultiDict(clean))
        return HttpReply(reply.status, headers, self._redactor(reply.body))

    def _verdict(self, reply: HttpReply | Again, expects: str | None) -> Answer | Rejection | Again:
        if isinstance(reply, Again):
            return reply
        return self._judge.verdict(reply, expects=expects, answered=self.limits.answered)

    @property
    def _key_variables(self) -> tuple[str, ...]:
        if self.settings.api_key_env:
            return (self.settings.api_key_env,)
        return () if self.settings.base_url else self.preset.key_env

    def _headers(self) -> dict[str, str]:
        """The headers of every request.

        Built when the first request is sent, so that opening, planning and replaying a model need
        no key.
        """
        given = self.settings
        check_sent(*sent(given.base_url, given.api_key_env, given.headers))
        headers = {name: _expanded(value) for name, value in self.settings.headers.items()}
        key = self._key()
        headers = self.preset.interface.headers(key) | headers
        headers |= {
            header: os.environ[variable]
            for header, variable in self.preset.account.items()
            if os.environ.get(variable)
        }
        for name, value in headers.items():
            if not value.isprintable():
                raise UsageError(
                    f"the value of the header `{name}` contains a line break or another character "
                    "that headers can't have",
                    code="model.header",
                    hint="check the key's variable and the model's `headers`",
                )
        self._redactor = Redactor(self._secrets(key))
        long_ones = (value for value in headers.values() if len(value) > 7)
        secrets = (*([key] if key else ()), *long_ones)
        self._judge = replace(self._judge, has_key=key is not None, secrets=secrets)
        return headers

    def _secrets(self, key: str | None) -> Iterator[str]:
        """Secrets to remove from replies: the key, logins, values of the environment."""
        if key:
            yield key
        for name, value in self.settings.headers.items():
            yield from (os.environ[name] for name in VARIABLE.findall(value))
            if SECRET_NAME.search(name) and not VARIABLE.search(value):
                yield from (value, value.split()[-1] if value.split() else "")
        for name, value in parse_qsl(urlsplit(self.wire.base_url).query):
            if SECRET_NAME.search(name):
                yield value
        for login in self.wire.logins:
            yield login
            user_and_password = b64decode(login.removeprefix("Basic ")).decode()
            yield user_and_password
            yield user_and_password.partition(":")[2]

    def _key(self) -> str | None:
        variables = self._key_variables
        key = find_key(self.preset.name, variables) if variables else None
        vendors_own = not self.preset.free and self.wire.base_url == self.preset.base_url
        if key is None and variables and (vendors_own or self.settings.api_key_env):
            raise PrerequisiteError(
                f"provider {self.preset.name} needs a key in {' or '.join(variables)}",
                code="prerequisite.key",
                hint=f"export {variables[0]}=… or fabula keys set {self.preset.name}; "
                "without a key: --model local or --model fake",
            )
        return key


def _expanded(value: str) -> str:
    """A header's value with `${NAME}` replaced by that environment variable."""

    def variable(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            raise PrerequisiteError(
                f"a header of the model needs the environment variable {name}",
                code="prerequisite.variable",
                hint=f"export {name}=…",
            )
        return os.environ[name]

    return VARIABLE.sub(variable, value)
