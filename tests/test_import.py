"""`import fabula` is quick and light, and its public names change only on purpose.

Times are CPU times, the best of several runs, so that a busy machine does not decide.
"""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import fabula

RUNS = 5
PUBLIC_NAMES = [
    "Advice",
    "Blended",
    "Calibrated",
    "Dataset",
    "DatasetSpec",
    "FabulaError",
    "Generalised",
    "Masked",
    "PictureReport",
    "PictureSynthesizer",
    "Plan",
    "Rehearsal",
    "RelationalSynthesizer",
    "Replicates",
    "Report",
    "Synthesized",
    "Synthesizer",
    "TableSpec",
    "Tool",
    "Unmasked",
    "View",
    "__version__",
    "aconversations",
    "adescribe",
    "advise",
    "aextend",
    "aextract",
    "agrounded",
    "apairs",
    "arewrite",
    "arows",
    "asolve",
    "balance",
    "balance_plan",
    "blend",
    "calibrate",
    "col",
    "contact_sheet",
    "conversations",
    "describe",
    "evaluate",
    "evaluate_pictures",
    "export",
    "extend",
    "extract",
    "film",
    "fit",
    "fit_pictures",
    "generalise",
    "generate",
    "grounded",
    "infer",
    "judges",
    "load",
    "load_synthesizer",
    "log_run",
    "mask",
    "merge",
    "near_duplicates",
    "pairs",
    "plan",
    "preview",
    "program",
    "record_mesa",
    "rehearse",
    "replicate",
    "resolve",
    "review_export",
    "review_import",
    "rewrite",
    "rows",
    "run_program",
    "scan",
    "scan_pictures",
    "simulate",
    "simulate_regions",
    "solve",
    "speak",
    "strategy",
    "synthesize",
    "unmask",
    "validate",
    "view",
    "worth",
]

LOADED_LATER = {
    "aiohttp",
    "duckdb",
    "faker",
    "jax",
    "jinja2",
    "lightgbm",
    "pandas",
    "polars",
    "rich",
    "scipy",
    "sklearn",
    "torch",
    "typer",
    "wordllama",
    "xllamacpp",
}


def test_the_public_names_are_exactly_these() -> None:
    assert sorted(fabula.__all__) == sorted(PUBLIC_NAMES)
    assert all(hasattr(fabula, name) for name in PUBLIC_NAMES)


def test_import_loads_no_heavy_package() -> None:
    loaded = run_python("import sys, fabula; print(*sys.modules)").split()
    assert LOADED_LATER.isdisjoint(loaded)


def test_rows_of_a_model_need_no_arrow() -> None:
    """So that a process that asks for rows stays small."""
    code = "import sys, fabula as fb; fb.rows(prompt='x', n=2, model='fake'); print(*sys.modules)"
    assert {"numpy", "pyarrow", "duckdb"}.isdisjoint(run_python(code).split())


def test_generate_loads_what_its_spec_names(tmp_path: Path) -> None:
    """Neither SQL's engine, nor other kinds, nor what guesses specs of data: each costs a start."""
    spec = tmp_path / "shop.yaml"
    spec.write_text(
        """\
fabula: 1
tables:
  customers:
    n: 10
    columns:
      id: {kind: key}
      signed_up: {kind: datetime, start: 2022-01-01, end: 2026-01-01, date: true}
  orders:
    per_parent: {of: customers, poisson: 3}
    columns:
      id: {kind: key}
      customer_id: {kind: reference, to: customers}
      placed: {kind: datetime, start: customer_id.signed_up, within: 700d}
""",
        encoding="utf-8",
    )
    code = (
        "import sys; from fabula.cli.main import main;"
        f"main(['generate', {str(spec)!r}, '-o', {str(tmp_path / 'out')!r}]); print(*sys.modules)"
    )
    loaded = set(run_python(code).split())
    assert {"fabula.runs.execute", "fabula.kinds.datetime"} <= loaded
    unused = {"asyncio", "duckdb", "fabula.kinds.weibull", "fabula.inference.infer", "fabula.pii"}
    unused |= {"fabula.dedup", "fabula.training"}
    assert not unused & loaded


def test_a_run_into_one_file_does_not_open_it_again(tmp_path: Path) -> None:
    """`pyarrow.dataset`, which reads results, brings pandas: 50 MB and a second."""
    code = (
        "import sys, fabula as fb;"
        f"fb.generate('3 rows of pets: name', model='fake', output={str(tmp_path / 'a.csv')!r});"
        "print(*sys.modules)"
    )
    assert not {"pandas", "pyarrow.dataset"} & set(run_python(code).split())


def test_import_takes_less_than_150_ms() -> None:
    code = "from time import process_time as t; a = t(); import fabula; print(t() - a)"
    assert min(float(run_python(code)) for _ in range(RUNS)) < 0.150


def test_help_takes_less_than_200_ms() -> None:
    command = [str(Path(sys.executable).with_name("fabula")), "--help"]
    assert min(cpu_seconds(command) for _ in range(RUNS)) < 0.200


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return shown.stdout


def cpu_seconds(command: list[str]) -> float:
    """The CPU time of a command that must succeed, its start included."""
    with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def environment() -> dict[str, str]:
    """This process's environment, with compiled modules kept from run to run as users have them."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def test_benchmarks_and_examples_import_names_that_exist():
    """A name that was changed in the package is changed there, too."""
    root = Path(__file__).parents[1]
    files = [
        file for folder in ("benchmarks", "examples") for file in (root / folder).rglob("*.py")
    ]
    imports = [
        (node.module, each.name)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fabula")
        for each in node.names
    ]
    assert len(imports) > 20
    assert [pair for pair in imports if not _has(*pair)] == []


def _has(module: str, name: str) -> bool:
    home = importlib.import_module(module)
    return hasattr(home, name) or (
        hasattr(home, "__path__") and find_spec(f"{module}.{name}") is not None
    )
