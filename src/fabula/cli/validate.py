"""`fabula validate`: validates a spec, data against a spec, or a training file."""

from __future__ import annotations

from pathlib import Path

from fabula.cli.arguments import Printed, SpecArgument, print_as, read_spec
from fabula.cli.options import verb


@verb()
def validate(spec: SpecArgument, *, data: Path | None = None, form: Printed = "table") -> None:
    """Validate a spec, data against a spec, or a training file.

    A `.jsonl` file instead of the spec is checked as a training dataset: one known format, roles
    and their order, no empty text, length, repeats.

    Options:
        data: Data to check: a run's folder, a folder, a file.
        form: How the result is printed.
    """
    from fabula import api
    from fabula.render import amounts

    is_set = spec.endswith(".jsonl")
    wanted = spec if is_set else read_spec(spec)
    results = api.validate(wanted, data)
    text = results.report()
    if data is None and not isinstance(wanted, str):
        columns = sum(len(table.columns) for table in wanted.tables.values())
        checks = sum(len(table.checks) for table in wanted.tables.values())
        parts = [amounts.count(len(wanted.tables), "table"), amounts.count(columns, "column")]
        text = f"`{spec}` is coherent: {', '.join(parts)}, {amounts.count(checks, 'check')}"
    print_as(form, text, results.to_dict())
    broken = results.error()
    if broken:
        if is_set:
            broken.where, broken.hint = spec, "repair or drop these lines"
        raise broken
