"""What vendors' error messages mean: one table for all endpoints, since gateways pass them on.

A status alone says little: 403 is a refused key or a flagged prompt, 404 a missing model or a
refused parameter, 429 a short wait or an account without credit. `meaning` reads the message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

Meaning = Literal["filtered", "form", "quota", "too-long", "final", "busy", "passing"]

_FILTERED = re.compile(
    r"content.?filter|content.?policy|content management policy|moderation|\bflagged\b|"
    r"content exists risk|data.?inspection.?failed|inappropriate content|prohibited.content|"
    r"responsible.?ai.?policy|safety (system|filter|polic)|sensitive (content|words?)",
    re.I,
)
"""OpenAI, Azure, OpenRouter, DeepSeek, DashScope, Gemini, Zhipu: this one prompt is refused."""
_FORM = re.compile(
    r"response.?format|json.?schema|json.?mode|json.?object|structured.?output|tool.?(use|choice)|"
    r"tool.?calls?|\btools\b|function.?call|grammar|guided.?(json|decoding)|"
    r"system (role|message|prompt|instruction)|developer instruction|"
    r"no endpoints found that (support|can handle)|requested parameters",
    re.I,
)
"""One part of the request's form is refused: OpenRouter's 404, llama.cpp's and SGLang's 500."""
_REFUSES = re.compile(
    r"not (currently )?(support|implement|allow)|unsupported|failed to|unable to|invalid|"
    r"unexpected|unknown|must ",
    re.I,
)
"""Words that make a server error a refusal, if it names a part of the form."""
_NO_MONEY = re.compile(
    r"insufficient.(quota|funds|credit|balance)|billing|credit balance|not enough (credit|balance)|"
    r"exceeded your (current|monthly|daily) quota|payment required|余额不足",
    re.I,
)
_PASSES_SOON = re.compile(r"per.?minute|per.?second|\b[rt]pm\b|\brps\b", re.I)
_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum context|too many tokens|prompt is too long|"
    r"request.?too.?large",
    re.I,
)
_WAIT = re.compile(
    r"(?:retry|try again|available|resets?) (?:in|after) "
    r"(?=\d)(?:(\d+)\s*d(?:ays?)?)?\s*(?:(\d+)\s*h(?:ours?)?)?\s*"
    r"(?:(\d+)\s*m(?!s)(?:in(?:ute)?s?)?)?\s*(?:([\d.]+)\s*(ms|s)(?:ec(?:ond)?s?)?)?",
    re.I,
)
_DURATION = re.compile(r"([\d.]+)s")

BUSY_STATUSES = frozenset({429, 503, 529})
PASSING_STATUSES = frozenset({408, 409, 425, *range(500, 600)}) - {501, 505}


def meaning(status: int, code: str, text: str, pause: float | None) -> Meaning:
    """What an error means, by its status, code, message and requested pause."""
    signs = f"{code} {text}"
    refused = status in (400, 403, 404, 422, 451) or 500 <= status < 600
    if refused and status not in BUSY_STATUSES and _FILTERED.search(signs):
        return "filtered"
    if status == 402 or (status in (400, 403) and _NO_MONEY.search(signs)):
        return "quota"
    # Some vendors report a limit that lasts seconds in the words of an exhausted quota.
    if status == 429 and pause is None and _NO_MONEY.search(signs):
        return "busy" if _PASSES_SOON.search(signs) else "quota"
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(signs)):
        return "too-long"
    if status in (400, 422):
        return "form"
    if status == 404 and _FORM.search(signs):
        return "form"
    is_broken = refused and status >= 500 and status not in BUSY_STATUSES
    if is_broken and _FORM.search(signs) and _REFUSES.search(signs):
        return "form"
    if status in BUSY_STATUSES:
        return "busy"
    return "passing" if status in PASSING_STATUSES else "final"


def asked_pause(text: str, error: Mapping[str, Any]) -> float | None:
    """Seconds to wait, by an error's text: "try again in 1h13m", RetryInfo."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and (found := _DURATION.fullmatch(delay)):
            return float(found[1])
    found = _WAIT.search(text)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, number, unit = found.groups()
    seconds = float((number or "0").rstrip(".")) / (1000 if unit and unit.lower() == "ms" else 1)
    return 86400 * int(days or 0) + 3600 * int(hours or 0) + 60 * int(minutes or 0) + seconds
