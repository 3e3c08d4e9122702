"""Pairs as numbered text, for endpoints that can't do JSON, and for models that answer so anyway.

::

    1.
    Input: Ceramic Mug, Kitchen
    Output: A mug that keeps coffee warm.

Models vary this in every way: `1)`, bold words, quotes, no blank line between pairs, a topic behind
the number, several paragraphs. A block either gives exactly the values that were asked, or is
refused with its text; every `Input` marker is accounted for, as one or the other.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fabula.augment.pairs.objects import Sides
from fabula.llm.rows.chatter import doubt_of, without_farewell
from fabula.llm.rows.prompt_format import Reading

_OPENING = r"[ \t]*(?:[-*•>][ \t]+)?(?P<mark>[*_#`\"“ \t]*)"
_CLOSING = r"[*_` \t]*[:：][*_`]*[ \t]*"
_INPUT = re.compile(
    rf"{_OPENING}(?:\(?(?P<number>\d+)[.):]*[*_ \t]*)?inputs?(?:[ \t]*#?(?P<after>\d+))?{_CLOSING}",
    re.I,
)
_OUTPUT = re.compile(rf"{_OPENING}outputs?(?:[ \t]*#?\d+)?{_CLOSING}", re.I)
_INNER_OUTPUT = re.compile(r"[ \t,;|]+[*_`]*outputs?[*_` \t]*[:：][*_`]*[ \t]*", re.I)
_HEADING = re.compile(r"[ \t*_#`]*(?:pair[ \t]*)?\(?(?P<number>\d+)(?:[.):].*|[ \t*_]*)", re.I)
_RULE = re.compile(r"[ \t]*[-=_*]{3,}[ \t]*")
_FENCE = re.compile(r"[ \t]*`{3,}[\w-]*[ \t]*")
_QUOTES = {'"': '"', "“": "”", "'": "'", "`": "`", "*": "*", "_": "_", "«": "»"}
_SEPARATORS = (",", "|", ";", "，")
_SPACES = re.compile(r"[ \t\r\n\f\v]+")
"""Spaces that mean nothing; one that does not break stays."""


@dataclass(frozen=True)
class Numbered:
    """Pairs of some shape as numbered text.

    Attributes:
        inputs: The fields of the input, in order.
        outputs: The fields of the output, in order.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def ask(self, rows: int) -> str:
        """How many pairs are wanted, and in what form."""
        inputs = ", ".join(f"<{name}>" for name in self.inputs)
        body = f"Output: <{self.outputs[0]}>"
        if len(self.outputs) > 1:
            body = "Output:\n" + "\n".join(f"{name}: <{name}>" for name in self.outputs)
        commas = len(self.inputs) - 1
        rule = f"The values of an input are separated by {commas} comma{'s' * (commas != 1)}, and "
        rule = f"{rule}hold none themselves. " if commas else ""
        which = "the row" if rows == 1 else f"exactly {rows} rows"
        return f"Write {which}, numbered, in this form and nothing else. {rule}\n\n" + (
            f"1.\nInput: {inputs}\n{body}"
        )

    def read(self, text: str, *, number: str, cut: bool) -> Reading | None:
        """The pairs of a reply; None if no line begins with `Input`."""
        blocks = list(_blocks(text))
        if not blocks:
            return None
        items: list[dict[str, object]] = []
        bad: list[tuple[str, str]] = []
        for place, block in enumerate(blocks):
            last = place == len(blocks) - 1
            try:
                if cut and last:
                    raise _Unreadable("it was cut off")
                values = self._values(block)
                if last and (doubt := self._doubt(values)) and not any(map(self._doubt, items)):
                    raise _Unreadable(doubt)
            except _Unreadable as reason:
                bad.append((block.text, f"the pair can't be read: {reason}"))
            else:
                numbered = {number: block.number} if block.number is not None else {}
                items.append({**numbered, **values})
        problem = f"the reply was cut off after {len(items)} whole rows" if cut else ""
        return Reading(items, problem, bad, shorten=cut)

    def unpacked(self, value: Any) -> Any:
        """Pairs of an input and an output as objects of the fields asked for."""
        return Sides(self.inputs, self.outputs, self._input, self._output).unpacked(value)

    def _input(self, text: str) -> dict[str, str]:
        return {self.inputs[0]: text} if len(self.inputs) == 1 else _parts(text, self.inputs)

    def _output(self, text: str) -> dict[str, str]:
        return {self.outputs[0]: text} if len(self.outputs) == 1 else self._outputs(text)

    def _doubt(self, values: Mapping[str, object]) -> str:
        """Whether the last value of a pair may end with words to the reader of the reply."""
        asked = " ".join((*self.inputs, *self.outputs))
        return doubt_of(str(values[self.outputs[-1]]), asked=asked)

    def _values(self, block: _Block) -> dict[str, str]:
        if block.output is None:
            raise _Unreadable("it has no `Output`")
        if any(_OUTPUT.match(line) for line in block.output.split("\n")):
            raise _Unreadable("it has more than one `Output`")
        return {**_parts(block.input, self.inputs), **self._outputs(block.output)}

    def _outputs(self, text: str) -> dict[str, str]:
        if len(self.outputs) == 1:
            values = {self.outputs[0]: _bare(text)}
        else:
            values = _labelled(text, self.outputs)
        for name, value in values.items():
            if not value:
                raise _Unreadable(f"`{name}` is empty")
        return values


@dataclass(frozen=True)
class _Block:
    """One pair as it is in the reply: its text, number, and the text after both markers."""

    text: str
    number: int | None
    input: str
    output: str | None


class _Unreadable(ValueError):
    """Why a block gives no pair."""


def _blocks(text: str) -> Iterator[_Block]:
    """The blocks of a reply: each from its heading, if it has one, to the next one."""
    lines = without_farewell(text).splitlines()
    starts = [place for place, line in enumerate(lines) if _INPUT.match(line)]
    heads = [_head(lines, start) for start in starts]
    for start, (head, end) in zip(starts, pairwise([*heads, len(lines)]), strict=True):
        marker = _INPUT.match(lines[start])
        assert marker is not None
        told = marker["number"] or marker["after"]
        if head < start and told is None:
            heading = _HEADING.match(lines[head])
            told = heading["number"] if heading else None
        first = lines[start][marker.end() :]
        rest = _without_rules(lines[start + 1 : end])
        given, output = _halves([_unmarked(first, marker["mark"]), *rest])
        whole = "\n".join(lines[head:end]).strip()
        yield _Block(whole, None if told is None else int(told), given, output)


def _head(lines: Sequence[str], start: int) -> int:
    """The line at which a block begins: a number directly above its `Input`, or that itself."""
    place = start - 1
    while place >= 0 and not lines[place].strip():
        place -= 1
    return place if place >= 0 and _HEADING.fullmatch(lines[place]) else start


def _halves(body: Sequence[str]) -> tuple[str, str | None]:
    """What precedes and after the `Output` marker."""
    for place, line in enumerate(body):
        marker = _OUTPUT.match(line)
        if marker is not None:
            first = _unmarked(line[marker.end() :], marker["mark"])
            return "\n".join(body[:place]).strip(), "\n".join([first, *body[place + 1 :]]).strip()
    inner = _INNER_OUTPUT.search(body[0])
    if inner is None:
        return "\n".join(body).strip(), None
    rest = "\n".join([body[0][inner.end() :], *body[1:]]).strip()
    return body[0][: inner.start()].strip(), rest


def _unmarked(text: str, mark: str) -> str:
    """A value without the end of a quote or emphasis that began before its marker."""
    mark = mark.strip()
    closing = "".join(_QUOTES.get(character, character) for character in reversed(mark))
    return text.rstrip().removesuffix(closing) if mark else text


def _parts(text: str, names: Sequence[str]) -> dict[str, str]:
    """The values of an input, one per field; anything that could mean two things is refused."""
    text = _SPACES.sub(" ", text).strip()
    if len(names) == 1:
        values = [_bare(_unlabelled(text, names[0]))]
    else:
        values = _split(text, len(names))
        pairs = zip(values, names, strict=True)
        values = [_bare(_unlabelled(value, name)) for value, name in pairs]
    for name, value in zip(names, values, strict=True):
        if not value:
            raise _Unreadable(f"`{name}` is empty")
    return dict(zip(names, values, strict=True))


def _split(text: str, wanted: int) -> list[str]:
    """A text in as many parts as there are fields, by quotes or by one kind of separator."""
    forms = (_bare(text), text) if text[:1] in ('"', "“") else (text, _bare(text))
    for written in dict.fromkeys(forms):
        for separator in _SEPARATORS:
            straight = _straight(written, separator)
            try:
                read = csv.reader(
                    [straight], delimiter=separator, skipinitialspace=True, strict=True
                )
                quoted = next(read, [])
            except csv.Error:
                quoted = straight.split(separator)  # a quote inside a value, such as 12"
            if len(quoted) == wanted:
                return quoted
    count = text.count(",") + 1
    raise _Unreadable(f"its input holds {count} part{'s' * (count != 1)} for {wanted} fields")


def _straight(text: str, separator: str) -> str:
    """A text in which curly quotes around a whole part are straight; those inside a part stay."""
    part = rf"(^|{re.escape(separator)})( *)“([^“”]*)”(?= *(?:{re.escape(separator)}|$))"
    return text if '"' in text else re.sub(part, r'\1\2"\3"', text)


def _labelled(text: str, names: Sequence[str]) -> dict[str, str]:
    """Values that follow their names, each on a line of its own."""
    words = "|".join(_name_pattern(name) for name in names)
    marker = re.compile(rf"^[ \t*_\-`]*({words})[*_` \t]*[:：][*_`]*[ \t]*", re.I | re.M)
    found = list(marker.finditer(text))
    values: dict[str, str] = {}
    for place, match in enumerate(found):
        name = next(each for each in names if re.fullmatch(_name_pattern(each), match[1], re.I))
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        if name in values:
            raise _Unreadable(f"`{name}` is given twice")
        values[name] = _bare(text[match.end() : end])
    missing = [name for name in names if name not in values]
    if missing:
        raise _Unreadable(f"`{missing[0]}` is missing")
    return {name: values[name] for name in names}


def _unlabelled(text: str, name: str) -> str:
    """A value without its field's name before it."""
    return re.sub(rf"^\W*{_name_pattern(name)}\W*[:=]\s*", "", text.strip(), flags=re.I)


def _name_pattern(name: str) -> str:
    return r"[ _]".join(map(re.escape, re.split(r"[ _]", name)))


def _without_rules(lines: Sequence[str]) -> list[str]:
    """A block without lines drawn below it, and without the end of a fence that it is inside."""
    kept = list(lines)
    while kept and (not kept[-1].strip() or _RULE.fullmatch(kept[-1])):
        kept.pop()
    if kept and _FENCE.fullmatch(kept[-1]) and sum(map(_is_fence, kept)) % 2:
        kept.pop()
    return kept


def _is_fence(line: str) -> bool:
    return _FENCE.fullmatch(line) is not None


def _bare(text: str) -> str:
    """A text without quotes or emphasis around the whole of it."""
    text = text.strip()
    while len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[:3] != "```":
        inner = text[1:-1]
        if text[0] in inner and text[0] in "'`*_\"" and _pairs_inside(inner, text[0]):
            break
        text = inner.strip()
    return text


def _pairs_inside(inner: str, quote: str) -> bool:
    """Whether quotes open and close inside, so that the outer two belong to two values."""
    first = inner.index(quote)
    return first + 1 < len(inner) and inner[first + 1] in ",;|" and inner.count(quote) % 2 == 0
