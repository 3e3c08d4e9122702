"""What every column kind has in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from fabula.spec.parameters import Parameter, Probability, SpecModel


class AbstractColumn(SpecModel):
    """A column of a table; each kind adds its own parameters.

    Attributes:
        nulls: Share of missing values, 0 to 1.
        unique: No value may occur twice in the table.
        drop: Made and used by other columns, but not written.
        description: What the column means, for models and readers.
    """

    kind: str
    nulls: Probability = 0.0
    unique: bool = False
    drop: bool = False
    description: str = ""

    expressions: ClassVar[tuple[str, ...]] = ()
    """Parameters that may be SQL over earlier columns."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        """Leave the type alone alongside which a column stands: `Annotated[int,
        col.poisson(40)]`."""
        return handler(source)


class AbstractNumber(AbstractColumn):
    """A number drawn from a distribution, cut to `min` … `max`, rounded to `decimals`."""

    min: Parameter | None = None
    max: Parameter | None = None
    decimals: int | None = Field(default=None, ge=0, le=12)
