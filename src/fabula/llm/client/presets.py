"""A provider of language models is one entry: address, keys, interface, prices, constructor.

A provider of HTTP endpoints names an `Interface`, which builds a model from an endpoint. Any other
provider `opens` its models itself: in this process, or with its own client.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from fabula.extensions import Register
from fabula.lookup import entry_of

if TYPE_CHECKING:
    from fabula.llm.client.chat import ChatModel
    from fabula.spec.models import ModelSpec

Dialect = Literal["strict", "plain"]

Opens: TypeAlias = "str | Callable[[ModelSpec], ChatModel]"
"""Opens a model from its settings: a function, or `module:function`."""


def imported(place: str | Any) -> Any:
    """The object at `module:name`; anything else unchanged."""
    if not isinstance(place, str):
        return place
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True, slots=True)
class Interface:
    """An HTTP API.

    Args:
        name: What users call it.
        model: Where its model class is; it takes an endpoint and a name.
        headers: Makes the headers of every request from the key, if any.
        desk: Where the class that submits batches is; empty if it has no batches.
    """

    name: str
    model: str | type[Any]
    headers: Callable[[str | None], dict[str, str]]
    desk: str | type[Any] = ""


def _bearer(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _anthropic(key: str | None) -> dict[str, str]:
    return {**({"x-api-key": key} if key else {}), "anthropic-version": "2023-06-01"}


OPENAI = Interface(
    "OpenAI's chat completions",
    "fabula.llm.providers.openai:OpenAIModel",
    _bearer,
    "fabula.llm.cache.batch_endpoints:OpenAIDesk",
)
ANTHROPIC = Interface(
    "Anthropic's messages",
    "fabula.llm.providers.anthropic:AnthropicModel",
    _anthropic,
    "fabula.llm.cache.batch_endpoints:AnthropicDesk",
)


@dataclass(frozen=True, slots=True)
class Provider:
    """Everything known about one provider.

    Args:
        name: Its name before the colon of `PROVIDER:MODEL`.
        title: What it is, in a few words.
        base_url: Its address; empty if it is not an endpoint, or users give the address.
        key_env: Variables that may hold its key; the first is the usual one.
        url_env: Variable that overrides its address.
        url_path: Path to append to that variable's value if it is a bare host, as the vendor's own
            client expects.
        interface: Which API it speaks.
        dialect: `strict` servers accept OpenAI's subset of JSON Schema, `plain` ones the whole.
        concurrency: Initial number of concurrent calls.
        start: The command that starts it, for servers that users run themselves; these need
            no key and cost nothing.
        account: Variables whose values are sent in these headers if set.
        aliases: Other names for it.
        opens: Opens its models, if it is not an endpoint.
        is_bare: Whether its name alone is a model, like `local`.
        has_names: Whether it has models by name.
        is_recorded: Whether replies are kept in the ledger.
        is_free: Whether calls cost no money.
        prices: US dollars per million input and output tokens by model, if the price list has none.
        seconds: Duration of a call, for estimates: minimum, maximum.
        media: Where the class is that makes its `pictures`, `speech` or `videos`, if it doesn't
            speak OpenAI's API of them.
    """

    name: str
    title: str
    base_url: str = ""
    key_env: tuple[str, ...] = ()
    url_env: str | None = None
    url_path: str = ""
    interface: Interface = OPENAI
    dialect: Dialect = "strict"
    concurrency: int = 32
    start: str | None = None
    account: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    opens: Opens | None = None
    is_bare: bool = False
    has_names: bool = True
    is_recorded: bool = True
    is_free: bool = False
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    seconds: tuple[float, float] = (0.5, 4.0)
    media: Mapping[str, str] = field(default_factory=dict)

    @property
    def free(self) -> bool:
        """Whether calls are free, as on the user's own server."""
        return self.is_free or self.start is not None

    def has(self, name: str, colon: str) -> bool:
        """Whether its name, with a colon and a model's name or without, is a model."""
        return self.has_names and bool(name) if colon else self.is_bare

    @property
    def example(self) -> str:
        """What its models' names look like."""
        return self.name if self.is_bare else f"{self.name}:MODEL"

    def address(self) -> str:
        """The base URL: from the provider's variable if it is set, else the usual one."""
        value = os.environ.get(self.url_env or "", "").strip()
        if not value:
            return self.base_url
        if "://" not in value:
            value = f"http://{value}"
        value = value.replace("://0.0.0.0", "://127.0.0.1")
        return value.rstrip("/") + (self.url_path if urlsplit(value).path in ("", "/") else "")


class Providers(Register[Provider]):
    """The providers by name."""

    def add(self, entry: Provider) -> Provider:
        """Register a provider under its name."""
        return self.register(entry.name, entry)


def lack(name: str, entry: Provider) -> str | None:
    """Describes what an entry lacks."""
    if name != entry.name or ":" in name:
        return f"calls itself `{entry.name}`"
    if not entry.title.strip():
        return "has no `title`"
    if not entry.base_url and entry.opens is None and name != COMPATIBLE:
        return "has neither an address (`base_url`) nor a function that `opens` its models"
    return None


COMPATIBLE = "openai-compatible"
"""Any other server that speaks OpenAI's API, at an address that the user gives."""

PROVIDERS = Providers(
    "provider",
    home="fabula.llm.providers.entries",
    order=lambda name, entry: (not entry.is_bare, entry.start is not None, name),
    lacks=lack,
)
"""Every provider: in-process, hosted, and the user's own servers."""


def endpoints() -> dict[str, Provider]:
    """The providers with a fixed address."""
    return {name: entry for name, entry in PROVIDERS.items() if entry.base_url}


def is_this_machine(host: str) -> bool:
    """Whether a host is the machine that Fabula runs on."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def known_provider(name: str) -> Provider | None:
    """The provider of that name or alias, or None."""
    for entry in PROVIDERS.known().values():
        if name in entry.aliases:
            return entry
    return PROVIDERS.get(name)


def start_of(address: str) -> str | None:
    """The command that starts a server of this machine: the provider's whose port it has."""
    parts = urlsplit(address)
    if parts.hostname not in ("localhost", "127.0.0.1", "::1") or parts.port is None:
        return None
    servers = (entry for entry in PROVIDERS.known().values() if entry.start)
    return next((one.start for one in servers if urlsplit(one.base_url).port == parts.port), None)


def preset(name: str) -> Provider:
    """The provider of that name.

    Raises:
        UsageError: No such provider; the hint names the nearest one.
    """
    return known_provider(name) or entry_of(
        PROVIDERS,
        name,
        code="model.unknown-provider",
        hint=f"use one of {', '.join(PROVIDERS)}; any server: provider `{COMPATIBLE}`",
    )
