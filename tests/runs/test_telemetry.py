"""OpenTelemetry and MLflow see how a run went, and nothing of what is in it."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import fabula as fb
from fabula import telemetry
from fabula.errors import CheckError, PrerequisiteError, UsageError

SHOP = {
    "name": "shop",
    "seed": 5,
    "tables": {
        "customers": {
            "n": 12,
            "columns": {
                "id": {"kind": "key"},
                "note": {"kind": "constant", "value": "private words"},
            },
            "checks": [{"kind": "range", "column": "id", "min": 1}],
        },
        "texts": {
            "n": 3,
            "columns": {"text": {"kind": "llm", "prompt": "private prompt", "model": "fake"}},
        },
    },
}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    return reader


def named(spans: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = {}
    for each in spans.get_finished_spans():
        found.setdefault(each.name, []).append(each)
    return found


def test_a_run_is_a_span_with_one_for_each_table(
    spans: InMemorySpanExporter, tmp_path: Path
) -> None:
    fb.generate(SHOP, output=tmp_path / "shop.sqlite")
    found = named(spans)
    (run,) = found["fabula.run"]
    assert run.attributes == {
        "fabula.seed": 5,
        "fabula.tables": 2,
        "fabula.passed": True,
        "fabula.rejected": 0,
    }
    assert [dict(each.attributes or {}) for each in found["fabula.table"]] == [
        {"fabula.table": "customers", "fabula.rows": 12, "fabula.parts": 1},
        {"fabula.table": "texts", "fabula.rows": 3, "fabula.parts": 1},
    ]
    assert all(each.parent == run.context for each in found["fabula.table"])
    assert len(found["fabula.load"]) == 1
    assert "private" not in "".join(each.to_json() for each in spans.get_finished_spans())


def test_a_failed_step_has_the_code_of_its_error_and_not_its_text(
    spans: InMemorySpanExporter,
) -> None:
    with pytest.raises(CheckError), telemetry.span("fabula.step"):
        raise CheckError("a private value", code="check.failed")
    (step,) = named(spans)["fabula.step"]
    assert dict(step.attributes or {}) == {"error.type": "check.failed"}
    assert not step.status.is_ok
    assert "private" not in step.to_json()


def test_rows_checks_and_model_calls_are_counted(numbers: InMemoryMetricReader) -> None:
    fb.generate(SHOP)
    data = numbers.get_metrics_data()
    assert data is not None
    found: dict[str, Any] = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        for point in metric.data.data_points:
            found[metric.name, *map(str, (point.attributes or {}).values())] = point.value  # type: ignore[union-attr]
    assert found["fabula.rows", "customers", "written"] == 12
    assert found["fabula.rows", "texts", "written"] == 3
    assert found["fabula.checks", "customers", "passed"] == 1
    assert found["fabula.model.calls", "fake"] >= 1


def test_without_opentelemetry_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("opentelemetry.trace", "opentelemetry.metrics"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with telemetry.span("fabula.step", seed=1) as note:
        note(rows=3)
    telemetry.count("rows", 3)
    assert "opentelemetry.trace" not in sys.modules


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_is_logged_to_mlflow_without_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    made = fb.generate(SHOP, output=tmp_path / "out")
    measured = fb.evaluate({"customers": made["customers"]})
    run = mlflow.get_run(fb.log_run(tmp_path / "out", evaluation=measured))
    assert run.data.params["seed"] == "5"
    assert run.data.params["rows_customers"] == "12"
    assert run.data.metrics["written"] == 15
    assert run.data.metrics["checks_failed"] == 0
    logged = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/manifest.json")
    assert logged["tables"]["customers"]["written"] == 12
    with mlflow.start_run() as own:
        assert fb.log_run(made) == own.info.run_id


@pytest.mark.slow
def test_a_run_is_logged_to_weights_and_biases_without_its_rows(tmp_path: Path) -> None:
    """By its own client, offline: what it would send lies in a file."""
    fb.generate(SHOP, output=tmp_path / "out")
    program = """
import fabula as fb, wandb
measured = fb.evaluate({"customers": fb.Dataset.open("out")["customers"]})
print(fb.log_run("out", evaluation=measured, to="wandb"))
with wandb.init(project="mine") as own:
    assert fb.log_run("out", to="wandb") == own.id
"""
    settings = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={**os.environ, **settings}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    logged = {}
    for file in sorted(tmp_path.glob("wandb/offline-run-*/*.wandb")):
        found = dict(_sent(file.read_bytes()))
        logged[found.pop("project")] = found
    assert logged["fabula"]["seed"] == "5"
    assert logged["fabula"]["rows_customers"] == "12"
    assert logged["fabula"]["written"] == "15.0"
    assert logged["fabula"]["checks_failed"] == "0.0"
    assert any(name.startswith("score_") for name in logged["fabula"])
    assert logged["fabula"]["artifact"] == "evaluation.json manifest.json"
    assert logged["mine"]["artifact"] == "manifest.json"


def _sent(data: bytes) -> Iterator[tuple[str, str]]:
    """What is in the log of an offline run: records in blocks, each with a head of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    at, held = 7, b""
    while at + 7 <= len(data):
        if 32_768 - at % 32_768 < 7:
            at += 32_768 - at % 32_768
            continue
        size, kind = struct.unpack_from("<HB", data, at + 4)
        held, at = held + data[at + 7 : at + 7 + size], at + 7 + size
        if kind not in (1, 4):  # a whole record, or the last part of one
            continue
        record, held = Record.FromString(held), b""
        if record.HasField("run"):
            yield "project", record.run.project
            yield from ((item.key, item.value_json) for item in record.run.config.update)
        yield from ((item.key, item.value_json) for item in record.summary.update)
        yield from ((item.key, item.value_json) for item in record.config.update)
        if record.HasField("artifact"):
            yield (
                "artifact",
                " ".join(sorted(item.path for item in record.artifact.manifest.contents)),
            )


@pytest.mark.parametrize(("tracker", "package"), [("mlflow", "mlflow-skinny"), ("wandb", "wandb")])
def test_a_tracker_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tracker: Any, package: str
) -> None:
    monkeypatch.setitem(sys.modules, tracker, None)
    with pytest.raises(PrerequisiteError) as missing:
        fb.log_run(fb.generate("age int 1..9", n=2), to=tracker)
    assert missing.value.hint == f"pip install {package}"
    with pytest.raises(UsageError, match="`neptune` is not a tracker"):
        fb.log_run(fb.generate("age int 1..9", n=2), to="neptune")  # type: ignore[arg-type]


def test_a_finished_run_that_is_found_again_is_not_counted_again(
    numbers: InMemoryMetricReader, tmp_path: Path
) -> None:
    for _ in range(2):
        fb.generate("age int 1..9", n=7, seed=1, output=tmp_path / "out")
    data = numbers.get_metrics_data()
    assert data is not None
    (rows,) = data.resource_metrics[0].scope_metrics[0].metrics
    (point,) = rows.data.data_points
    assert point.value == 7  # type: ignore[union-attr]
