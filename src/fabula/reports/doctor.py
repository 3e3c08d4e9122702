"""What works here: Python, extras, the embedded model, the sandbox, keys, endpoints, disk."""

from __future__ import annotations

import os
import platform
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from fabula.errors import FabulaError, PrerequisiteError
from fabula.extras import extras
from fabula.llm.client.credentials import key_names
from fabula.llm.client.presets import endpoints
from fabula.llm.client.user_dirs import home
from fabula.llm.providers.local.pull import pulled
from fabula.render import amounts
from fabula.sandbox.run import enforced, require_sandbox

LITTLE_SPACE = 1_000_000_000
"""Free bytes below which the disk is a problem."""

PATIENCE = 2.0
"""Seconds that an endpoint has to accept a connection."""


@dataclass(frozen=True)
class Finding:
    """One line: `ok`, `--` for what is off, `!!` for what is wrong; and what to do about it."""

    state: Literal["ok", "--", "!!"]
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.state} {self.what}" + (f": {self.fix}" if self.fix else "")


def examine(address: str | None = None) -> list[Finding]:
    """Look at everything once; only what the environment names is contacted.

    Args:
        address: Of a Ray cluster to look at; by default the one that `RAY_ADDRESS` names.
    """
    return [
        Finding("ok", f"python {platform.python_version()} on {platform.platform(terse=True)}"),
        Finding("ok", f"fabula {metadata.version('fabula')}"),
        *_extras(),
        _embedded_model(),
        _sandbox(),
        *_keys(),
        *_endpoints(),
        *_cluster(address or os.environ.get("RAY_ADDRESS")),
        _disk("current folder", Path.cwd()),
        _disk("FABULA_HOME", home()),
    ]


def _cluster(address: str | None) -> Iterator[Finding]:
    """The nodes of a Ray cluster, each with the versions that decide bytes."""
    if not address:
        return
    from fabula.runs.cluster.ray_cluster import RayCluster  # Ray takes a second to import
    from fabula.runs.fingerprint import versions

    try:
        cluster = RayCluster(address)
    except PrerequisiteError as error:
        yield Finding("!!", error.message, error.hint or "")
        return
    here = {name: version for name, version in versions().items() if name != "python"}
    try:
        for number, node in enumerate(cluster.nodes(), start=1):
            what = f"Ray node {number}, {node['host']}, {amounts.count(node['cpus'], 'CPU')}"
            there = node["versions"]
            if problem := there.get("problem"):
                yield Finding("!!", f"{what}: {problem}", "install fabula there")
                continue
            others = [
                f"{name} {there.get(name)}, here {version}"
                for name, version in here.items()
                if there.get(name) != version
            ]
            if others:
                yield Finding("!!", f"{what}: {'; '.join(others)}", "install the same versions")
            else:
                yield Finding("ok", f"{what}: the versions of this machine")
    finally:
        cluster.close()


def _extras() -> Iterator[Finding]:
    for extra, packages in extras().items():
        missing = [name for name in packages if not _is_installed(name)]
        if missing:
            what = f"extra {extra}: {', '.join(missing)} not installed"
            yield Finding("--", what, f"pip install 'fabula[{extra}]'")
        else:
            yield Finding("ok", f"extra {extra}: {', '.join(packages)}")


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _embedded_model() -> Finding:
    weights = pulled()
    if weights is None:
        return Finding("--", "embedded model not pulled", "fabula models pull local")
    return Finding("ok", f"embedded model {weights.name}")


def _sandbox() -> Finding:
    """Whether programs of models can be run here; tries it in a real process."""
    try:
        require_sandbox()
    except PrerequisiteError as error:
        return Finding("--", error.message, error.hint or "")
    return Finding("ok", f"sandbox for programs of models: {enforced()}")


def _keys() -> Iterator[Finding]:
    try:
        kept = key_names()
    except FabulaError as error:
        yield Finding("!!", error.message, error.hint or "")
        kept = []
    for name, preset in endpoints().items():
        variable = next((each for each in preset.key_env if os.environ.get(each)), None)
        if variable:
            yield Finding("ok", f"key for {name} in {variable}")
        elif name in kept:
            yield Finding("ok", f"key for {name} stored by `fabula keys set`")


def _endpoints() -> Iterator[Finding]:
    for name, preset in endpoints().items():
        if preset.url_env and os.environ.get(preset.url_env):
            address = preset.address()
            reason = _refusal(address)
            what = f"{name} at {address} ({preset.url_env})"
            if reason is None:
                yield Finding("ok", what)
            else:
                start = f"start it ({preset.start}), or " if preset.start else ""
                yield Finding("!!", f"{what}: {reason}", f"{start}correct {preset.url_env}")


def _refusal(address: str) -> str | None:
    """Why nothing accepts a connection at an address, or None when something does."""
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=PATIENCE).close()
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error) or "no answer"
    return None


def _disk(label: str, folder: Path) -> Finding:
    place = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    free = shutil.disk_usage(place).free
    what = f"{label}: {amounts.size(free)} free in {folder}"
    if not os.access(place, os.W_OK):
        return Finding("!!", what, "it can't be written")
    return Finding("ok", what) if free >= LITTLE_SPACE else Finding("!!", what, "free some space")
