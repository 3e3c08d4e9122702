"""`fabula conversations`: generates conversations of several turns into a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Unpack

import typer

from fabula.cli.arguments import Asking, Count, Splitting, Words, parted
from fabula.cli.console import Talk
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.llm_options import calls_line
from fabula.cli.options import Read, verb
from fabula.cli.pairs import read_balance, read_shares
from fabula.cli.progress import counted, progress
from fabula.errors import PartialRunError


def _turns(text: str) -> Any:
    from fabula.augment.conversations.plans import read_weights

    return {int(name) if name.isdigit() else name: w for name, w in read_weights([text]).items()}


def _texts(path: str) -> Any:
    from fabula.augment.conversations.files import read_texts

    return read_texts(Path(path))


def _check(place: str) -> Callable[[Any], Any]:
    from fabula.augment.tools.declaring import sandboxed_check

    return sandboxed_check(place)


class Holding(Asking, total=False):
    """How conversations are held.

    Options:
        system (TEXT): What the system message says, a template over attributes and facts;
            repeatable, dealt evenly.
        balance (NAME=A,B): An attribute to distribute evenly, `topic=billing,login`, or by weight,
            `tone=calm:3,angry:1`; repeatable.
        turns (N,N): Turns of the user: `3`, `2,3,4`, or by weight, `2:3,4:1`; by default 3.
        plans (PLAN): What the user does in each turn, `asks > corrects > thanks`, with a weight
            `:2` if you like; repeatable.
        facts (FILE): A table of what users know; each conversation gets a row.
        user (MODEL): Model that speaks the user's side, if another one.
        user_texts (FILE): Texts of the user's side by move, in YAML, instead of a model.
        assistant (MODEL): Model that speaks the assistant's side, if another one.
        tools (TOOL): Tools that the assistant can call: a file of JSON, OpenAPI, or Python (which
            runs in the sandbox), or `get_order=orders.csv:order_id`; repeatable.
        calls (WAYS): How tools are called, by weight: `one:3,parallel:1,several:1,error:1,none:1`;
            by default `free`.
        stop (REGEX): Ends a conversation when its last turn matches.
        check_end (FILE.py:NAME): Function, run in the sandbox, that finds problems of a finished
            conversation: it takes `messages`, `state`, `facts`, as it names them.
        against (FILE): Evaluation file; messages that overlap with it are refused and asked again.
    """

    system: Words
    balance: Annotated[Any, Read(read_balance, many=True)]
    turns: Annotated[Any, Read(_turns)]
    plans: Annotated[Any, Read(read_shares, many=True), "--plan"]
    facts: Path
    user: str
    user_texts: Annotated[Any, Read(_texts)]
    assistant: str
    tools: Annotated[Words, "--tool"]
    calls: Annotated[Any, Read(read_shares, many=True)]
    stop: str
    check_end: Annotated[Any, Read(_check)]
    against: Path


class ConversationFiles(Holding, Splitting, total=False):
    """How conversations are held and written."""


@verb()
def conversations(
    talk: Talk,
    subject: str,
    *,
    n: Count = 100,
    file: Annotated[Path, typer.Option("-o", "--to")] = Path("conversations.jsonl"),
    form: str | None = None,
    dry_run: bool = False,
    **wishes: Unpack[ConversationFiles],
) -> None:
    """Generate conversations of several turns, with calls of tools.

    Exactly N conversations; every share of topics, lengths and calls is exact, and no two open
    alike. To continue, run the same command again: known replies are reused.

    Options:
        subject (TEXT): What the conversations are about: 'support of a web shop'.
        n (N): Number of conversations.
        file (FILE): File to write, or with --split a folder.
        form (FORMAT): `chat-jsonl`, `sharegpt`, `completion-jsonl`, `alpaca`, or a file format; by
            default the conversations with their attributes in the format of the file's ending.
        dry_run: Print every prompt and the cost; call and write nothing.
    """
    from fabula.augment.conversations.ask import conversations as hold
    from fabula.augment.conversations.files import conversations_to_file

    asked, export = parted(wishes, Splitting)
    if texts := asked.pop("user_texts", None):
        asked["user"] = texts
    if dry_run:
        print_rehearsal(lambda noted: hold(subject, n, **asked, rehearsal=noted))
        return
    with progress(talk) as watch:
        try:
            made, written = conversations_to_file(
                subject,
                n,
                file,
                {"format": form, **export},
                **asked,
                progress=counted(watch, file.stem, n),
                on_result=lambda result: talk.say(calls_line(result)),
            )
        except PartialRunError as error:
            talk.say(error.rows.counted)
            raise
    talk.say(made.report())
    talk.say(written.report())
