"""What every check has in common: what is done with broken rows, and the facts of its kind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from fabula.kinds.base.parameters import Scalar, SpecModel

Repair = Literal["fail", "drop", "resample", "retry"]


class AbstractCheck(SpecModel, defer_build=True):
    """A rule on a table.

    Attributes:
        repair: What to do with rows (or a table) that break it: `fail` the run, `drop` the
            rows, or `resample` them a bounded number of times (`retry` means the same).
        name: A name for reports; by default the rule in words.
    """

    kind: str
    repair: Repair = "fail"
    name: str = ""

    example: ClassVar[str] = ""
    """One check of the kind, as YAML."""
    of_rows: ClassVar[bool] = False
    """One row passes or fails by itself, by `condition`."""
    in_python: ClassVar[bool] = False
    """A Python function of the user's judges the rows; there is no SQL condition."""
    of_files: ClassVar[bool] = False
    """The rule is about the files that a column names, which are made after all rows."""
    drops: ClassVar[bool] = False
    """The rule holds once some rows are dropped."""
    statistical: ClassVar[bool] = False
    """Only the whole data can keep the rule, so previews leave it out."""
    counts_children: ClassVar[bool] = False
    """The rule is about the rows of table `of` that refer to each row."""
    wants: ClassVar[Literal["numbers", "texts"] | None] = None
    """What `column` must hold."""

    @field_validator("repair")
    @classmethod
    def _one_word(cls, repair: Repair) -> Repair:
        return "resample" if repair == "retry" else repair

    @property
    def title(self) -> str:
        """The check's own name, or its rule in words."""
        return self.name or self.in_words()

    @abstractmethod
    def in_words(self) -> str:
        """What the check demands."""

    def condition(self) -> str:
        """The SQL condition that good rows meet; null counts as met.

        Values of the spec become quoted literals; only a `row` check's SQL, and a bound that is an
        expression, are SQL of the user's own.

        Raises:
            ValueError: The check is about a whole table.
        """
        raise ValueError(f"a `{self.kind}` check is about a whole table")

    def written_sql(self) -> Iterator[tuple[str, str]]:
        """The user's conditions, each with the key that holds it."""
        yield from ()

    @property
    def looks_at(self) -> tuple[str, ...]:
        """The table's columns that the check names."""
        named = getattr(self, "columns", None) or (getattr(self, "column", None),)
        return tuple(name for name in named if name is not None)

    @property
    def other(self) -> str | None:
        """The other table that the check looks at: `table`, or `table.column`."""
        return None

    @property
    def allowed(self) -> tuple[Scalar, ...] | None:
        """The only values that `column` may hold; None if the check does not list them."""
        return None


class AbstractBound(AbstractCheck):
    """A measured number with bounds; `equals` takes a `tolerance`."""

    at_least: float | None = None
    at_most: float | None = None
    equals: float | None = None
    tolerance: float = Field(default=0.0, ge=0)

    statistical: ClassVar = True

    @model_validator(mode="after")
    def _bounded(self) -> AbstractBound:
        if self.at_least is None and self.at_most is None and self.equals is None:
            raise ValueError("give `at_least`, `at_most` or `equals`")
        return self

    def bound_in_words(self) -> str:
        """The bounds of the measured number."""
        parts = []
        if self.at_least is not None:
            parts.append(f"at least {self.at_least:g}")
        if self.at_most is not None:
            parts.append(f"at most {self.at_most:g}")
        if self.equals is not None:
            within = f" ± {self.tolerance:g}" if self.tolerance else ""
            parts.append(f"equal to {self.equals:g}{within}")
        return " and ".join(parts)


class AbstractRowRule(AbstractCheck):
    """A rule that one row passes or fails by itself; it states its SQL condition."""

    of_rows: ClassVar = True
    drops: ClassVar = True
