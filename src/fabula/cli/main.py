"""The command `fabula`: runs a verb, and turns every failure into an exit code.

Help and version are answered from a table; Typer and the library are imported for a verb only.
"""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fabula.cli.verbs import CONTINUED, VERBS, WAY_ON, overview

if TYPE_CHECKING:
    from fabula.cli.console import Talk
    from fabula.errors import FabulaError

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C, SIGTERM or SIGHUP ended."""
INTERNAL_ERROR = 70
"""Exit code of an unexpected error (`EX_SOFTWARE` of sysexits)."""
SHOWN_NAME = 80
"""Number of characters of a file's name that an error shows."""


RARELY = 50_000
"""New objects after which a command's garbage collector looks for cycles; imports make none."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Without `arguments` they are those of the process, which then ends with that code at once.
    """
    if arguments is not None:
        return _outcome(list(arguments))
    ended: list[int] = []
    if not atexit._ncallbacks():  # a debugger or a coverage tool of the user's comes last itself
        atexit.register(_end, ended)
    gc.set_threshold(RARELY)
    ended.append(_outcome(sys.argv[1:]))
    return ended[0]


def _end(ended: Sequence[int]) -> None:
    """End the process after all that is to be closed, without taking modules down one by one."""
    if ended:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(ended[0])


def _outcome(words: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    completes = "_FABULA_COMPLETE" in os.environ
    if words in ([], ["-h"], ["--help"], ["help"]) and not completes:
        sys.stdout.write(overview())
        return 0
    if words == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"fabula {version('fabula')}\n")
        return 0

    from fabula.cli.console import Talk, take_options
    from fabula.errors import FabulaError, UsageError
    from fabula.io.formulas import escaping_formulas

    talk = Talk()
    try:
        talk, words = take_options(_with_gates(words))
        escaping = escaping_formulas(talk.escapes_formulas)
        with ended_like_ctrl_c(), talk.saying_warnings(), escaping:
            return _run(words, talk)
    except FabulaError as error:
        talk.fail(error)
        return error.exit_code
    except KeyboardInterrupt:
        talk.say("\nstopped")
        return INTERRUPTED
    except Exception as error:
        if talk.verbose:
            import traceback

            traceback.print_exc()
        if isinstance(error, OSError) and (error.filename or error.errno == errno.ENOSPC):
            talk.fail(_refused(error))
            return UsageError.exit_code
        if isinstance(error, ImportError):
            from fabula.extras import missing_extra

            if missing := missing_extra(error, needed_by=f"`fabula {words[0]}`"):
                talk.fail(missing)
                return missing.exit_code
        talk.fail(_unforeseen(error))
        return INTERNAL_ERROR


def _with_gates(words: Sequence[str]) -> list[str]:
    """`--gate` without a bound means every metric's default bound."""
    return [
        each
        for at, word in enumerate(words)
        for each in (
            [word, "default"]
            if word == "--gate" and (at + 1 == len(words) or words[at + 1].startswith("-"))
            else [word]
        )
    ]


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Treat the signals of containers and closed terminals like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    past = {number: signal.getsignal(number) for number in (getattr(signal, n) for n in names)}
    for number, handler in past.items():
        if handler == signal.SIG_DFL:  # `nohup` ignores SIGHUP; keep it so
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in past.items():
            signal.signal(number, handler)


def _run(words: list[str], talk: Talk) -> int:
    import typer

    from fabula.cli.group import new_group

    try:
        result: Any = new_group().main(words, prog_name="fabula", standalone_mode=False, obj=talk)
    except typer.TyperException as error:
        raise _usage_error(error, words) from error
    except typer.Abort:
        result = INTERRUPTED
    if result == INTERRUPTED:  # Typer's exception for Ctrl-C
        talk.say(f"\nstopped{WAY_ON if words[0] in CONTINUED else ''}")
    return result if isinstance(result, int) else 0


_IN_WORDS = (
    (r": Input should be a valid integer.*", ": it is not a whole number"),
    (r": Input should be a valid number.*", ": it is not a number"),
    (r": Input should be greater than or equal to (\S+)", r": it must be \1 or more"),
    (r": Input should be less than or equal to (\S+)", r": it must be \1 or less"),
)
"""What Pydantic says about numbers, in the words of the other errors."""
_UNKNOWN_OPTION = re.compile(
    r"no such option: (--?[\w-]+)(?: \(Possible options: (.*)\))?", re.IGNORECASE
)
_UNKNOWN_COMMAND = re.compile(
    r"no such command `([^`]+)`\.?(?: Did you mean `?([\w-]+)`?\??)?", re.IGNORECASE
)
_UNKNOWN_CHOICE = re.compile(r"`([^`]+)` is not one of (.*)")


_ACTIONS = {
    "keep": "'keep: confirmed'", "drop": "drop", "redact": "redact", "shift": "shift",
    "replace": "'replace: email'", "generalise": "'generalise: 10'", "jitter": "'jitter: 2km'",
}  # fmt: skip
"""Actions of `fabula mask` that are typed as options, as `--column` takes them."""


def _usage_error(error: Any, words: Sequence[str]) -> FabulaError:
    """Report a problem that Typer found with the command line."""
    from pathlib import Path

    from fabula.errors import UsageError, did_you_mean

    message = re.sub(r"'([^']*)'", r"`\1`", error.format_message().rstrip("."))
    message = message.replace("Value error, ", "")  # pydantic's, about a choice
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "fabula"
    hint = f"`{path} --help` lists what it takes"
    for wrong, words_for_it in _IN_WORDS:
        message = re.sub(wrong, words_for_it, message)
    if found := _UNKNOWN_OPTION.match(message):
        message = f"`{path}` has no option `{found[1]}`"
        near = did_you_mean(found[1], {*(found[2] or "").split(", ")} - {"--help"})
        hint = f"{near} {hint}" if near else hint
        if path == "fabula mask" and found[1].removeprefix("--") in _ACTIONS:
            hint = f"write `--column NAME={_ACTIONS[found[1].removeprefix('--')]}`"
    elif found := _UNKNOWN_COMMAND.match(message):
        message = f"`{path}` has no command `{found[1]}`"
        hint = f"did you mean `{found[2]}`?" if found[2] else hint
    elif found := _UNKNOWN_CHOICE.search(message):
        choices = re.findall(r"`([^`]+)`", found[2])
        hint = did_you_mean(found[1], choices) or hint
        if Path(found[1]).exists():  # the file is there, and the word before it is not
            hint = f"one of the words comes first: `{path} {choices[0]} {found[1]}`"
    if path == "fabula" and words and words[0] not in VERBS and not words[0].startswith("-"):
        message = f"no verb is called `{words[0]}`"
        hint = did_you_mean(words[0], VERBS) or "`fabula --help` lists the verbs"
    return UsageError(message[:1].lower() + message[1:], code="usage.arguments", hint=hint)


def _refused(error: OSError) -> FabulaError:
    """Report an operating-system error on a file or on standard output."""
    from pathlib import Path

    from fabula.errors import UsageError
    from fabula.io.places import sink_error

    if not error.filename:
        return sink_error(error, Path("standard output"))
    name = str(error.filename)
    shown = name if len(name) <= SHOWN_NAME else f"{name[:SHOWN_NAME]}…"
    return UsageError(
        f"`{shown}` can't be used: {(error.strerror or str(error)).lower()}",
        code="usage.file",
        hint="name another file",
    )


def _unforeseen(error: Exception) -> FabulaError:
    from fabula.errors import FabulaError

    words = " ".join(str(error).split())
    return FabulaError(
        f"{type(error).__name__}: {words}" if words else type(error).__name__,
        code="internal",
        hint="this is a bug in Fabula: please report it with the output of `fabula doctor` "
        "and of the same command with `--verbose`",
    )
