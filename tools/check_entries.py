"""Every column kind and every check is whole: a class, what makes or evaluates it, documentation.

A kind is a module of `fabula.kinds` and, unless its values are made with those of other columns,
the module of the same name in `fabula.engines.kinds`. A check is a module of `fabula.kinds.checks`
and, unless it is a rule of single rows, the one of its name in `fabula.checks.kinds`. The reference
of kinds and the signatures of `fabula.col` are written from the classes by
`python -m tools.check_entries --write`.
"""

from __future__ import annotations

import ast
import datetime as dt
import subprocess
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

SIGNATURES = "src/fabula/spec/col.pyi"
REFERENCE = "docs/reference/kinds.md"


@dataclass(frozen=True)
class Sort:
    """A sort of entries: where they stand, and where what they need stands.

    Attributes:
        noun: What an entry is.
        home: The folder of the entries.
        decorator: What registers an entry.
        work: The folder of what makes or evaluates entries.
        worker: What stands there.
        registering: Calls that register it.
        alone: Facts and base classes of entries that need none.
    """

    noun: str
    home: str
    decorator: str
    work: str
    worker: str
    registering: tuple[str, ...]
    alone: frozenset[str]


SORTS = (
    Sort(
        "column kind",
        "src/fabula/kinds",
        "column_kind",
        "src/fabula/engines/kinds",
        "engine",
        ("engine_of", "family_of"),
        frozenset({"elsewhere: ClassVar = True", "AbstractFilled"}),
    ),
    Sort(
        "check",
        "src/fabula/kinds/checks",
        "check_kind",
        "src/fabula/checks/kinds",
        "evaluation",
        ("EVALUATIONS.register",),
        frozenset({"AbstractRowRule"}),
    ),
)


def problems(root: Path) -> list[str]:
    """Entries that lack a part, parts without an entry, and generated files out of date."""
    found = [problem for sort in SORTS for problem in incomplete(root, sort)]
    whole = not found and (root / SIGNATURES).exists()
    return list(out_of_date(root)) if whole else found


def incomplete(root: Path, sort: Sort) -> Iterator[str]:
    """The entries of a sort that lack a part, and parts that belong to no entry."""
    found = entries(root / sort.home, sort.decorator)
    work = {path.stem: path for path in modules(root / sort.work)}
    for path in modules(root / sort.home):
        place, entry = path.relative_to(root), found.get(path.stem)
        if entry is None:
            yield f"{place}: registers no {sort.noun} `{path.stem}` by `@{sort.decorator}`"
        elif not facts(entry) & sort.alone and path.stem not in work:
            yield f"{place}: its {sort.worker} is missing; write {sort.work}/{path.name}"
    for stem, path in work.items():
        place = path.relative_to(root)
        if stem not in found:
            yield f"{place}: there is no {sort.noun} `{stem}`"
        elif not registers(path, sort.registering):
            yield f"{place}: registers no {sort.worker} of `{stem}`"


def modules(folder: Path) -> list[Path]:
    """The modules of a folder."""
    return [path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]


def entries(folder: Path, decorator: str) -> Mapping[str, ast.ClassDef]:
    """The classes that are registered as the entry of their module's name."""
    found = {}
    for path in modules(folder):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and decorator in map(called, node.decorator_list):
                stated = f"kind: Literal['{path.stem}'] = '{path.stem}'"
                if stated in facts(node):
                    found[path.stem] = node
    return found


def facts(entry: ast.ClassDef) -> set[str]:
    """The fields, facts and base classes of an entry."""
    lines = {ast.unparse(line) for line in entry.body if isinstance(line, ast.AnnAssign)}
    return lines | {ast.unparse(base) for base in entry.bases}


def registers(path: Path, calls: Sequence[str]) -> bool:
    """Whether a module registers something under its own name."""
    return any(
        isinstance(node, ast.Call)
        and called(node) in calls
        and [ast.unparse(value) for value in node.args[:1]] == [repr(path.stem)]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def called(call: ast.expr) -> str:
    """The name of what is called, or of a decorator."""
    return ast.unparse(call.func if isinstance(call, ast.Call) else call)


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
    from fabula.spec.col import signature_of
    from fabula.spec.schema import summary

    kinds = fabula.kinds.KINDS.builtin()
    lines = [
        "# Written by `python -m tools.check_entries --write` from the classes in `fabula.kinds`.",
        "# ruff: noqa: A002, I001  (names are those of a spec file)",
        "import datetime as dt",
        "from collections.abc import Mapping, Sequence",
        "from typing import Any, Literal",
        "from fabula.kinds.base.columns import AbstractNumber",
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
