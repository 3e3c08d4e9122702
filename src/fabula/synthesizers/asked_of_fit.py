"""Whether what `fit` is asked for can be done."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fabula.errors import UsageError, did_you_mean


def check_amounts(holdout: float, protect: int | bool) -> None:
    """Check the share of rows that are held out, and how many rows protect a value.

    Raises:
        UsageError: The share is out of range, or the number of rows must be whole.
    """
    if not isinstance(holdout, int | float) or not 0 <= holdout < 1:
        raise UsageError(
            f"`holdout` must be a share from 0 to below 1, not {holdout!r}",
            code="usage.share",
            hint="0.2 keeps a fifth of the rows out; 0 keeps none",
        )
    if not isinstance(protect, int) or protect < 0:
        raise UsageError(
            f"`protect` must be a whole number from 0 on, or False, not {protect!r}",
            code="usage.protect",
        )


def check_sensitive(names: Collection[str], there: Sequence[str], *, private: bool) -> None:
    """Check that the columns to replace are there.

    Raises:
        UsageError: One is not, or labels come from a domain.
    """
    for name in names:
        if name not in there:
            raise UsageError(
                f"`sensitive` names `{name}`, which the table does not have",
                code="usage.unknown-column",
                where=name,
                hint=did_you_mean(name, there) or f"the columns are {', '.join(there)}",
            )
    if names and private:
        raise UsageError(
            "`sensitive` has no meaning with `epsilon`: labels come from the domain alone",
            code="usage.sensitive",
            hint="set these columns to null in the domain to leave them out",
        )


def check_person(
    name: str | None, there: Sequence[str], *, private: bool, several: bool = False
) -> None:
    """Check the column that tells whom a row is about.

    Raises:
        UsageError: The table does not have it, there are several tables, or labels come from a
            domain.
    """
    if name is None:
        return
    hint = "leave `protect_by` out"
    if several:
        told = "`protect_by` names a column of one table; of several, keys tell whom rows are about"
    elif private:
        told = "`protect_by` has no meaning with `epsilon`: labels come from the domain alone"
    elif name not in there:
        told = f"`protect_by` names `{name}`, which the table does not have"
        hint = did_you_mean(name, there) or f"the columns are {', '.join(there)}"
    else:
        return
    raise UsageError(told, code="usage.protect", where=name, hint=hint)
