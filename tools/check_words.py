"""The house's English: phrases that native writers don't use, and codes that only insiders know."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("src", "docs", "tests", "tools", "benchmarks", "examples")
PAGES = ("README.md", "CONTRIBUTING.md")

_IDIOMS = (
    "more|longer|such|room|one|use|reason|good|better|less|way|need|worse|different|time|place"
)
PHRASES = (
    (
        re.compile(rf"(?<!there )(?<!There )\b(is|are) no (?!(?:{_IDIOMS})\b)[a-z`]"),
        "`{} not a …` says it in plain English",
    ),
    (re.compile(r"\b(anew)\b"), "`{}` is archaic: write `again`, or `newly generated`"),
    (re.compile(r"\b([Ww]hat bec[oa]mes? of)\b"), "write `what happens to`, not `{}`"),
    (re.compile(r"\b(can't be had)\b"), "write `is not available`, not `{}`"),
    (re.compile(r"\b(of its own accord)\b"), "write `by itself`, not `{}`"),
    (re.compile(r"\b(makes? no sense)\b"), "write `is not possible`, not `{}`"),
    (re.compile(r"\b((?:held|hold|holds) \w+ against)\b"), "write `compare with`, not `{}`"),
    (re.compile(r"(:\.\d%\})"), "write `amounts.percent(share)`, not `{}`"),
    (re.compile(r"\b([Mm]end(?:s|ed|ing)?)\b"), "write `repair`, not `{}`"),
)
"""A phrase, and what to write in its place."""

_CODE = re.compile(r"^(?:[A-F]\d(?:\.\d+)?\b|E[.:,] )")


def problems(root: Path) -> list[str]:
    """Each phrase to replace, and each test docstring that opens with a private code."""
    found = [
        f"{path.relative_to(root)}:{number}: {advice.format(match[1])}"
        for path in _texts(root)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for phrase, advice in PHRASES
        if (match := phrase.search(line))
    ]
    for path in sorted((root / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
                said = ast.get_docstring(node) or ""
                if code := _CODE.match(said):
                    line = getattr(node, "lineno", 1)
                    place = f"{path.relative_to(root)}:{line}"
                    found.append(f"{place}: `{code[0].strip()}` says nothing to readers")
    return found


def _texts(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in {".py", ".md", ".yaml"} and path.name != Path(__file__).name:
                yield path
    yield from (root / page for page in PAGES if (root / page).is_file())
