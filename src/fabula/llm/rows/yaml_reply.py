"""Reads rows that a model writes as YAML, in any order and nesting.

Values stay text, digit by digit; their field's schema converts them later. If YAML would drop or
change something (a comment after a value, a repeated key, an alias), nothing is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from fabula.llm.json_schema.reading import DEPTH, CutList, CutObject, Piece
from fabula.llm.rows.names import match_names

LONGEST = 60_000
"""Maximum characters of a reply that is read."""
LONGEST_LINE = 4_000
"""Maximum characters of a line."""

_FENCED = re.compile(r"^[ \t]*```[^\n]*\n(.*?)(?:^[ \t]*```|\Z)", re.S | re.M)
_KEY = re.compile(
    r"""^[ \t]*(?:-[ \t]+)*([^\s"'#{}\[\]|>-][^"'#{}\[\]:\n]*?)[ \t]*:(?:\s|$)""", re.M
)
_BEFORE = re.compile(r"""[ \t]*(?:-[ \t]+)*([^\s"'#{}\[\]|>-][^"'#{}\[\]:\n]*?)[ \t]*:[ \t]+""")
_COMMENT = re.compile(r"""^[^"'\n]*\S[ \t]+#""", re.M)
_BLANK = re.compile(r"\n[ \t]*\n+")
_LABEL = re.compile(
    r"^([ \t]*)(\d{1,4}[.)][ \t]+|[-*•][ \t]+)?[*_]{0,2}([^*_:\n]{1,60})"
    r"(?::[*_]{2}|[*_]{2}[ \t]*:|:)(?=\s)",
    re.M,
)
"""A name in a list or in bold: `1. **Name:** Ada`."""
_NULLS = ("", "~", "null")
_TRIES = 3
"""Maximum paragraphs after the rows."""


class _Unclear(Exception):
    """The text means something different in YAML than it appears to."""


def yaml_pieces(text: str, names: Sequence[str], *, cut: bool) -> list[Piece]:
    """The YAML value of a reply that names its fields line by line; none if it is not YAML.

    If the reply was cut, its last row is left out.
    """
    if len(text) > LONGEST or max(map(len, text.splitlines()), default=0) > LONGEST_LINE:
        return []
    if cut:
        text = text.rpartition("\n")[0]  # half a line is not YAML
    for candidate in [match[1] for match in _FENCED.finditer(text)] or [text]:
        labelled = _without_marks(candidate, names)
        for written in (*_written(candidate, names), *_written(labelled, names)):
            value = _value(written)
            if value is not None:
                return [Piece(_without_last(value) if cut else value, 0, len(text))]
    return []


def are_values(pieces: Sequence[Piece], text: str, names: Sequence[str]) -> bool:
    """Whether each JSON value of a text follows a field's name, as a YAML value."""
    for piece in pieces:
        line = text[text.rfind("\n", 0, piece.start) + 1 : piece.start]
        key = _BEFORE.fullmatch(line[-LONGEST_LINE:])
        if key is None or not match_names([key[1]], names):
            return False
    return True


def _written(text: str, names: Sequence[str]) -> Iterator[str]:
    """The part of a text that may be YAML, without prose before and after it."""
    keys = list(_KEY.finditer(text))
    known = match_names({key[1] for key in keys}, names)
    if len(known) < min(2, len(names)):
        return
    first = next(key for key in keys if key[1] in known)
    for start in dict.fromkeys((keys[0].start(), first.start())):
        rows = text[start:]
        for _ in range(_TRIES):
            yield rows
            yield _BLANK.sub("\n---\n", rows)  # one row per paragraph
            rows, separator, _ = rows.rstrip().rpartition("\n\n")
            if not separator:
                break


def _without_marks(text: str, names: Sequence[str]) -> str:
    """The text without numbered or bold field names; rows begin with a dash."""

    def plain(label: re.Match[str]) -> str:
        indent, mark, name = label.groups()
        if not match_names([name.strip()], names):
            return label.group()
        return f"{indent}{'-'.ljust(len(mark)) if mark else ''}{name}:"

    return _LABEL.sub(plain, text)


def _value(text: str) -> Any:
    """The value of a YAML text; a list for several documents; None if it is unclear."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if _COMMENT.search(text):
        return None
    try:
        reader = YAML(typ="base", pure=True)
        documents = [_plain(node, set(), 0) for node in reader.compose_all(text)]
    except (YAMLError, _Unclear, RecursionError, ValueError):
        return None
    documents = [each for each in documents if isinstance(each, dict | list)]
    return documents[0] if len(documents) == 1 else documents or None


def _plain(node: Any, seen: set[int], depth: int) -> Any:
    """The value of a node.

    Raises:
        _Unclear: It repeats a key or another node.
    """
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    if id(node) in seen or depth > DEPTH:
        raise _Unclear
    seen.add(id(node))
    if isinstance(node, ScalarNode):
        return None if node.style is None and node.value in _NULLS else node.value
    if isinstance(node, SequenceNode):
        return [_plain(item, seen, depth + 1) for item in node.value]
    if not isinstance(node, MappingNode):
        raise _Unclear
    pairs = [
        (_plain(key, seen, depth + 1), _plain(item, seen, depth + 1)) for key, item in node.value
    ]
    if not all(isinstance(key, str) for key, _ in pairs) or len(dict(pairs)) < len(pairs):
        raise _Unclear
    return dict(pairs)


def _without_last(value: Any) -> Any:
    """A value that may have been cut, without its last item."""
    if isinstance(value, list):
        return CutList(value[:-1])
    if isinstance(value, dict):
        return CutObject({key: _without_last(item) for key, item in value.items()})
    return value
