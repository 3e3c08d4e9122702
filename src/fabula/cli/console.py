"""Messages of a command, apart from its data: notes on stderr, errors as text or JSON."""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TextIO

from fabula.errors import FabulaError, UsageError

_PAINT = {"error": "1;31", "warning": "1;33", "hint": "1;36"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters that could control a terminal: names and model replies are untrusted."""


@dataclass(frozen=True)
class Talk:
    """How one command prints its messages."""

    quiet: bool = False
    verbose: bool = False
    progress: bool = True
    errors: Literal["text", "json"] = "text"
    escapes_formulas: bool = False

    def say(self, text: str) -> None:
        """Print a message after any earlier data, unless `--quiet` is set."""
        if not self.quiet:
            sys.stdout.flush()
            _write(text)

    def hint(self, text: str) -> None:
        """Suggest the next command."""
        self.say(f"hint: {text}")

    @contextmanager
    def saying_warnings(self) -> Iterator[None]:
        """Print a warning of the library."""
        library, handler = logging.getLogger("fabula"), logging.Handler(logging.WARNING)
        handler.emit = lambda record: self.say(f"warning: {record.getMessage()}")  # type: ignore[method-assign]
        library.addHandler(handler)
        try:
            yield
        finally:
            library.removeHandler(handler)

    def fail(self, error: FabulaError) -> None:
        """Print an error."""
        if self.errors == "json":
            sys.stderr.write(json.dumps(error.to_dict(), ensure_ascii=False) + "\n")
        else:
            _write(str(error))


def take_options(arguments: Sequence[str]) -> tuple[Talk, list[str]]:
    """Split the options that every verb takes from the verb's own arguments.

    Raises:
        UsageError: `--error-format` names no format.
    """
    allowed: list[str] = []
    code: list[str] = []
    escapes = False
    verbose = bool(os.environ.get("FABULA_DEBUG"))
    quiet, progress, errors, rest = False, True, "text", list[str]()
    words = iter(arguments)
    for word in words:
        name, _, value = word.partition("=")
        if word in ("-q", "--quiet"):
            quiet = True
        elif word == "--verbose":
            verbose = True
        elif word == "--no-progress":
            progress = False
        elif word == "--escape-formulas":
            escapes = True
        elif name == "--allow-env":
            allowed.append(value or _next(name, words))
        elif name == "--allow-code":
            code.append(value or _next(name, words))
        elif name == "--error-format":
            errors = value or _next(name, words)
        elif word == "--":
            rest += [word, *words]
        else:
            rest.append(word)
    if errors not in ("text", "json"):
        raise UsageError(
            f"`--error-format` is `text` or `json`, not `{errors}`", code="usage.option"
        )
    from fabula.llm.client.permission import grant

    there = not quiet and sys.stdin.isatty() and sys.stderr.isatty()
    grant(allowed, code=code, ask=_yes if there else None)
    asks_json = "--format=json" in rest or ("--format", "json") in itertools.pairwise(rest)
    as_json = errors == "json" or asks_json
    as_text: Literal["text", "json"] = "json" if as_json else "text"
    return Talk(quiet, verbose, progress, as_text, escapes), rest


def _next(option: str, words: Iterator[str]) -> str:
    """The value of an option, and not the option that follows where the value was left out."""
    value = next(words, "")
    if value and not value.startswith("-"):
        return value
    after = f"`{value}`" if value else "nothing"
    kind = {"--allow-env": "VARIABLE", "--allow-code": "FILE"}.get(option, "text")
    hint = f"write `{option} {kind}`"
    if option == "--allow-code":
        hint += "; a model that is named on the command line needs no `--allow-code`"
    raise UsageError(f"`{option}` lacks its value: {after} follows", code="usage.option", hint=hint)


def pasted(path: object) -> str:
    """A path as an argument of a pasteable command, quoted if it contains spaces."""
    text = str(path)
    return shlex.quote(text) if re.search(r"[^\w./:@%+=,~-]", text) else text


def look_at(place: object, *, is_page: bool = True) -> str:
    """How what was made is looked at: on the local page, if that shows it, and in the terminal."""
    show, view = (f"`fabula {verb} {pasted(place)}`" for verb in ("show", "view"))
    return f"look at it with {f'{view}, or in the terminal with {show}' if is_page else show}"


def has_colour(stream: TextIO) -> bool:
    """Whether a stream may be coloured: it is a terminal, and the user has not disabled colours."""
    refused = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not refused


def _yes(question: str) -> bool:
    """Whether the user at the terminal answers yes; no answer means no."""
    sys.stderr.write(f"{_plain(question)} [y/N]\n")  # a whole line, which progress can't overwrite
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _plain(text: str) -> str:
    return _CONTROL.sub(lambda character: ascii(character[0])[1:-1], text)


def _write(text: str) -> None:
    text = _plain(text)
    if has_colour(sys.stderr):
        text = re.sub(
            r"^(error|warning|hint)(\[[\w.-]+\])?:",
            lambda word: f"\033[{_PAINT[word[1]]}m{word[0]}\033[0m",
            text,
            flags=re.MULTILINE,
        )
    sys.stderr.write(text + "\n")
