"""What others keep of a run, from the manifest: counters of OpenTelemetry, runs of trackers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

from fabula.errors import PrerequisiteError, UsageError
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


def log_run(
    run: Dataset | Path,
    *,
    evaluation: Any = None,
    to: Literal["mlflow", "wandb"] = "mlflow",
) -> str:
    """Log a run to MLflow or to Weights & Biases: into the run active there, else into a new one.

    Parameters are the seed, the hash of the spec, the versions and the rows asked for. Metrics are
    counts of rows and checks, seconds, calls and cost of language models, and the scores of an
    evaluation. The manifest is an artifact. No row is logged.

    Args:
        run: A dataset, or the folder of a run.
        evaluation: What `fb.evaluate` returned.
        to: Where: `mlflow` or `wandb`.

    Returns:
        The id of the run there.

    Raises:
        PrerequisiteError: The client is not installed.
        SourceError: The folder holds no finished run.
    """
    log = _TRACKERS.get(to)
    if log is None:
        raise UsageError(
            f"`{to}` is not a tracker", code="usage.tracker", hint='write `to="mlflow"` or "wandb"'
        )
    manifest = (run if isinstance(run, Dataset) else Dataset.open(run)).manifest
    found = {} if evaluation is None else evaluation.to_dict()
    files = {"manifest.json": dict(manifest)}
    if found:
        files["evaluation.json"] = json_ready(found)
    name = str(manifest.get("name", "fabula"))
    return log(name, _params(manifest), _metrics(manifest) | _scores(found), files)


def _to_mlflow(
    name: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    files: Mapping[str, Mapping[str, Any]],
) -> str:
    mlflow = _client("mlflow", install="mlflow-skinny")
    active = mlflow.active_run()
    started = active or mlflow.start_run(run_name=name)
    try:
        mlflow.log_params(params)
        mlflow.log_metrics(metrics)
        for file, content in files.items():
            mlflow.log_dict(content, file)
    finally:
        if active is None:
            mlflow.end_run()
    return str(started.info.run_id)


def _to_wandb(
    name: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    files: Mapping[str, Mapping[str, Any]],
) -> str:
    wandb = _client("wandb", install="wandb")
    active = wandb.run
    started = active or wandb.init(project=None if "WANDB_PROJECT" in os.environ else "fabula",
                                   name=name)  # fmt: skip
    try:
        started.config.update(params)
        started.summary.update(metrics)
        # Their names take fewer characters than those of files do.
        record = wandb.Artifact(re.sub(r"[^\w.-]", "_", f"{name}-run"), type="fabula-run")
        for file, content in files.items():
            with record.new_file(file) as stream:
                json.dump(content, stream)
        started.log_artifact(record)
    finally:
        if active is None:
            started.finish()
    return str(started.id)


_TRACKERS = {"mlflow": _to_mlflow, "wandb": _to_wandb}


def _client(module: str, *, install: str) -> Any:
    try:
        return import_module(module)
    except ImportError as exc:
        raise PrerequisiteError(
            f"`log_run` needs `{module}`",
            code="prerequisite.package",
            hint=f"pip install {install}",
        ) from exc


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
    """A name with characters that trackers take."""
    return "".join(char if char.isalnum() or char in "_-./ " else "_" for char in name)
