"""Functions for the rows of a block, called in the sandbox."""

from __future__ import annotations

import pyarrow as pa

from fabula.sandbox.run import Limits, run

BULK = Limits(seconds=300)
"""What a function may take for a block of 65,536 rows."""
_TYPES = {
    "string": "str",
    "int64": "int",
    "double": "float",
    "bool": "bool",
    "date32[day]": "date",
}
"""What a function is to give, by the type of its values."""
_ENTRY = "fabula.functions.inside:fill"


class FunctionFault(Exception):
    """A function failed, or its values are not what was asked; the text is for its author."""


def fill(
    source: str,
    rows: pa.Table,
    kind: pa.DataType,
    *,
    n: int,
    start: int = 0,
    seed: int,
    limits: Limits = BULK,
) -> pa.Array:
    """A function's values for some rows.

    Raises:
        FunctionFault: The function failed, or gave something else than one value per row.
    """
    request = {"source": source, "n": n, "start": start, "seed": seed}
    request["type"] = _TYPES[str(kind)]
    outcome = run(_ENTRY, request, tables={"rows": rows}, seed=seed, limits=limits)
    if outcome.fault is not None:
        fault = outcome.fault
        place = "" if fault.line is None else f" in line {fault.line}"
        raise FunctionFault(
            f"The function fails{place} ({fault.kind}): {fault.message}\n{fault.traceback}".strip()
        )
    made = outcome.tables.get("values")
    if made is None or made.schema != pa.schema([("values", kind)]) or len(made) != n:
        raise FunctionFault(f"The function gives no {n} values of type {kind}.")
    return made["values"].combine_chunks()
