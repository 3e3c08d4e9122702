"""From a name to a model: presets, variables, keys, and help with unknown names."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fabula.errors import FabulaError, PrerequisiteError, UsageError
from fabula.llm.cache.prices import price_of
from fabula.llm.client.credentials import set_key
from fabula.llm.client.presets import PROVIDERS
from fabula.llm.providers.catalogue import model_settings, open_model
from fabula.spec.models import ModelSpec
from fabula.testing import ChatServer
from tests.llm.builders import QUICK, asking


async def ask(model: str | ModelSpec, **rest: Any) -> str:
    opened = open_model(model, patience=QUICK)
    try:
        return (await opened.complete(asking(**rest))).text
    finally:
        await opened.close()


async def test_the_openai_preset_follows_the_official_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OPENAI_BASE_URL and OPENAI_API_KEY, organisation and project."""
    with ChatServer(["hi"]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
        monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
        assert await ask("openai:any-name") == "hi"
    assert server.calls[0].key == "sk-env"
    assert server.calls[0].headers["OpenAI-Organization"] == "org-1"
    assert server.calls[0].body["model"] == "any-name"


async def test_another_server_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the vendor's own address demands one."""
    with ChatServer(["hi"]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert await ask("openai:any") == "hi"
    assert server.calls[0].key == ""


async def test_a_key_that_is_missing_is_said_before_any_request() -> None:
    """The variable and the command are named; opening alone needs no key."""
    model = open_model("openai:gpt-4o-mini")
    with pytest.raises(PrerequisiteError) as caught:
        await model.complete(asking())
    await model.close()
    assert (caught.value.code, caught.value.exit_code) == ("prerequisite.key", 3)
    assert "OPENAI_API_KEY" in caught.value.message
    assert "fabula keys set openai" in (caught.value.hint or "")


async def test_the_key_file_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    set_key("openai", "sk-file")
    with ChatServer(key="sk-file") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        await ask("openai:any")


async def test_no_key_travels_to_an_address_that_it_was_not_meant_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A spec's own base URL gets a key only by naming its variable."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    monkeypatch.setenv("OTHER_KEY", "other")
    with ChatServer() as server:
        await ask(ModelSpec(provider="openai", name="m", base_url=server.url))
        await ask(
            ModelSpec(provider="openai", name="m", base_url=server.url, api_key_env="OTHER_KEY")
        )
    assert [call.key for call in server.calls] == ["", "other"]


async def test_headers_may_name_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"X-Token": "t-${TEAM_TOKEN}"}
    with ChatServer() as server:
        model = ModelSpec(
            provider="openai-compatible", name="m", base_url=server.url, headers=settings
        )
        with pytest.raises(PrerequisiteError, match="TEAM_TOKEN"):
            await ask(model)
        monkeypatch.setenv("TEAM_TOKEN", "abc")
        await ask(model)
        monkeypatch.setenv("TEAM_TOKEN", "a\nb")
        with pytest.raises(UsageError, match="X-Token"):
            await ask(model)
    assert [call.headers["X-Token"] for call in server.calls] == ["t-abc"]


@pytest.mark.parametrize(
    ("provider", "variable", "path"),
    [
        ("gemini", "GOOGLE_GEMINI_BASE_URL", "/v1beta/openai"),
        ("mistral", "MISTRAL_BASE_URL", "/v1"),
        ("groq", "GROQ_BASE_URL", "/openai/v1"),
        ("openrouter", "OPENROUTER_BASE_URL", "/api/v1"),
        ("together", "TOGETHER_BASE_URL", "/v1"),
        ("ollama", "OLLAMA_HOST", "/v1"),
        ("vllm", "VLLM_BASE_URL", "/v1"),
        ("llama.cpp", "LLAMA_CPP_BASE_URL", "/v1"),
    ],
)
def test_vendors_variables_move_their_presets(
    monkeypatch: pytest.MonkeyPatch, provider: str, variable: str, path: str
) -> None:
    """A bare host, a whole address, and Ollama's form without a scheme."""
    preset = PROVIDERS[provider]
    assert open_model(f"{provider}:m").identity == f"{preset.base_url} m"
    monkeypatch.setenv(variable, "http://host:1")
    assert open_model(f"{provider}:m").identity == f"http://host:1{path} m"
    monkeypatch.setenv(variable, "http://host:1/own/path/")
    assert open_model(f"{provider}:m").identity == "http://host:1/own/path m"
    monkeypatch.setenv(variable, "0.0.0.0:11434")
    assert open_model(f"{provider}:m").identity == f"http://127.0.0.1:11434{path} m"


async def test_models_may_have_colons_and_slashes_in_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`ollama:qwen3:8b`."""
    with ChatServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.root)
        await ask("ollama:org/qwen3:8b")
    assert server.calls[0].body["model"] == "org/qwen3:8b"


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("opnai:gpt-4o", "model.unknown-provider", "did you mean `openai`?"),
        ("zzz:gpt-4o", "model.unknown-provider", "openrouter"),
        ("fkae", "model.unknown", "did you mean `fake`?"),
        ("openai", "model.unknown", "openai:MODEL"),
        ("gpt-4o", "model.unknown", "openai:NAME"),
        ("openai:", "model.incomplete", "OPENAI_BASE_URL"),
        ("openai-compatible:m", "model.incomplete", "base_url"),
        ("", "model.unknown", "local"),
    ],
)
def test_unknown_names_come_with_help(name: str, code: str, hint: str) -> None:
    """Did you mean."""
    with pytest.raises(UsageError) as caught:
        open_model(name)
    assert caught.value.code == code
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://x/v1", "http://", "http://h:99999/v1", "/v1"]
)
def test_an_address_that_is_none_is_refused_early(url: str) -> None:
    with pytest.raises(FabulaError) as caught:
        open_model(ModelSpec(provider="openai-compatible", name="m", base_url=url))
    assert caught.value.code == "model.base-url"


async def test_the_address_may_carry_a_query() -> None:
    """Gateways that want a version in the address."""
    with ChatServer(["hi"]) as server:
        settings = ModelSpec(
            provider="openai-compatible", name="m", base_url=f"{server.url}?version=3"
        )
        assert await ask(settings) == "hi"


def test_settings_that_decide_replies_are_part_of_the_identity() -> None:
    """The ledger tells a warm model from a cold one."""
    cold = ModelSpec(provider="openai", name="m", temperature=0.0)
    warm = ModelSpec(provider="openai", name="m", temperature=1.0, max_tokens=50)
    assert open_model(cold).identity == "https://api.openai.com/v1 m temperature=0"
    assert open_model(warm).identity.endswith("temperature=1 max_tokens=50")


def test_secrets_do_not_show_in_settings() -> None:
    """The key never printed."""
    settings = ModelSpec(
        provider="openai", name="m", headers={"X": "secret"}, proxy="http://u:secret@p"
    )
    assert "secret" not in repr(settings)


async def test_one_model_serves_one_event_loop_after_another() -> None:
    """Notebooks and command lines run loops in turn."""
    with ChatServer() as server:
        model = open_model(ModelSpec(provider="openai-compatible", name="m", base_url=server.url))

        def run() -> str:
            async def once() -> str:
                try:
                    return (await model.complete(asking())).text
                finally:
                    await model.close()

            return asyncio.run(once())

        texts = [await asyncio.to_thread(run) for _ in range(2)]
    assert texts[0] == texts[1]


def test_settings_may_stand_behind_a_models_name() -> None:
    """Typed as a spec types them."""
    settings = model_settings('openai:m?top_p=0.5&thinking=false&extra_body={"a": {"b": 1}}')
    assert (settings.name, settings.top_p, settings.thinking) == ("m", 0.5, False)
    assert settings.extra_body == {"a": {"b": 1}}
    assert open_model("openai:gpt-4o-mini?top_p=0.5").name == "openai:gpt-4o-mini"
    assert price_of("openai:gpt-4o-mini?top_p=0.5") == price_of("openai:gpt-4o-mini")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("openai:m?top_pp=0.5", "did you mean `top_p`"),
        ("openai:m?top_p=2", "`top_p`"),
        ("openai:m?reasoning_effort=huge", "`reasoning_effort`"),
        ('openai:m?extra_body={"messages": []}', "`messages` is set by Fabula"),
    ],
)
def test_settings_that_cannot_be_are_named(name: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_model(name)
    assert words in str(caught.value)
