"""The providers that Fabula knows by name: addresses, variables and habits of each."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from fabula.errors import UsageError, did_you_mean

Protocol = Literal["openai", "anthropic"]
Dialect = Literal["strict", "plain"]


@dataclass(frozen=True, slots=True)
class Preset:
    """One provider.

    Args:
        name: How users call it.
        base_url: Its address.
        key_env: Variables that may hold its key, the first one being the usual one.
        url_env: Variable that moves it to another address.
        url_path: Path to add to that variable's value when it is a bare host, where the vendor's
            own client expects one.
        protocol: Which API it speaks.
        dialect: `strict` servers accept OpenAI's subset of JSON Schema, `plain` ones the whole.
        concurrency: Calls at once to begin with.
        start: The command that starts it, for servers that users run themselves; these need
            no key and cost nothing.
    """

    name: str
    base_url: str
    key_env: tuple[str, ...] = ()
    url_env: str | None = None
    url_path: str = ""
    protocol: Protocol = "openai"
    dialect: Dialect = "strict"
    concurrency: int = 32
    start: str | None = None

    @property
    def free(self) -> bool:
        """Whether calls cost no money because the server is the user's own."""
        return self.start is not None

    def address(self) -> str:
        """The base URL: the provider's variable when it is set, else the usual one."""
        value = os.environ.get(self.url_env or "", "").strip()
        if not value:
            return self.base_url
        if "://" not in value:
            value = f"http://{value}"
        value = value.replace("://0.0.0.0", "://127.0.0.1")
        return value.rstrip("/") + (self.url_path if urlsplit(value).path in ("", "/") else "")


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "openai",
            "https://api.openai.com/v1",
            key_env=("OPENAI_API_KEY",),
            url_env="OPENAI_BASE_URL",
            concurrency=64,
        ),
        Preset(
            "anthropic",
            "https://api.anthropic.com/v1",
            key_env=("ANTHROPIC_API_KEY",),
            url_env="ANTHROPIC_BASE_URL",
            url_path="/v1",
            protocol="anthropic",
            dialect="plain",
            concurrency=16,
        ),
        Preset(
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            url_env="GOOGLE_GEMINI_BASE_URL",
            url_path="/v1beta/openai",
            concurrency=16,
        ),
        Preset(
            "mistral",
            "https://api.mistral.ai/v1",
            key_env=("MISTRAL_API_KEY",),
            url_env="MISTRAL_BASE_URL",
            url_path="/v1",
            concurrency=8,
        ),
        Preset(
            "groq",
            "https://api.groq.com/openai/v1",
            key_env=("GROQ_API_KEY",),
            url_env="GROQ_BASE_URL",
            url_path="/openai/v1",
            concurrency=8,
        ),
        Preset(
            "openrouter",
            "https://openrouter.ai/api/v1",
            key_env=("OPENROUTER_API_KEY",),
            url_env="OPENROUTER_BASE_URL",
            url_path="/api/v1",
        ),
        Preset(
            "together",
            "https://api.together.xyz/v1",
            key_env=("TOGETHER_API_KEY",),
            url_env="TOGETHER_BASE_URL",
            url_path="/v1",
        ),
        Preset(
            "ollama",
            "http://127.0.0.1:11434/v1",
            key_env=("OLLAMA_API_KEY",),
            url_env="OLLAMA_HOST",
            url_path="/v1",
            dialect="plain",
            concurrency=4,
            start="ollama serve",
        ),
        Preset(
            "vllm",
            "http://127.0.0.1:8000/v1",
            key_env=("VLLM_API_KEY",),
            url_env="VLLM_BASE_URL",
            url_path="/v1",
            dialect="plain",
            concurrency=128,
            start="vllm serve MODEL",
        ),
        Preset(
            "llama.cpp",
            "http://127.0.0.1:8080/v1",
            key_env=("LLAMA_API_KEY",),
            url_env="LLAMA_CPP_BASE_URL",
            url_path="/v1",
            dialect="plain",
            concurrency=4,
            start="llama-server -m MODEL.gguf --parallel 4",
        ),
    )
}

COMPATIBLE = Preset("openai-compatible", "", concurrency=32)
"""Any other server that speaks OpenAI's API, at an address that the user gives."""


def is_this_machine(host: str) -> bool:
    """Whether a host is the machine that Fabula runs on."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def preset(name: str) -> Preset:
    """The provider of that name.

    Raises:
        UsageError: No such provider; the hint names the nearest one.
    """
    known = {**PRESETS, COMPATIBLE.name: COMPATIBLE, "llamacpp": PRESETS["llama.cpp"]}
    if name not in known:
        raise UsageError(
            f"no provider is called `{name}`",
            code="model.unknown-provider",
            hint=did_you_mean(name, known)
            or f"use one of {', '.join(known)}; any server: provider `{COMPATIBLE.name}`",
        )
    return known[name]
