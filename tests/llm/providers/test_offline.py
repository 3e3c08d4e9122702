"""vLLM in this process, against a stand-in with the interface that vLLM documents."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec as PythonModule
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fabula.errors import PrerequisiteError, UsageError
from fabula.llm.cache.ledger import Ledger
from fabula.llm.providers.catalogue import open_model
from fabula.llm.providers.offline import REPLY
from fabula.llm.rows.ask import ask_rows_sync
from fabula.llm.rows.job import RowField, RowsJob, RowsResult
from fabula.spec.models import ModelSpec


@dataclass
class SamplingParams:
    """The parameters that the documentation lists, and no other."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    max_tokens: int = 16
    seed: int | None = None
    stop: list[str] | None = None
    structured_outputs: Any = None


@dataclass
class Engine:
    """What `LLM` was loaded with and asked."""

    loaded: dict[str, Any] = field(default_factory=dict)
    batches: list[tuple[list[Any], list[SamplingParams], dict[str, Any]]] = field(
        default_factory=list
    )

    def load(self, **how: Any) -> Engine:
        assert not self.loaded, "the model is loaded once"
        self.loaded = how
        return self

    def chat(
        self,
        messages: list[Any],
        sampling_params: list[SamplingParams],
        use_tqdm: bool = True,
        **more: Any,
    ) -> list[Any]:
        assert not use_tqdm
        if any("too long" in talk[-1]["content"] for talk in messages):
            raise ValueError("The prompt is longer than the maximum model length of 8192")
        self.batches.append((messages, sampling_params, more))
        return [self._output(talk) for talk in messages]

    def _output(self, talk: list[dict[str, str]]) -> Any:
        asked = re.findall(r"Country \d+|Norway|Chile", talk[-1]["content"])
        text = json.dumps({"city": f"City of {asked[-1]}"})
        said = SimpleNamespace(text=text, token_ids=[1, 2, 3], finish_reason="stop")
        return SimpleNamespace(outputs=[said], prompt_token_ids=[1, 2])


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made, package, params = Engine(), ModuleType("vllm"), ModuleType("vllm.sampling_params")
    package.__spec__ = PythonModule("vllm", None)
    package.LLM, package.SamplingParams = made.load, SamplingParams  # type: ignore[attr-defined]
    params.StructuredOutputsParams = lambda json: ("json", json)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", package)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", params)
    return made


def ask(countries: list[str], *, ledger: Path | None = None, **settings: Any) -> RowsResult:
    told = ModelSpec(provider="vllm-offline", name="Qwen/Qwen3-4B", **settings)
    known = None if ledger is None else Ledger(ledger)
    job = RowsJob(
        subject="",
        fields=(RowField("city", {"type": "string"}),),
        n=len(countries),
        prompts=countries,
        attempts=0,
    )
    return ask_rows_sync(open_model(told, ledger=known), job)


def test_requests_that_wait_together_are_one_batch_with_their_schemas(engine: Engine) -> None:
    how: dict[str, Any] = {
        "temperature": 0.5,
        "thinking": False,
        "extra_body": {"max_model_len": 8192},
    }
    made = ask([f"Country {n}" for n in range(40)], **how)
    assert made.rows == [{"city": f"City of Country {n}"} for n in range(40)]
    assert made.usage.completion_tokens == 3 * 40
    assert engine.loaded == {"model": "Qwen/Qwen3-4B", "max_model_len": 8192}
    assert len(engine.batches) < 10
    for _, sampling, more in engine.batches:
        assert more == {"chat_template_kwargs": {"enable_thinking": False}}
        for each in sampling:
            assert each.temperature == 0.5
            assert each.max_tokens == REPLY
            assert each.structured_outputs[1]["properties"]["city"] == {"type": "string"}


def test_known_replies_load_no_model(engine: Engine, tmp_path: Path) -> None:
    first = ask(["Norway", "Chile"], ledger=tmp_path / "ledger.db")
    asked = len(engine.batches)
    engine.loaded.clear()
    again = ask(["Norway", "Chile"], ledger=tmp_path / "ledger.db")
    assert again.rows == first.rows
    assert (len(engine.batches), engine.loaded) == (asked, {})


def test_a_request_that_is_too_long_loses_no_other(engine: Engine) -> None:
    made = ask(["too long" if n == 2 else f"Country {n}" for n in range(5)])
    assert [row is None for row in made.rows] == [n == 2 for n in range(5)]
    assert "maximum model length" in made.rejects[0].reason
    assert sum(len(talks) for talks, _, _ in engine.batches) == 4


def test_without_the_extra_there_is_one_clear_error() -> None:
    with pytest.raises(PrerequisiteError, match="needs the extra `vllm`") as caught:
        open_model("vllm-offline:Qwen/Qwen3-4B")
    assert caught.value.hint == "pip install 'fabula[vllm]'"


def test_settings_of_endpoints_are_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="`base_url` is not possible"):
        ask(["Norway"], base_url="http://127.0.0.1:1/v1")
    assert engine.loaded == {}
