"""Spans and numbers of runs for OpenTelemetry, where the process has set it up; else nothing.

Fabula imports no part of OpenTelemetry: it looks whether somebody else did. Attributes are names of
tables and models, counts and seconds. Values, prompts and the texts of errors are never among them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any


@contextmanager
def span(name: str, **attributes: Any) -> Iterator[Callable[..., None]]:
    """A span around a step; what it yields adds attributes to it."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        yield lambda **_: None
        return
    tracer = trace.get_tracer("fabula", version("fabula"))
    started = tracer.start_as_current_span(
        name, attributes=_named(attributes), record_exception=False, set_status_on_exception=False
    )
    with started as current:
        try:
            yield lambda **more: current.set_attributes(_named(more))
        except BaseException as error:
            current.set_attribute("error.type", getattr(error, "code", type(error).__name__))
            current.set_status(trace.StatusCode.ERROR)
            raise


def count(name: str, value: int | float | None, **attributes: Any) -> None:
    """Add to a counter; nothing is added for None."""
    metrics = sys.modules.get("opentelemetry.metrics")
    if metrics is not None and value:
        counter = metrics.get_meter("fabula", version("fabula")).create_counter(f"fabula.{name}")
        counter.add(value, _named(attributes))


def _named(attributes: dict[str, Any]) -> dict[str, Any]:
    return {f"fabula.{name}": value for name, value in attributes.items() if value is not None}
