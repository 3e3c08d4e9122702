"""The prompt form for small models: text that continues, rather than instructions to follow.

A model of 135 million parameters continues a list far better than it obeys. So one short value is
requested as the next line of a list, several values as the next line of a JSONL file, and prose as
the next answer after a few answered tasks. The prefix is the same for all rows of a job, and
variable parts come last, so that the engine evaluates the prefix once. Requests are one user
message, the text to continue (see `engine`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fabula.llm.client.chat import ChatReply, ChatRequest, Message, Sampling
from fabula.llm.json_schema.grammar import TEXT_LENGTH
from fabula.llm.json_schema.wording import as_json
from fabula.llm.rows.job import RowsJob
from fabula.llm.rows.prompt_format import Call, Reading
from fabula.llm.rows.reply import ReplyReader
from fabula.llm.rows.small_models.few_shot import exemplars, human_lines, is_line
from fabula.llm.rows.small_models.postprocess import loops, plain, tidy, whole_sentences

FREE_TEMPERATURE = 0.95
KNOWN_TEMPERATURE = 0.8
TASK_TEMPERATURE = 0.6
"""The more specific a prompt, the lower the temperature."""
HEAT = 0.1
"""Added to the temperature for each rejected answer."""
MIN_P = 0.1
KNOWN_SHOWN = 4
KNOWN_LENGTH = 40
LINE_TOKENS = 24
TEXT_TOKENS = 90
TOKENS_A_FIELD = 60

_WORDS_WANTED = re.compile(r"(\d+) words")
_KEY_NAME = re.compile(r"(^|_)(id|key|uuid)$", re.I)


class CompletionForm:
    """Asks a completion model for the rows of one job, one row per call."""

    rows_per_call = 1
    stall_rounds = 12  # used values can't be listed for it, only drawn again

    def __init__(self, job: RowsJob, reader: ReplyReader) -> None:
        self._job = job
        self._reader = reader
        self._names = [each.name for each in job.fields]
        self._as_text = job.text or (len(job.fields) == 1 and is_line(job.fields[0]))
        self._known = _telling_names(job.given)
        self._temperature = KNOWN_TEMPERATURE if self._known else FREE_TEMPERATURE
        if job.prompts is not None:
            self._temperature = TASK_TEMPERATURE
        self._exemplars = exemplars(job)
        self._copies = {plain(text) for each in self._exemplars for text in each.row.values()}
        self._prefix = self._title() + "".join(
            self._start(each.row, each.task) + self._end(each.row) for each in self._exemplars
        )

    def request(self, call: Call) -> ChatRequest:
        """The request for one row."""
        job, row = self._job, call.rows[0]
        known = job.given[row] if job.given is not None else {}
        start = self._start(known, job.prompts[row] if job.prompts is not None else "")
        usual = self._temperature + HEAT * len(call.problems.get(row, ()))
        return ChatRequest(
            # a word includes the space before it
            messages=(Message("user", self._prefix + start.rstrip(" " if self._as_text else "")),),
            schema=None if self._as_text else self._schema(),
            sampling=Sampling(
                temperature=usual if job.temperature is None else job.temperature,
                min_p=MIN_P,
                max_tokens=self._tokens(row),
                stop=("\n",) if self._as_text else (),
            ),
            purpose="text" if job.text else "rows",
        )

    def read(self, reply: ChatReply, call: Call) -> Reading:
        """The row in a reply; copies of an example, echoes, loops and empty values are rejected."""
        if not self._as_text:
            cut = reply.finish == "length"
            return self._judged(self._reader.read(reply.text, asked=1, cut=cut))
        text = tidy(reply.text)
        if self._job.text:
            text = whole_sentences(text)
        elif reply.finish == "length":
            return Reading((), f"the value does not end: {text}")
        problem = self._problem(text) or self._echo(text, call.rows[0])
        return Reading((), problem) if problem else Reading(({self._names[0]: text},))

    def _title(self) -> str:
        """What the rows are about; empty if each row has its own prompt."""
        job = self._job
        if job.prompts is not None:
            return ""
        about = [job.subject, job.extra, job.fields[0].description if self._as_text else ""]
        title = ". ".join(filter(None, (part.strip().rstrip(".:") for part in about)))
        lines = [f"{title or 'Examples'}:", *(f"- {line}" for line in human_lines(job))]
        return "\n".join(lines) + ("\n\n" if self._known else "\n")

    def _start(self, known: Mapping[str, Any], task: str) -> str:
        """How a row begins: with its task or its known values."""
        if self._job.prompts is not None:
            return f"Task: {' '.join(task.split())}\nAnswer: "
        shown = {name: known[name] for name in self._known if name in known}
        if not self._as_text:
            return f"{as_json(shown)} -> " if shown else ""
        if not self._known:
            return "- "
        lines = [f"{_words(name)}: {value}\n" for name, value in shown.items()]
        return "".join(lines) + f"{_words(self._names[0])}: "

    def _end(self, row: Mapping[str, Any]) -> str:
        """How a row ends: with the requested values."""
        apart = "\n\n" if self._job.prompts is not None or (self._known and self._as_text) else "\n"
        if self._as_text:
            return f"{row[self._names[0]]}{apart}"
        return as_json({name: row[name] for name in self._names}) + apart

    def _tokens(self, row: int) -> int:
        if not self._as_text:
            return TOKENS_A_FIELD * (1 + len(self._names))
        if not self._job.text:
            return LINE_TOKENS
        asked = self._job.prompts[row] if self._job.prompts is not None else ""
        wanted = _WORDS_WANTED.findall(f"{asked} {self._job.fields[0].description}")
        return max(TEXT_TOKENS, *(2 * min(int(words), 500) for words in wanted), 0)

    def _schema(self) -> dict[str, Any]:
        definitions: dict[str, Any] = {}
        for each in self._job.fields:
            definitions |= each.schema.get("$defs", {})
        return {
            "type": "object",
            "properties": {each.name: each.schema for each in self._job.fields},
            "required": self._names,
            **({"$defs": definitions} if definitions else {}),
        }

    def _problem(self, text: str) -> str:
        if not plain(text):
            return "the model wrote nothing"
        if plain(text) in self._copies:
            return f"a copy of an example: {text}"
        return f"the text repeats itself: {text}" if loops(text) else ""

    def _echo(self, text: str, row: int) -> str:
        """Whether the text only repeats known values of the row."""
        job = self._job
        known = job.prompts[row] if job.prompts is not None else ""
        if job.given is not None:
            known = "\n".join(str(job.given[row][name]) for name in self._known)
        lines = [plain(line) for line in known.split("\n")]
        echoes = plain(text) in lines or (job.text and plain(text) in plain(known))
        return f"the text only repeats what is known: {text}" if echoes else ""

    def _judged(self, reading: Reading) -> Reading:
        """Reject a row whose free texts are all an example's, or that has an unusable text."""
        for item in reading.items:
            lines = [each.name for each in self._job.fields if is_line(each)]
            names = [name for name in lines if isinstance(item.get(name), str)]
            for name in names:
                if len(item[name]) >= TEXT_LENGTH:  # the grammar ended it mid-sentence
                    item[name] = whole_sentences(item[name])
            texts = [item[name] for name in names]
            problems = list(filter(None, map(self._problem, texts)))
            useless = any(loops(text) or not text for text in texts)
            if problems and (len(problems) == len(texts) or useless):
                return Reading((), problems[0], ((as_json(item), problems[0]),))
        return reading


def _telling_names(given: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """Known values that mean something to a small model: a few short words or small numbers."""
    names = [
        name
        for name, value in (given[0] if given else {}).items()
        if not _KEY_NAME.search(name)
        and (
            (isinstance(value, str) and len(value) <= KNOWN_LENGTH)
            or (isinstance(value, int) and abs(value) < 100)
        )
    ]
    return names[:KNOWN_SHOWN]


def _words(name: str) -> str:
    return name.replace("_", " ").strip()
