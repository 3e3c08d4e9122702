"""Runs every example and writes the gallery: `docs/examples.md`, with a picture of each result.

`python -m tools.write_gallery [NAME...]` draws pictures again, and always writes the whole page.
"""

from __future__ import annotations

import ast
import os
import runpy
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pyarrow as pa

import fabula as fb
from fabula.cli.main import main as fabula
from fabula.io.tables import named_tables
from fabula.render.dataset import histogram
from fabula.render.svg import LINE, STRONG, SYNTHETIC, Drawing, rect, short, text
from fabula.reports.simulation_charts import simulation_charts
from fabula.types import TableLike

ROOT = Path(__file__).parents[1]
EXAMPLES, PAGE = ROOT / "examples", ROOT / "docs" / "examples.md"
PICTURES = ROOT / "docs" / "images" / "gallery"
MODELS = ROOT / "src" / "fabula" / "templates"

SECTIONS = {
    "From rules and relations": (
        "shop.yaml", "invoices.yaml", "sensors.yaml", "database.py",
    ),
    "From a language model": (
        "items.py", "appliances.py", "append.py", "tvs.yaml", "housing.py", "medical_bills.py",
        "actors.py", "housing_program.py", "housing_tables.py",
    ),
    "Training sets": (
        "product_pairs.py", "support_chat.py", "checked_maths.py", "grounded_questions.py",
    ),
    "From real data": ("learned.py", "learned_tables.py", "release.py", "blend.py"),
    "From a simulation": (
        "store.py", "payments.py", "hospital.py", "support.py", "website.py", "epidemic.py",
    ),
}  # fmt: skip

_WIDTH, _COLUMNS, _ROWS = 720.0, 5, 4
_ENDINGS = (".csv", ".parquet", ".jsonl", ".sqlite")


def main(names: list[str]) -> None:
    """Draw the pictures of some examples, or of all, and write the page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for example in (each for section in SECTIONS.values() for each in section):
        if not names or example in names:
            drawn = picture_of(file_of(example)).alone()
            paper = drawn.replace(">", '><rect width="100%" height="100%" fill="#fff"/>', 1)
            (PICTURES / f"{Path(example).stem}.svg").write_text(paper + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def file_of(example: str) -> Path:
    """The file of an example; ready models come with the package."""
    shipped = MODELS / example
    return shipped if shipped.suffix == ".py" and shipped.exists() else EXAMPLES / example


def page() -> str:
    """The gallery as Markdown."""
    lines = [
        "# Examples\n",
        "Each file does one job from start to end. Scripts that use a language model take its\n"
        "name, and use `fake` without one: `python examples/items.py openai:gpt-4o-mini`. The\n"
        "pictures show what the examples write; answers of `fake` are stand-ins.\n",
    ]
    for title, names in SECTIONS.items():
        lines.append(f"## {title}\n")
        for name in names:
            first, rest = said_by(file_of(name))
            picture = f"images/gallery/{Path(name).stem}.svg"
            lines += [
                f"### {first}\n",
                f"[{name}](../{file_of(name).relative_to(ROOT).as_posix()}){rest}\n",
                f"![{first}]({picture})\n",
            ]
    lines += [
        "## Notebooks\n",
        "Scripts in the percent format. VS Code opens them as notebooks, and Jupyter does with\n"
        "jupytext.\n",
    ]
    for path in sorted((EXAMPLES / "notebooks").glob("*.py")):
        title = path.read_text(encoding="utf-8").splitlines()[1].removeprefix("# # ")
        lines.append(f"- [{title}](../examples/notebooks/{path.name})")
    return "\n".join(lines) + "\n"


def said_by(path: Path) -> tuple[str, str]:
    """What an example says first, and the rest."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        comment = [line[2:] for line in source.splitlines() if line[:2] == "# "]
        said = " ".join(line for line in comment if "$schema" not in line)
        return said.partition(": `")[0].partition(". ")[0], ""
    told = ast.get_docstring(ast.parse(source)) or ""
    first, _, rest = told.partition("\n\n")
    rest = " ".join(rest.split())
    return first.split(": `")[0].rstrip(".").replace("\n", " "), f": {rest}" if rest else ""


def picture_of(path: Path) -> Drawing:
    """An example's result: a chart of a simulation, or the first rows of a table."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        os.environ["FABULA_HOME"] = f"{folder}/home"
        if path.suffix == ".yaml":
            fabula(["generate", str(path), "-o", "out", "--model", "fake", "--quiet"])
            return table_picture("out")
        if "fabula.simulation" in path.read_text(encoding="utf-8"):
            return next(simulation_charts(fb.simulate(path)))
        sys.argv = [str(path)]
        named = runpy.run_path(str(path), run_name="__main__")
        held = [each for each in named.values() if isinstance(each, list) and each]
        written = sorted(Path.cwd().rglob("*"), key=lambda each: each.stat().st_mtime)
        files = [each for each in written if each.suffix in _ENDINGS and "home" not in each.parts]
        return table_picture(files[-1] if files else held[-1])


def table_picture(data: TableLike) -> Drawing:
    """The first rows of the longest table, with the distributions of its numbers."""
    table = max(named_tables(data).values(), key=lambda each: each.num_rows)
    names = table.column_names[:_COLUMNS]
    wide = _WIDTH / len(names)
    letters = int(wide / 6.6)
    parts = []
    for place, name in enumerate(names):
        x = place * wide
        parts += [text(x, 14, short(name, letters), strong=True, fill=STRONG)]
        parts += list(_bars(table.column(name), x, wide - 24))
        for row, value in enumerate(table.column(name).slice(0, _ROWS).to_pylist()):
            shown = "" if value is None else " ".join(str(value).split())
            parts.append(text(x, 72 + 22 * row, short(shown, letters), fill=STRONG))
    for row in range(_ROWS):
        parts.append(rect(0, 55 + 22 * row, _WIDTH, 1, LINE, round_=0))
    return Drawing(_WIDTH, 58 + 22 * _ROWS, parts, f"{table.num_rows:,} rows")


def _bars(column: pa.ChunkedArray, x: float, wide: float) -> Iterator[str]:
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return
    numbers = column.drop_null().to_numpy().astype(float)
    if len(set(numbers)) == len(numbers) and pa.types.is_integer(column.type):
        return
    heights = histogram(numbers)
    step = wide / len(heights)
    for at, height in enumerate(heights):
        tall = 26 * height / heights.max()
        yield rect(x + at * step, 48 - tall, step - 1, tall, SYNTHETIC, round_=1)


if __name__ == "__main__":
    main(sys.argv[1:])
