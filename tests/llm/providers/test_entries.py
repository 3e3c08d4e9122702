"""Providers are entries of one register, and a model object goes wherever a model's name does."""

from __future__ import annotations

import json

import pytest

import fabula as fb
from fabula.errors import SpecError, UsageError
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import ChatReply, ChatRequest
from fabula.llm.client.presets import PROVIDERS, Provider
from fabula.testing.fake.model import FakeModel

SPEC = {
    "fabula": 1,
    "tables": {"people": {"n": 3, "columns": {"motto": {"kind": "llm"}}}},
}


class Parrot(FakeModel):
    """Answers as the fake model does, under its own name, and counts."""

    name = "parrot"
    identity = "parrot 1"

    def __init__(self, name: str = "") -> None:
        self.given = name
        self.calls = 0
        self.closed = False

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer and count."""
        self.calls += 1
        return await super().complete(request)

    async def close(self) -> None:
        """Note that nothing is left open."""
        self.closed = True


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A provider whose models live in this process."""
    entry = Provider(
        "birds", "talking birds", opens=lambda settings: Parrot(settings.name),
        prices={"grey": (1.0, 2.0)},
    )  # fmt: skip
    monkeypatch.setitem(PROVIDERS._entries, "birds", entry)
    monkeypatch.setitem(PROVIDERS._sources, "birds", "")
    return entry


def test_a_model_object_makes_rows_and_stays_open() -> None:
    parrot = Parrot()
    rows = fb.rows({"properties": {"city": {"type": "string"}}}, prompt="cities", n=2,
                   model=parrot)  # fmt: skip
    assert len(rows) == 2
    assert parrot.calls
    assert not parrot.closed


def test_a_model_object_fills_the_columns_of_a_spec(tmp_path) -> None:
    parrot = Parrot()
    made = fb.generate(SPEC, model=parrot, output=tmp_path / "out", fresh=True)
    assert made.num_rows == 3
    assert parrot.calls
    run = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert "parrot" in json.dumps(run["models"])
    assert fb.rehearse(SPEC, model=Parrot()).counts == {"parrot": 1}


def test_a_model_object_that_lacks_a_part_is_refused() -> None:
    class Half:
        name = "half"

        def complete(self) -> None: ...

    with pytest.raises(UsageError, match="has no `identity`"):
        fb.generate(SPEC, model=Half())
    with pytest.raises(UsageError, match="has no `identity`"):
        fb.rows(None, prompt="cities", n=1, model=Half())


def test_a_provider_of_ones_own_is_named_like_any_other(provider: Provider) -> None:
    assert provider.example == "birds:MODEL"
    made = fb.generate({**SPEC, "models": {"default": "birds:grey"}}, fresh=True)
    assert made.num_rows == 3
    assert price_of("birds:grey").prompt == 1.0
    assert price_of("birds:other") is None


def test_a_provider_in_this_process_has_no_batches(provider: Provider) -> None:  # noqa: ARG001
    with pytest.raises(UsageError, match="does not support batches"):
        fb.generate(SPEC, model="birds:grey", batch=True, fresh=True)


@pytest.mark.parametrize("name", ["fake:x", "birds", "openai-compatible:x", "openai:"])
def test_names_without_a_model_are_refused(name: str, provider: Provider) -> None:  # noqa: ARG001
    spec = {**SPEC, "tables": {"people": {**SPEC["tables"]["people"], "model": name}}}
    with pytest.raises(SpecError, match="there is no model"):
        fb.plan(spec)
    with pytest.raises(UsageError):
        fb.generate(SPEC, model=name)


@pytest.mark.parametrize(
    ("entry", "lack"),
    [
        (Provider("new", ""), "has no `title`"),
        (Provider("new", "t"), "has neither an address"),
        (Provider("openai", "t", base_url="http://x/v1"), "there is already a provider"),
    ],
)
def test_an_entry_that_lacks_a_part_is_not_registered(entry: Provider, lack: str) -> None:
    with pytest.raises(UsageError, match=lack):
        PROVIDERS.add(entry)


def test_every_hosted_provider_names_the_variable_of_its_key() -> None:
    for name, entry in PROVIDERS.builtin().items():
        assert entry.key_env or not entry.base_url, name
