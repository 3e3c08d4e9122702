"""Runs the command line inside the test, in a folder of its own."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fabula.cli.main import main

SHOP = """\
fabula: 1
name: shop
tables:
  customers:
    n: 20
    columns:
      id: {kind: key}
      name: {kind: person, field: name}
      country: {kind: choice, values: [SE, ES, DE]}
      signed_up: {kind: datetime, start: 2024-01-01, end: 2026-01-01, date: true}
  orders:
    n: 50
    columns:
      id: {kind: key}
      customer_id: {kind: reference, to: customers}
      total: {kind: lognormal, median: 60, sigma: 0.5, min: 5, decimals: 2}
    checks:
      - {kind: row, sql: "total >= 5"}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A spec of two tables without language models, alone in its folder."""
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP, encoding="utf-8")
    return path


@pytest.fixture
def run(shop: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run `fabula` in a folder that holds `shop.yaml`; stdin is not a terminal."""
    monkeypatch.chdir(shop.parent)
    monkeypatch.setenv("NO_COLOR", "1")

    def run_command(*arguments: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capfd.readouterr()
        code = main(list(arguments))
        printed = capfd.readouterr()
        return Ended(code, printed.out, printed.err)

    return run_command
