"""What a run writes besides its tables: further file formats, and sets to train models with."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from fabula.errors import did_you_mean
from fabula.kinds.base.parameters import SpecModel
from fabula.spec.messages import ToldInWords
from fabula.spec.training_formats import TRAINING_FORMATS, TrainingFormat

CONVERSATIONS = ("messages", "conversations")
"""Columns that hold the turns of a conversation."""


def _as_list(value: object) -> object:
    return [value] * bool(value) if isinstance(value, str) else value


Texts = Annotated[
    tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | list[str])
]


class OutputSpec(SpecModel, metaclass=ToldInWords):
    """One more form in which tables are written.

    A file format writes whole tables. A training format (`chat-jsonl`, `completion-jsonl`,
    `alpaca`, `sharegpt`, `preference`) writes one example for each row of one table. A text of an
    example is a column, or a Jinja template over the row: `"{{ product }}, {{ category }}"`.

    Attributes:
        format: The file format, or the training format.
        tables: Which tables a file format writes; by default all.
        table: The table whose rows are the examples; by default the only one.
        user: What the user says: the input. Without `user` and `assistant`, the examples are the
            conversations in the column `messages` or `conversations`.
        assistant: What the assistant answers: the output; several for `preference`.
        system: What the system says first; by default nothing.
        score: For `preference`: the columns that grade the answers, one for each of `assistant`.
            The best answer is chosen, the worst rejected; with one answer a row, rows of equal
            `user` are compared.
        split: Shares by name (`{train: 0.9, test: 0.1}`, or in proportion `{train: 9, test: 1}`),
            each a file; no input is in two of them.
        stratify: A column whose values have the same shares in each of them.
        path: The file's name without ending; by default the split's, else the table's and
            format's.
    """

    format: str = "parquet"
    tables: tuple[str, ...] = ()
    table: str = ""
    user: str = ""
    assistant: Texts = ()
    system: str = ""
    score: Texts = ()
    split: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    stratify: str = ""
    path: str = Field(default="", pattern=r"^[^/\\]*$")

    @model_validator(mode="after")
    def _coherent(self) -> OutputSpec:
        if not self.is_export:
            given = [name for name in _OF_EXPORTS if getattr(self, name)]
            if given:
                known = TRAINING_FORMATS.written()
                meant = did_you_mean(self.format, known) or f"there are {', '.join(known)}"
                raise ValueError(
                    f"`{given[0]}` needs a training format or a `split`, and `{self.format}` is not"
                    f" one; {meant}"
                )
            return self
        if self.tables:
            raise ValueError("give `table: NAME`; examples are made of one table")
        if self.stratify and not self.split:
            raise ValueError("`stratify` needs a `split`")
        whole = sum(self.split.values())
        if max(self.split.values(), default=0) < 1 and abs(whole - 1) > _ROUNDING and self.split:
            raise ValueError(
                f"the shares of the split add up to {whole:g}, not to 1; give numbers of rows, or"
                " shares such as `train=0.9,test=0.1`"
            )
        for name in self.split:
            if not name.strip() or "/" in name or "\\" in name:
                raise ValueError(f"`{name}` is not a name for the file of a split")
        if self.training is not None:
            self._check_examples(self.training)
        return self

    @property
    def training(self) -> TrainingFormat | None:
        """The training format that it writes; None for a file format."""
        entry = TRAINING_FORMATS.get(self.format)
        return entry if entry and entry.writes else None

    @property
    def is_training(self) -> bool:
        """Whether its rows are examples to train a model with."""
        return self.training is not None

    @property
    def is_talk(self) -> bool:
        """Whether its examples are conversations, which a column contains."""
        return self.is_training and not (self.user or self.assistant)

    @property
    def is_export(self) -> bool:
        """Whether it makes files of its own out of one table."""
        return self.is_training or bool(self.split)

    @property
    def texts(self) -> tuple[str, ...]:
        """Its columns and templates, without those left out."""
        return tuple(filter(None, (self.user, self.system, *self.assistant)))

    @property
    def ending(self) -> str:
        """The ending of its files."""
        return ".jsonl" if self.is_training else f".{self.format}"

    def files(self, table: str) -> dict[str, str]:
        """The name of each split's file; the split `""` if there is none."""
        if not self.split:
            return {
                "": (self.path or f"{table}-{self.format.removesuffix('-jsonl')}") + self.ending
            }
        start = f"{self.path}-" if self.path else ""
        return {name: f"{start}{name}{self.ending}" for name in self.split}

    def _check_examples(self, form: TrainingFormat) -> None:
        if bool(self.user) != bool(self.assistant) or (self.is_talk and form.talks is None):
            raise ValueError(f"`{form.name}` needs `user` and `assistant`: columns or templates")
        if not form.compares:
            if len(self.assistant) > 1 or self.score:
                comparing = [name for name, item in TRAINING_FORMATS.items() if item.compares]
                raise ValueError(f"only `{'`, `'.join(comparing)}` compares answers by `score`")
        elif len(self.score) != len(self.assistant):
            raise ValueError(f"`{form.name}` needs a `score` for each answer in `assistant`")


_ROUNDING = 0.02
"""How far fractions of a split may be from a whole: three of 0.33 are meant to be one."""
_OF_EXPORTS = ("table", "user", "assistant", "system", "score", "stratify", "path")
