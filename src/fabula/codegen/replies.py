"""The program in a model's reply: fenced or not, in one block or several, with prose around it.

Nothing is run here. Where it stays open which block is meant, there are several candidates, the
likeliest first; whoever asks runs them in that order.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fabula.codegen.syntax import parsed
from fabula.llm.client.chat import ChatReply
from fabula.llm.json_schema.wording import with_text
from fabula.llm.rows.prose import is_refusal
from fabula.llm.rows.reasoning import without_thoughts

_BLOCK = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)|\Z)", re.S | re.M
)
_MOST_TRIES = 100
_PYTHON = ("", "python", "py", "python3", "ipython", "ipython3")
_NOTEBOOK = re.compile(r"^(\s*)([!%].*)$", re.M)
_CODE_LINE = re.compile(r"(import \w|from [\w.]+ import |def \w+\(|class \w+|@\w|[A-Za-z_]\w* = )")


@dataclass(frozen=True)
class ProgramReply:
    """Texts that may be the program, likeliest first; the prose around it; why there is none."""

    candidates: tuple[str, ...] = ()
    prose: str = ""
    problem: str = ""


def read_reply(reply: ChatReply) -> ProgramReply:
    """The candidates in a reply."""
    text = without_thoughts(reply.text)
    if reply.finish in ("refusal", "content_filter"):
        kind = "refused" if reply.finish == "refusal" else "stopped by the content filter"
        return ProgramReply(problem=with_text(f"the reply was {kind}", reply.problem or text))
    if not text:
        return ProgramReply(problem=reply.problem or "the reply is empty")
    found = _fenced(text) or _bare(text)
    if found is None:
        problem = "the reply is a refusal" if is_refusal(text) else "the reply holds no Python code"
        return ProgramReply(prose=text, problem=with_text(problem, text))
    if reply.finish == "length":
        problem = "the reply was cut off at the token limit; write less code"
        return ProgramReply(found.candidates, found.prose, problem)
    return found


def _fenced(text: str) -> ProgramReply | None:
    """Blocks between fences; None if there is none of Python."""
    found = [match for match in _BLOCK.finditer(text) if match[1].lower() in _PYTHON]
    named = [match for match in found if match[1] and match[2].strip()]  # it says so itself
    blocks = [
        _without_magic(match[2])
        for match in [match for match in found if _is_code(match[2])] or named
    ]
    if not blocks:
        return None
    return ProgramReply(tuple(_candidates(blocks)), _BLOCK.sub("", text).strip())


def _candidates(blocks: Sequence[str]) -> Iterator[str]:
    """All as one where a later block builds on an earlier one; else each, the last one first."""
    joined = "\n\n".join(block.rstrip("\n") for block in blocks) + "\n"
    if len(blocks) > 1 and any(_missing(block) for block in blocks[1:]):
        yield joined
        return
    yield from reversed(blocks)
    if len(blocks) > 1:
        yield joined


def _bare(text: str) -> ProgramReply | None:
    """Code without fences: from the first line that looks like code, as far as it parses."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if _CODE_LINE.match(line)), None)
    if start is None:
        return None
    end = _end_of_code(lines, start)
    prose = "\n".join([*lines[:start], *lines[end:]]).strip()
    return ProgramReply((_without_magic("\n".join(lines[start:end]) + "\n"),), prose)


def _end_of_code(lines: Sequence[str], start: int) -> int:
    """Where the code that starts on a line ends; if none parses, with the last line."""
    end = len(lines)
    for _ in range(_MOST_TRIES):
        try:
            parsed("\n".join(lines[start:end]))
        except SyntaxError as error:  # whatever continues beyond the wrong line is wrong too
            end = min(end - 1, start + (error.lineno or end) - 1)
            if end <= start:
                break
        else:
            return end
    return len(lines)


def _missing(block: str) -> set[str]:
    """Names that a block uses and does not define; none if it does not parse."""
    try:
        tree = parsed(block)
    except SyntaxError:
        return set()
    used, defined = set[str](), set(dir(builtins))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                defined.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                defined.add(name)
            case ast.alias(name=name, asname=other):
                defined.add(other or name.partition(".")[0])
    return used - defined - {"__name__", "__file__"}


def _is_code(block: str) -> bool:
    """Whether a block without a language is more than output that was pasted."""
    return any(_CODE_LINE.match(line.lstrip()) for line in block.splitlines())


def _without_magic(code: str) -> str:
    """The code with a notebook's own commands as comments."""
    return _NOTEBOOK.sub(r"\1# \2", code)
