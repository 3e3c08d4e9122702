"""What an endpoint's HTTP reply means: an answer, a retry, a change of form, or an error.

Takes the reply's status and text, and returns a verdict or raises the error for the user.
`endpoint` acts on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from fabula.errors import AuthenticationError, ModelError, RateLimitError
from fabula.llm.client.events import is_events, read_events
from fabula.llm.client.meanings import asked_pause, meaning
from fabula.llm.client.transport import HttpReply, without_secrets

NO_API_STATUSES = frozenset({405, 410, 501, 505, *range(201, 400)})
_JOB_STATUSES, _OF_JOBS = frozenset({200, 201, 202}), ("id", "status")
"""How servers answer about jobs, and what is expected then; a job tells its own error."""
FINAL_CODES = frozenset(
    f"model.{problem}"
    for problem in (
        "authentication",
        "certificate",
        "no-api",
        "not-found",
        "proxy",
        "quota",
        "unreachable",
    )
) | {"prerequisite.key", "prerequisite.variable"}
"""Error codes after which no further request can succeed."""

_QUOTED = 300
_FAILED_ENDS = frozenset({"error", "abort", "aborted", "insufficient_system_resource", "cancelled"})
"""Finish reasons of replies that the server cut off."""


@dataclass(frozen=True, slots=True)
class Again:
    """A retry may succeed."""

    problem: str
    busy: bool = False
    pause: float | None = None
    status: int = 0


@dataclass(frozen=True, slots=True)
class Rejection:
    """The endpoint understood the request and refuses its form, or its content (`filtered`)."""

    status: int
    message: str
    code: str = ""
    param: str = ""
    filtered: bool = False


Answer = dict[str, Any]


@dataclass(frozen=True)
class Judge:
    """Reads the replies of one endpoint; `secrets` are texts that no message may contain."""

    provider: str
    address: str
    model: str
    key_variables: tuple[str, ...]
    has_key: bool = False
    secrets: tuple[str, ...] = ()

    def verdict(
        self, reply: HttpReply, *, expects: str | None, answered: bool
    ) -> Answer | Rejection | Again:
        """What a reply means.

        Args:
            reply: The reply.
            expects: A key of every good answer, or None for any text.
            answered: Whether this endpoint has given a good answer before.

        Raises:
            ModelError: Neither a retry nor another form of the request will help.
        """
        body = reply.body.decode("utf-8-sig", errors="replace")
        if reply.status == 200 and expects is None:
            return {"text": body, "content": reply.body}
        answer = read_events(body) if is_events(body) else _json_object(body)
        status = _status(reply, answer)
        if reply.status in _JOB_STATUSES and expects in _OF_JOBS and _is_job(answer):
            return answer or {}
        if status == 200:
            if answer is not None and holds_answer(answer, expects):
                return answer
            if body.lstrip().startswith("<") and not answered:
                raise self._no_api("answers with a web page")
            return Again(self._without_answer(answer, body))
        error = error_of(answer)
        text = str(error.get("message") or error.get("detail") or body)
        words = self._quoted(text)
        code = str(error.get("code") or error.get("type") or "")
        pause = _pause(reply, text, error)
        match meaning(status, code, text, pause):
            case "filtered":
                return Rejection(status, words, code, filtered=True)
            case "form":
                return Rejection(status, words, code, str(error.get("param") or ""))
            case "busy":
                return Again(f"{status}: {words}", True, pause, status)
            case "passing":
                return Again(f"{status}: {words}", False, pause, status)
            case "quota":
                raise self._out_of_quota(words)
            case "too-long":
                raise self._too_long(words)
            case _:
                raise self._final(status, words, reply.headers.get("Location", ""))

    def gave_up(self, last: Again, tries: int, *, too_long: bool) -> ModelError:
        """The error for a call that used up its tries."""
        asks = f" and asks to wait {last.pause:.0f} s" if last.pause and too_long else ""
        if last.busy:
            return RateLimitError(
                f"{self._name} stayed busy for {tries} tries{asks}; the last answer was "
                f"{last.problem}",
                code="model.busy",
                hint="run the same command again later, or lower `rpm` or `concurrency`",
            )
        return ModelError(
            f"{self._name} failed in all {tries} tries; the last answer was {last.problem}",
            code="model.unavailable",
            hint="if it never worked, check the base URL; else run the same command again later: "
            "answered requests are not sent twice",
        )

    def unreachable(self, reason: str, start: str | None) -> ModelError:
        """The error for a server that doesn't answer."""
        first = f"start it ({start})" if start else "check the address and your network"
        return ModelError(
            f"nothing answers at {self.address}: {reason}",
            code="model.unreachable",
            hint=f"{first}, or try with --model fake",
        )

    def no_http(self, reason: str) -> ModelError:
        """The error for an address that doesn't speak HTTP."""
        return self._no_api(f"does not answer as HTTP does ({reason})")

    def _without_answer(self, answer: Answer | None, body: str) -> str:
        """What is wrong with a reply of status 200 without an answer."""
        if answer is None:
            return f"an invalid envelope: {self._quoted(body)}"
        choice = _choice(answer)
        inner = error_of(choice).get("message") if choice.get("error") else None
        base = answer.get("base_resp")
        said = inner or (base.get("status_msg") if isinstance(base, dict) else None)
        if choice:
            end = choice.get("finish_reason")
            return f"a reply that was broken off (`{end}`): {self._quoted(str(said or end))}"
        return f"an empty envelope: {self._quoted(str(said or body))}"

    def _out_of_quota(self, words: str) -> RateLimitError:
        return RateLimitError(
            f"the quota at {self._name} is spent: {words}",
            code="model.quota",
            hint="add credit at the provider or use another model; the same command then continues",
        )

    def _too_long(self, words: str) -> ModelError:
        return ModelError(
            f"the request is longer than `{self.model}` takes: {words}",
            code="model.context-length",
            hint="request fewer rows per call (`rows_per_call`), or use a model with a longer "
            "context",
        )

    def _final(self, status: int, words: str, location: str) -> ModelError:
        if status in (401, 403):
            return self._refused(status, words)
        if status == 404:
            return ModelError(
                f"{self._name} has no model `{self.model}` or no such path (404): {words}",
                code="model.not-found",
                hint="check the model's name, and the base URL (it usually ends in /v1)",
            )
        if status in NO_API_STATUSES:
            there = f" and points to {without_secrets(location)}" if location else ""
            return self._no_api(f"answers {status}{there}")
        return ModelError(
            f"{self._name} refused the request ({status}): {words}",
            code="model.rejected",
            hint="the request is wrong for this endpoint; check the model's settings",
        )

    def _refused(self, status: int, words: str) -> AuthenticationError:
        names, setting = " or ".join(self.key_variables), f"fabula keys set {self.provider}"
        if self.has_key:
            problem = f"refused the key in {names}"
            hint = f"correct {names}, or unset it and run: {setting}"
        elif names:
            problem, hint = "wants a key", f"export {self.key_variables[0]}=… or run: {setting}"
        else:
            problem, hint = "wants a key", "name the key's variable in the model's `api_key_env`"
        return AuthenticationError(
            f"provider {self.provider} {problem} ({status}): {words}",
            code="model.authentication",
            hint=hint,
        )

    def _no_api(self, what: str) -> ModelError:
        return ModelError(
            f"{self.address} is not an endpoint of a language model: it {what}",
            code="model.no-api",
            hint="check the base URL (it usually ends in /v1)",
        )

    @property
    def _name(self) -> str:
        return f"{self.provider} ({self.address})"

    def _quoted(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        text = " ".join(text.split()) or "(nothing)"
        return f"{text[:_QUOTED]}…" if len(text) > _QUOTED else text


def _json_object(body: str) -> Answer | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list) and len(value) == 1:  # as Gemini sends errors
        value = value[0]
    if not isinstance(value, dict) or "choices" in value:
        return value if isinstance(value, dict) else None
    within = [item for item in value.values() if isinstance(item, dict) and "choices" in item]
    return {**value, **within[0]} if within else value  # as gateways wrap an answer


def _status(reply: HttpReply, answer: Answer | None) -> int:
    """The reply's status; some gateways send 200 with an error and its status inside."""
    if reply.status != 200 or answer is None or not answer.get("error"):
        return reply.status
    error = answer["error"]
    code = error.get("code") if isinstance(error, dict) else None
    code = int(code) if isinstance(code, str) and code.isdecimal() else code
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def error_of(answer: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The error object, wherever the server puts it."""
    error = (answer or {}).get("error")
    if isinstance(error, dict):
        return error
    return {"message": error} if isinstance(error, str) else answer or {}


def _is_job(answer: Answer | None) -> bool:
    """Whether an answer tells of a job how far it is."""
    return answer is not None and all(isinstance(answer.get(name), str) for name in _OF_JOBS)


def _choice(answer: Answer) -> Mapping[str, Any]:
    """The first choice of a chat completion."""
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def holds_answer(answer: Answer, expects: str | None) -> bool:
    """Whether an answer has the expected key, and no error inside."""
    if expects != "choices":
        return answer.get(str(expects)) is not None
    choice = _choice(answer)
    end = str(choice.get("finish_reason")).lower()
    return bool(choice) and not choice.get("error") and end not in _FAILED_ENDS


def _pause(reply: HttpReply, text: str, error: Mapping[str, Any]) -> float | None:
    """Seconds to wait according to the server's headers, details or message."""
    try:
        if milliseconds := reply.headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        value = reply.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value)
        if value:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, OverflowError):
        return None
    return asked_pause(text, error)
