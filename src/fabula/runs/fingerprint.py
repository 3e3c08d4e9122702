"""What a run is: its spec without secrets, and the fingerprint that decides its bytes."""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from importlib.metadata import version
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from fabula.planning.documents import own_templates
from fabula.planning.outputs import output_files
from fabula.planning.plan import Plan
from fabula.spec.tables import DatasetSpec

_LIBRARIES = ("fabula", "numpy", "pyarrow", "duckdb", "mimesis")
_HIDDEN = "***"
_FILES = ("path", "file", "ca_file", "template", "fonts")
"""Names of parameters that hold files."""


def identity(plan: Plan, file_format: str, *, escape_formulas: bool = False) -> dict[str, Any]:
    """What `run.json` says: the run's fingerprint and what went into it."""
    facts = {
        "fabula": version("fabula"),
        "spec_sha256": spec_sha256(plan.spec),
        "seed": plan.seed,
        "tables": {table.name: table.rows for table in plan.tables},
        "format": file_format,
        **({"escape_formulas": True} if escape_formulas else {}),
        **({"templates": own} if (own := own_templates(plan.spec)) else {}),
    }
    return {"fingerprint": fingerprint(facts), **facts, "outputs": output_files(plan.spec)}


def spec_sha256(spec: DatasetSpec) -> str:
    """The hash of a spec's content, however it was written down."""
    return fingerprint(public_spec(spec))


def public_spec(spec: DatasetSpec) -> dict[str, Any]:
    """The spec as plain values, fit to be shown to anyone.

    Header values, credentials inside addresses and folders of this machine are left out.
    """
    values = spec.model_dump(mode="json", exclude_none=True)
    for model in values["models"].values():
        if isinstance(model, dict):
            model["headers"] = dict.fromkeys(model["headers"], _HIDDEN)
            for name in ("base_url", "proxy"):
                if name in model:
                    model[name] = _public_address(model[name])
    public: dict[str, Any] = _without_folders(values)
    return public


def versions() -> dict[str, str]:
    """The versions of everything that has a part in the bytes."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _LIBRARIES}}


@cache
def _version(name: str) -> str:
    return version(name)


def _public_address(address: str) -> str:
    """An address without user, password and query."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _without_folders(value: Any) -> Any:
    """The value with every absolute path of a file cut down to its name."""
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _file_name(item)
        if name in _FILES and isinstance(item, str)
        else _without_folders(item)
        for name, item in value.items()
    }


def _file_name(path: str) -> str:
    for flavour in (PurePosixPath, PureWindowsPath):
        if flavour(path).is_absolute():
            return flavour(path).name
    return path


def fingerprint(value: Any) -> str:
    """The hash of plain values."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
