"""A dataset's repository on the Hub: its address, and the client that talks to it.

The token comes from the variable `HF_TOKEN` alone, and no message holds it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils.tqdm import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from fabula.errors import FabulaError, UsageError

_ADDRESS = re.compile(
    r"hf:/+datasets/(?P<name>[\w.-]+/[\w.-]+)"
    r"(@(?P<revision>refs/(convert|pr)/[^/]+|[^/]+))?(/(?P<path>.*?))?/?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Repository:
    """A dataset's repository.

    Attributes:
        name: Its owner and its name.
        revision: The branch, tag or commit; None for the newest.
        path: A file or folder in it.
    """

    name: str
    revision: str | None = None
    path: str = ""

    @classmethod
    def at(cls, place: str) -> Repository:
        """The repository of an address.

        Raises:
            UsageError: The address has another form.
        """
        found = _ADDRESS.fullmatch(place)
        if found is None:
            raise UsageError(
                f"`{place}` is not the address of a dataset on the Hub",
                code="usage.address",
                hint="write `hf://datasets/USER/NAME`",
            )
        return cls(found["name"], found["revision"], found["path"] or "")

    @property
    def place(self) -> str:
        """The address."""
        return f"hf://datasets/{self.name}"

    @cached_property
    def api(self) -> HfApi:
        """The official client."""
        return HfApi(
            endpoint=os.environ.get("HF_ENDPOINT"),
            token=os.environ.get("HF_TOKEN") or False,
            library_name="fabula",
            library_version=version("fabula"),
        )

    def info(self) -> Any:
        """What the Hub knows of it: its files, its card, its commit."""
        return self.api.dataset_info(self.name, revision=self.revision)

    @contextmanager
    def failures(self, error: type[FabulaError]) -> Iterator[None]:
        """Raise what the Hub refuses as an error with the next step, without the token."""
        hidden = are_progress_bars_disabled()
        disable_progress_bars()
        try:
            yield
        except (HfHubHTTPError, httpx2.HTTPError, OSError, RuntimeError, ValueError) as exc:
            raise self._failure(exc, error) from exc
        finally:
            if not hidden:
                enable_progress_bars()

    def _failure(self, exc: Exception, error: type[FabulaError]) -> FabulaError:
        while isinstance(exc, RuntimeError) and isinstance(exc.__cause__, Exception):
            exc = exc.__cause__  # the client wraps what went wrong in a thread
        state = getattr(getattr(exc, "response", None), "status_code", None)
        token = os.environ.get("HF_TOKEN")
        side = "sink" if error.__name__ == "SinkError" else "source"
        if state in (401, 403, 404) and not token:
            reason = "there is no such dataset, or it is not public"
            hint = "check its name, or set HF_TOKEN to a token that may use it"
        elif state in (401, 403, 404):
            reason = "there is no such dataset, or the token of HF_TOKEN may not use it"
            hint = "check its name, and what the token may do"
        else:
            lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
            reason = (lines[0] if lines else type(exc).__name__).replace(token or "\0", "***")
            hint = "check the network, then run the same command again"
        return error(f"`{self.place}`: {reason}", code=f"{side}.hub", where=self.place, hint=hint)
