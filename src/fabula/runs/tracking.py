"""What others keep of a run: counters of OpenTelemetry, and an MLflow run, from the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabula.errors import PrerequisiteError
from fabula.runs.dataset import Dataset
from fabula.runs.manifest import json_ready
from fabula.telemetry import count
from fabula.types import Path


def count_run(manifest: Mapping[str, Any]) -> None:
    """Add the rows, checks and model calls of a run to the counters of OpenTelemetry."""
    for name, table in manifest["tables"].items():
        for outcome in ("written", "rejected"):
            count("rows", table[outcome], table=name, outcome=outcome)
    for check in manifest["checks"]:
        outcome = "passed" if check["passed"] else "failed"
        count("checks", 1, table=check["table"], outcome=outcome)
    for name, usage in manifest["models"].items():
        count("model.calls", usage["calls"], model=name)
        for kind in ("prompt", "completion"):
            count("model.tokens", usage.get(f"{kind}_tokens"), model=name, kind=kind)


def log_run(run: Dataset | Path, *, evaluation: Any = None) -> str:
    """Log a run to MLflow: into the run that is active there, else into a new one.

    Parameters are the seed, the hash of the spec, the versions and the rows asked for. Metrics are
    counts of rows and checks, seconds, calls and cost of language models, and the scores of an
    evaluation. The manifest is an artifact. No row is logged.

    Args:
        run: A dataset, or the folder of a run.
        evaluation: What `fb.evaluate` returned.

    Returns:
        The id of MLflow's run.

    Raises:
        PrerequisiteError: MLflow is not installed.
        SourceError: The folder holds no finished run.
    """
    try:
        import mlflow
    except ImportError as exc:
        raise PrerequisiteError(
            "`log_run` needs MLflow",
            code="prerequisite.package",
            hint="pip install mlflow-skinny",
        ) from exc
    manifest = (run if isinstance(run, Dataset) else Dataset.open(run)).manifest
    found = {} if evaluation is None else evaluation.to_dict()
    active = mlflow.active_run()
    started = active or mlflow.start_run(run_name=str(manifest.get("name", "fabula")))
    try:
        mlflow.log_params(_params(manifest))
        mlflow.log_metrics(_metrics(manifest) | _scores(found))
        mlflow.log_dict(dict(manifest), "manifest.json")
        if found:
            mlflow.log_dict(json_ready(found), "evaluation.json")
    finally:
        if active is None:
            mlflow.end_run()
    return str(started.info.run_id)


def _params(manifest: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: manifest[name] for name in ("name", "seed", "spec_sha256") if name in manifest}
    asked = {
        f"rows_{_plain(name)}": table["requested"] for name, table in manifest["tables"].items()
    }
    return {**known, "fabula": manifest.get("versions", {}).get("fabula"), **asked}


def _metrics(manifest: Mapping[str, Any]) -> dict[str, float]:
    tables, checks = manifest["tables"].values(), manifest.get("checks", ())
    models = manifest.get("models", {}).values()
    return {
        **{
            key: float(sum(table[key] for table in tables))
            for key in ("requested", "written", "rejected")
        },
        "checks": float(len(checks)),
        "checks_failed": float(sum(not check["passed"] for check in checks)),
        "seconds": float(manifest.get("timings", {}).get("seconds", 0)),
        "model_calls": float(sum(usage["calls"] for usage in models)),
        "model_cost": float(sum(usage.get("cost") or 0 for usage in models)),
    }


def _scores(found: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among the scores of an evaluation, and how many gates failed."""
    scores = {
        _plain(f"score_{name}"): float(value)
        for name, value in (found.get("scores") or {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    gates = found.get("gates") or ()
    return {**scores, **({"gates_failed": float(_failed(gates))} if gates else {})}


def _failed(gates: Any) -> int:
    return sum(gate["passed"] is False for gate in gates)


def _plain(name: str) -> str:
    """A name with characters that MLflow takes."""
    return "".join(char if char.isalnum() or char in "_-./ " else "_" for char in name)
