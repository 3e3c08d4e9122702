"""Every column kind is whole: parameters, facts, an engine, and what is generated from them.

A kind is a module of `fabula.kinds` and, unless its values are made with those of other columns,
the module of the same name in `fabula.engines.kinds`. The reference of kinds and the signatures of
`fabula.col` are written from the classes by `python -m tools.check_entries --write`.
"""

from __future__ import annotations

import ast
import datetime as dt
import subprocess
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

KINDS = "src/fabula/kinds"
ENGINES = "src/fabula/engines/kinds"
SIGNATURES = "src/fabula/spec/col.pyi"
REFERENCE = "docs/reference/kinds.md"
TOGETHER = {"AbstractFilled"}
"""Base classes of kinds whose values are made with those of other columns."""


def problems(root: Path) -> list[str]:
    """Kinds and engines that lack a part, and generated files that are out of date."""
    found: list[str] = []
    if not (root / KINDS).is_dir():
        return found
    kinds, engines = entries(root / KINDS), {path.stem for path in modules(root / ENGINES)}
    for path in modules(root / KINDS):
        place, kind = path.relative_to(root), kinds.get(path.stem)
        if kind is None:
            found.append(f"{place}: registers no column kind `{path.stem}` by `@column_kind`")
        elif is_made_alone(kind) and path.stem not in engines:
            found.append(f"{place}: its engine is missing; write {ENGINES}/{path.name}")
    for path in modules(root / ENGINES):
        if path.stem not in kinds:
            found.append(f"{path.relative_to(root)}: there is no kind `{path.stem}`")
        elif not registers_engine(path):
            found.append(f"{path.relative_to(root)}: registers no engine of `{path.stem}`")
    return found or list(out_of_date(root))


def modules(folder: Path) -> list[Path]:
    """The modules of a folder."""
    return [path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]


def entries(folder: Path) -> Mapping[str, ast.ClassDef]:
    """The classes that are registered as the kind of their module's name."""
    found = {}
    for path in modules(folder):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and "column_kind" in map(called, node.decorator_list):
                lines = [ast.unparse(line) for line in node.body if isinstance(line, ast.AnnAssign)]
                if any(line.startswith(f"kind: Literal['{path.stem}']") for line in lines):
                    found[path.stem] = node
    return found


def is_made_alone(kind: ast.ClassDef) -> bool:
    """Whether a kind's values are made without those of other columns or tables."""
    lines = {ast.unparse(line) for line in kind.body if isinstance(line, ast.AnnAssign)}
    bases = {ast.unparse(base) for base in kind.bases}
    return "elsewhere: ClassVar = True" not in lines and not bases & TOGETHER


def registers_engine(path: Path) -> bool:
    """Whether a module registers an engine or a family under its own name."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        for decorator in getattr(node, "decorator_list", []):
            given = [ast.unparse(value) for value in getattr(decorator, "args", [])]
            if called(decorator) in ("engine_of", "family_of") and given == [f"'{path.stem}'"]:
                return True
    return False


def called(decorator: ast.expr) -> str:
    """The name of a decorator."""
    return ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)


def out_of_date(root: Path) -> Iterator[str]:
    """Generated files that differ from what the classes say now."""
    for name, text in generated(root).items():
        path = root / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield f"{name}: is out of date; run `python -m tools.check_entries --write`"


def generated(root: Path) -> dict[str, str]:
    """The files that follow from the kinds, by their names."""
    from fabula.reports.catalogue import kinds_markdown

    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", SIGNATURES, "-"]
    formatted = subprocess.run(
        command, input=signatures(), capture_output=True, text=True, check=True, cwd=root
    )
    return {REFERENCE: kinds_markdown() + "\n", SIGNATURES: formatted.stdout}


def signatures() -> str:
    """The signatures of `fabula.col`, as a stub for type checkers."""
    import fabula.kinds
    from fabula.reports.catalogue import summary
    from fabula.spec.col import signature_of

    kinds = fabula.kinds.KINDS.builtin()
    lines = [
        "# Written by `python -m tools.check_entries --write` from the classes in `fabula.kinds`.",
        "# ruff: noqa: A001, A002, I001, PYI021  (names are those of a spec file)",
        "import datetime as dt",
        "from collections.abc import Mapping, Sequence",
        "from typing import Any, Literal",
        "from fabula.kinds.base.columns import AbstractColumn, AbstractNumber",
        *(
            f"from {cls.__module__} import {cls.__name__} as _{cls.__name__}"
            for cls in kinds.values()
        ),
        "__all__: list[str]",
        "def __getattr__(name: str) -> Any: ...",
    ]
    for name, cls in kinds.items():
        parts, by_name = [], False
        for parameter in signature_of(cls):
            if parameter.kind is parameter.KEYWORD_ONLY and not by_name:
                by_name = True
                parts.append("*")
            field = cls.model_fields[parameter.name]
            kind = written_type(field.annotation, cls.short_forms.get(parameter.name, {}))
            default = "" if parameter.default is parameter.empty else " = ..."
            parts.append(f"{parameter.name}: {kind}{default}")
        lines.append(f"def {name}({', '.join(parts)}) -> _{cls.__name__}:")
        lines.append(f'    """{summary(cls)}"""')
    return "\n".join(lines) + "\n"


def written_type(annotation: Any, short: Mapping[str, Any]) -> str:
    """What a call may give for a field: its type, read generously, or a short form of it."""
    words = dict.fromkeys([*type_words(annotation), *short_words(short)])
    if "float" in words:
        words.pop("int", None)
    if "dt.date" in words:
        words.pop("dt.datetime", None)
    if "None" in words:
        words.pop("None")
        words["None"] = None
    return "Any" if "Any" in words else " | ".join(words)


def type_words(annotation: Any) -> Iterator[str]:
    """The branches of a type."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from type_words(inner[0])
    elif origin in (Union, types.UnionType):
        for branch in inner:
            yield from type_words(branch)
    elif origin is Literal:
        yield f"Literal[{', '.join(map(repr, inner))}]"
    elif origin is tuple:
        items = [inner[0]] if inner[-1] is ... else inner
        yield f"Sequence[{' | '.join(dict.fromkeys(written_type(item, {}) for item in items))}]"
    elif origin is dict:
        yield f"Mapping[{', '.join(written_type(item, {}) for item in inner)}]"
    elif annotation in (None, type(None)):
        yield "None"
    elif annotation in (dt.date, dt.datetime):
        yield f"dt.{annotation.__name__}"
    elif annotation.__module__ == "builtins":
        yield annotation.__name__
    elif annotation.__name__ == "Component":
        yield "AbstractNumber | tuple[float, AbstractNumber]"
    else:
        yield "Any"


def short_words(schema: Mapping[str, Any]) -> Iterator[str]:
    """The types that the JSON Schema of a short form means in Python."""
    for branch in schema.get("anyOf", [schema] if schema else []):
        if branch.get("type") == "object":
            yield "Mapping[Any, float]"
        elif branch.get("type") == "array":
            yield "Sequence[str | int]"
        elif branch.get("type") == "string":
            yield "str"


def write(root: Path) -> None:
    """Write the generated files."""
    for name, text in generated(root).items():
        (root / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    root_folder = Path(__file__).parents[1]
    if sys.argv[1:] == ["--write"]:
        write(root_folder)
    sys.exit("\n".join(problems(root_folder)) or 0)
