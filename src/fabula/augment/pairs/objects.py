"""Pairs that a model writes as objects of an input and an output, whatever was asked.

`{"input": "Mug, Kitchen", "output": "…"}`, `{"prompt": {…}, "completion": "…"}`, and chats of one
user's and one assistant's message are all the same pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from fabula.llm.json_schema.reading import is_cut, unwrapped_json

Values: TypeAlias = Callable[[str], Mapping[str, Any]]
"""Reads the values of one side from its text; a `ValueError` says that they are not there."""

_INPUTS = ("input", "prompt", "question", "user", "human", "instruction")
_OUTPUTS = ("output", "completion", "response", "answer", "assistant", "gpt")
_TALKS = ("messages", "conversations", "conversation")
_SPEAKER, _SAID = ("role", "from"), ("content", "value")


class Sides:
    """Reads pairs of one shape from objects of two sides, each an object or a text to be read."""

    def __init__(
        self,
        inputs: Sequence[str],
        outputs: Sequence[str],
        read_input: Values,
        read_output: Values,
    ) -> None:
        self._names = {*inputs, *outputs}
        self._sides = ((_INPUTS, inputs, read_input), (_OUTPUTS, outputs, read_output))

    def unpacked(self, value: Any) -> Any:
        """A JSON value in which each pair of two sides has the fields that were asked."""
        if is_cut(value):
            if isinstance(value, list):
                value[:] = map(self.unpacked, value)
            else:
                value.update({key: self.unpacked(item) for key, item in value.items()})
            return value
        if isinstance(value, list):
            return [self.unpacked(item) for item in value]
        if not isinstance(value, Mapping) or self._names & value.keys():
            return value
        pair = self._pair(value)
        if pair is not None:
            return pair
        return {key: self.unpacked(unwrapped_json(item)) for key, item in value.items()}

    def _pair(self, value: Mapping[str, Any]) -> dict[str, Any] | None:
        """The fields of a pair with what else the object says; None if it is none."""
        said = {str(key).casefold(): item for key, item in (_talk(value) or value).items()}
        pair: dict[str, Any] = {}
        for keys, names, read in self._sides:
            found = [key for key in keys if key in said]
            if len(found) != 1:
                return None
            side = said.pop(found[0])
            if isinstance(side, str):
                try:
                    side = read(side)
                except ValueError:
                    return None
            if not isinstance(side, Mapping) or not set(names) <= side.keys():
                return None
            pair |= side
        return {**{key: item for key, item in value.items() if key.casefold() in said}, **pair}


def _talk(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was said by whom in a chat, where each speaks once."""
    turns = next((value[key] for key in _TALKS if isinstance(value.get(key), list)), None)
    if turns is None or not all(isinstance(turn, Mapping) for turn in turns):
        return None
    said = [
        (
            next((str(turn[key]) for key in _SPEAKER if key in turn), ""),
            next((turn[key] for key in _SAID if key in turn), None),
        )
        for turn in turns
    ]
    return dict(said) if len(dict(said)) == len(said) else None
