"""The prompt form for small models: text that goes on, rather than instructions to follow.

A model of 135 million parameters continues a list far better than it obeys. So one short value is
asked as the next line of a list, several values as the next line of a JSONL file, and prose as
the next answer after a few answered tasks. The prefix is the same for all rows of a job, and what
varies comes last, so that the engine evaluates the prefix once. Requests are one user message,
the text to go on with (see `engine`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fabula.llm.chat import ChatReply, ChatRequest, Message, Sampling
from fabula.llm.fake_values import make_value
from fabula.llm.local.examples import theme_for
from fabula.llm.rows.form import Call, Reading
from fabula.llm.rows.job import RowField, RowsJob
from fabula.llm.rows.names import plain_name
from fabula.llm.rows.reply import ReplyReader
from fabula.llm.rows.wording import as_json

TEMPERATURE = 0.95
MIN_P = 0.1
SHOWN = 4
"""Examples in a prompt; more dilute the prompt and cost time."""
KNOWN_LENGTH = 40
LINE_TOKENS = 24
TEXT_TOKENS = 90
ROW_TOKENS = 60

_TASK = "(task)"
_LONG = re.compile(r"sentence|text|descri|note|review|message|paragraph", re.I)
_SENTENCE_END = re.compile(r"[.!?…][\"')”’]?(?=\s|$)")
_OTHER_NAMES = {
    "name": "name title product item label subject headline heading summary dish",
    "text": "text description blurb note comment review message body bio content details story",
    "category": "category type kind group department class topic issue",
    "colour": "colour color",
    "brand": "brand maker manufacturer vendor",
    "price": "price cost amount total charge fee value",
    "city": "city town place location",
    "job": "job role occupation profession position",
    "rating": "rating stars score",
    "author": "author writer artist",
    "genre": "genre style",
    "diagnosis": "diagnosis disease condition illness",
    "treatment": "treatment therapy medication",
    "industry": "industry sector",
    "first_name": "firstname givenname forename",
    "last_name": "lastname surname familyname",
}
_ATTRIBUTE = {word: name for name, words in _OTHER_NAMES.items() for word in words.split()}


class CompletionForm:
    """Asks a continuing model for the rows of one job, one row a call."""

    rows_per_call = 1

    def __init__(self, job: RowsJob, reader: ReplyReader) -> None:
        self._job = job
        self._reader = reader
        self._names = [each.name for each in job.fields]
        self._line = not job.text and len(job.fields) == 1 and _is_line(job.fields[0])
        self._examples = _examples(job)
        self._copies = {_plain(value) for each in self._examples for value in each.values()}
        self._prefix = self._tasks() if job.prompts is not None else self._list()

    def request(self, call: Call) -> ChatRequest:
        """The request for one row."""
        as_lines = self._job.text or self._line
        tokens = TEXT_TOKENS if self._job.text else LINE_TOKENS
        return ChatRequest(
            messages=(Message("user", self._prefix + self._varying(call.rows[0])),),
            schema=None if as_lines else self._schema(),
            sampling=Sampling(
                temperature=TEMPERATURE if self._job.temperature is None else self._job.temperature,
                min_p=MIN_P,
                max_tokens=tokens if as_lines else ROW_TOKENS * (1 + len(self._names)),
                stop=("\n",) if as_lines else (),
            ),
            purpose="text" if self._job.text else "rows",
        )

    def read(self, reply: ChatReply, call: Call) -> Reading:
        """The row in a reply; copies of an example, loops and empty values are refused."""
        if not (self._job.text or self._line):
            cut = reply.finish == "length"
            return self._without_copies(self._reader.read(reply.text, asked=1, cut=cut))
        text = _tidy(reply.text)
        if self._job.text:
            text = _whole_sentences(text)
        elif reply.finish == "length":
            return Reading((), f"the value does not end: {text}")
        problem = self._problem(text, call.rows[0])
        return Reading((), problem) if problem else Reading(({self._names[0]: text},))

    def _list(self) -> str:
        job = self._job
        about = [job.subject.strip().rstrip(".:"), *(each.description for each in job.fields)]
        about = about[: 2 if self._line or job.text else 1]
        title = ". ".join(filter(None, (part.strip().rstrip(".:") for part in about)))
        lines = [self._start(each) + self._end(each) for each in self._examples]
        return "\n".join([f"{title or 'Examples'}:", *lines, ""])

    def _tasks(self) -> str:
        """Tasks with answers; each ends with an empty line."""
        answered = [
            f"Task: {each[_TASK]}\nAnswer: {self._end(each)}\n\n"
            for each in self._examples
            if _TASK in each
        ]
        return "".join(answered)

    def _varying(self, row: int) -> str:
        job = self._job
        if job.prompts is not None:
            return f"Task: {' '.join(job.prompts[row].split())}\nAnswer:" + (
                "" if self._line or job.text else " "
            )
        known = job.given[row] if job.given is not None else {}
        start = self._start(known)
        return start.rstrip() if self._line or job.text else start  # a word brings its own space

    def _start(self, known: Mapping[str, Any]) -> str:
        """The start of a line: what is known of the row."""
        names = self._known_names()
        if self._line or self._job.text:
            words = [str(known[name]) for name in names if name in known]
            return f"- {', '.join(words)}: " if words else "- "
        shown = {name: known[name] for name in names if name in known}
        return f"{as_json(shown)} -> " if shown else ""

    def _end(self, row: Mapping[str, Any]) -> str:
        if self._line or self._job.text:
            return str(row[self._names[0]])
        return as_json({name: row[name] for name in self._names if name in row})

    def _known_names(self) -> Sequence[str]:
        """Known values that mean something to a small model: a few short words."""
        if not self._job.given:
            return ()
        return [
            name
            for name, value in self._job.given[0].items()
            if isinstance(value, str) and len(value) <= KNOWN_LENGTH
        ][:SHOWN]

    def _schema(self) -> dict[str, Any]:
        properties = {each.name: each.schema for each in self._job.fields}
        definitions: dict[str, Any] = {}
        for each in self._job.fields:
            definitions |= each.schema.get("$defs", {})
        return {
            "type": "object",
            "properties": properties,
            "required": self._names,
            **({"$defs": definitions} if definitions else {}),
        }

    def _problem(self, text: str, row: int) -> str:
        if not text:
            return "the model wrote nothing"
        if _plain(text) in self._copies:
            return f"a copy of an example: {text}"
        if _loops(text):
            return f"the text repeats itself: {text}"
        if self._job.prompts is not None and _plain(text) in _plain(self._job.prompts[row]):
            return f"the text only repeats the task: {text}"
        return ""

    def _without_copies(self, reading: Reading) -> Reading:
        """Refuse a row whose every open text is that of an example, or loops."""
        for item in reading.items:
            texts = [item[each.name] for each in self._job.fields if _is_text(item, each)]
            if texts and all(_plain(text) in self._copies for text in texts):
                return Reading((), "a copy of an example", ((as_json(item), "copies an example"),))
            if any(_loops(text) for text in texts):
                return Reading((), "a text repeats itself", ((as_json(item), "repeats itself"),))
        return reading


def _examples(job: RowsJob) -> list[dict[str, Any]]:
    """Human examples first; built-in ones where there are none."""
    human = list(_human(job))
    return human[:SHOWN] if human else list(_built_in(job))


def _human(job: RowsJob) -> Iterator[dict[str, Any]]:
    for example in job.examples:
        value = example.model_dump(mode="json") if hasattr(example, "model_dump") else example
        if isinstance(value, str) and len(job.fields) == 1:
            yield {job.fields[0].name: " ".join(value.split())}
        elif isinstance(value, Mapping) and any(each.name in value for each in job.fields):
            yield dict(value)


def _built_in(job: RowsJob) -> Iterator[dict[str, Any]]:
    """Records of the theme that fits the job, under the job's own field names."""
    prompt = job.prompts[0] if job.prompts else ""
    described = " ".join(f"{each.name} {each.description}" for each in job.fields)
    theme = theme_for(f"{job.subject} {prompt} {described.replace('_', ' ')}")
    rng = random.Random(job.subject)
    for place, record in enumerate(theme.records):
        row: dict[str, Any] = {_TASK: theme.task_of(record)}
        for name, known in (job.given[place % job.n] if job.given else {}).items():
            row[name] = record.get(_attribute(name), known)
        for each in job.fields:
            row[each.name] = record["text"] if job.text else _value(each, record, rng, place)
        yield row


def _value(each: RowField, record: Mapping[str, Any], rng: random.Random, place: int) -> Any:
    """A value for one field: from the record by name, else any that fits the schema."""
    if "enum" in each.schema:
        return each.schema["enum"][place % len(each.schema["enum"])]
    if _is_line(each):
        text = record.get(_attribute(each.name))
        if isinstance(text, str):
            return text
        return record["text" if _LONG.search(each.description) else "name"]
    schema = {"type": "object", "properties": {each.name: each.schema}, "required": [each.name]}
    schema |= {"$defs": each.schema["$defs"]} if "$defs" in each.schema else {}
    return make_value(rng, schema)[each.name]


def _attribute(name: str) -> str:
    """What a theme's records call a field of this name."""
    plain = plain_name(name)
    found = (other for word, other in _ATTRIBUTE.items() if plain.endswith(word))
    return _ATTRIBUTE.get(plain) or next(found, "")


def _is_line(each: RowField) -> bool:
    """True for a free text that fits on a line of a list."""
    schema = each.schema
    return schema.get("type") == "string" and not schema.keys() & {"enum", "pattern", "format"}


def _is_text(item: Mapping[str, Any], each: RowField) -> bool:
    return isinstance(item.get(each.name), str) and _is_line(each)


def _tidy(text: str) -> str:
    text = " ".join(text.split()).lstrip("-•* ")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return text.rstrip(" ,;:-")


def _whole_sentences(text: str) -> str:
    """The text up to its last sentence end; nothing when no sentence ends."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else ""


def _loops(text: str) -> bool:
    """True when a text says the same words again and again."""
    words = _plain(text).split()
    thrice = any(words[i] == words[i + 1] == words[i + 2] for i in range(len(words) - 2))
    triples = list(zip(words, words[1:], words[2:], strict=False))
    return thrice or (len(triples) > 6 and len(set(triples)) < 0.7 * len(triples))


def _plain(value: Any) -> str:
    return " ".join(re.sub(r"[^\w\s]", "", str(value)).casefold().split())
