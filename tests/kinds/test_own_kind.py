"""A kind and a check of a program's own: registered by the same calls, usable in every way."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = '''
import math
from typing import Literal
import numpy as np
import fabula as fb
from fabula.checks.results import CheckResult
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.engines.families import AbstractFamily
from fabula.engines.kinds import family_of
from fabula.kinds import column_kind
from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import Scale
from fabula.kinds.checks import check_kind
from fabula.spec.schema import json_schema

fb.plan("id key", n=1)  # specs were read before


@column_kind(example="{kind: rayleigh, scale: 2}", aka=("waves",))
class Rayleigh(AbstractDistribution):
    """Heights of waves."""

    kind: Literal["rayleigh"] = "rayleigh"
    scale: Scale = 1.0

    def support(self):
        return 0.0, math.inf

    def expectation(self):
        return self.scale * math.sqrt(math.pi / 2)

    @classmethod
    def fitted(cls, seen):
        scale = seen.mean / math.sqrt(math.pi / 2)
        return {"scale": scale}, lambda x: 1 - math.exp(-((x / scale) ** 2) / 2)


@family_of("rayleigh")
class Family(AbstractFamily):
    def draw(self, rng, n, p):
        return self.quantile(rng.random(n), p)

    def quantile(self, u, p):
        return p["scale"] * np.sqrt(-2 * np.log1p(-u))

    def cdf(self, x, p):
        return -np.expm1(-np.square(np.maximum(x, 0) / p["scale"]) / 2)


@check_kind(example="{kind: odd}")
class Odd(AbstractCheck):
    """The number of rows is odd."""

    kind: Literal["odd"] = "odd"

    def in_words(self):
        return "an odd number of rows"


def evaluate(spec, data, table, check):
    (rows,) = data.row(f"SELECT count(*) FROM {data.view(table)}")
    return CheckResult.of(table, check, f"{rows} rows", failing=0 if rows % 2 else 1)


EVALUATIONS.register("odd", Evaluation(evaluate))

SPEC = """
tables:
  sea:
    n: 501
    columns:
      id: {kind: key}
      height: {kind: rayleigh, scale: 3, min: 1}
      mixed: {kind: mixture, of: [{kind: rayleigh, weight: 2}, {kind: normal}]}
    checks: [{kind: odd}]
  gulls:
    per_parent: {of: sea, rayleigh: {scale: 2}}
    columns: {sea_id: {kind: reference, to: sea}}
"""
open("sea.yaml", "w").write(SPEC)
plan = fb.plan("sea.yaml")
data = fb.generate("sea.yaml")
print(data.to_arrow("sea").num_rows, data.checks.passed)
print(abs(plan["gulls"].rows / data.to_arrow("gulls").num_rows - 1) < 0.2)
print("rayleigh" in json_schema(())["$defs"]["PerParent"]["properties"])
print(fb.col.rayleigh(3), fb.preview("x rayleigh 2", n=2).num_rows)
try:
    fb.plan({"tables": {"t": {"n": 1, "columns": {"x": {"kind": "waves"}}}}})
except fb.FabulaError as error:
    print(error.violations[0].hint)
try:
    fb.plan("x rayleigh 2 max=-1", n=1)
except fb.FabulaError as error:
    print(error.violations[0].code)
waves = 3 * np.sqrt(-2 * np.log1p(-np.random.default_rng(0).random(900)))
print(fb.infer({"height": waves}).spec.tables["data"].columns["height"].kind)
'''


@pytest.mark.slow
def test_a_kind_and_a_check_of_a_program_work_like_built_in_ones(tmp_path) -> None:
    """The spec's classes were built before the program registered them."""
    shown = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[:3] == ["501 True", "True", "True"]
    assert lines[3].startswith("kind='rayleigh'")
    assert lines[3].endswith(" 2")
    assert "did you mean `rayleigh`?" in lines[4]
    assert lines[5] == "spec.empty-range"
    assert lines[-1] == "rayleigh"
