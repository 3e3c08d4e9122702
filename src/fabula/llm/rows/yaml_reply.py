"""Reads rows that a model writes as YAML, in the order and with the nesting that it chose.

Values stay texts, digit by digit; the schema of their field decides later what they are worth.
Where YAML would drop or change something (a comment behind a value, a key that comes twice, an
alias), nothing is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from fabula.llm.json_schema.reading import DEPTH, CutList, CutObject, Piece
from fabula.llm.rows.names import match_names

LONGEST = 60_000
"""Characters of a reply that is looked at."""
LONGEST_LINE = 4_000
"""Characters of a line of it."""

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
"""A name as lists and bold words have it: `1. **Name:** Ada`."""
_NULLS = ("", "~", "null")
_TRIES = 3
"""Paragraphs that may follow the rows."""


class _Unclear(Exception):
    """The text means something else in YAML than it seems to."""


def yaml_pieces(text: str, names: Sequence[str], *, cut: bool) -> list[Piece]:
    """The YAML value of a reply that names its fields line by line; none where it is not YAML.

    Of a reply that was cut, the row that it ended in is left out.
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
    """Whether each JSON value of a text stands behind the name of a field: a value of YAML."""
    for piece in pieces:
        line = text[text.rfind("\n", 0, piece.start) + 1 : piece.start]
        key = _BEFORE.fullmatch(line[-LONGEST_LINE:])
        if key is None or not match_names([key[1]], names):
            return False
    return True


def _written(text: str, names: Sequence[str]) -> Iterator[str]:
    """What of a text may be YAML: prose may stand before it and after it."""
    keys = list(_KEY.finditer(text))
    known = match_names({key[1] for key in keys}, names)
    if len(known) < min(2, len(names)):
        return
    first = next(key for key in keys if key[1] in known)
    for start in dict.fromkeys((keys[0].start(), first.start())):
        rows = text[start:]
        for _ in range(_TRIES):
            yield rows
            yield _BLANK.sub("\n---\n", rows)  # a row a paragraph
            rows, separator, _ = rows.rstrip().rpartition("\n\n")
            if not separator:
                break


def _without_marks(text: str, names: Sequence[str]) -> str:
    """A text in which the names of fields are neither numbered nor bold; rows begin with a dash."""

    def plain(label: re.Match[str]) -> str:
        indent, mark, name = label.groups()
        if not match_names([name.strip()], names):
            return label.group()
        return f"{indent}{'-'.ljust(len(mark)) if mark else ''}{name}:"

    return _LABEL.sub(plain, text)


def _value(text: str) -> Any:
    """The value of a YAML text; of several documents, a list; None where it is unclear."""
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
    """A value that the reply may have cut: its last item is left out."""
    if isinstance(value, list):
        return CutList(value[:-1])
    if isinstance(value, dict):
        return CutObject({key: _without_last(item) for key, item in value.items()})
    return value
