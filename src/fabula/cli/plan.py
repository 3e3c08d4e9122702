"""`fabula plan`: shows what a run would do and cost."""

from __future__ import annotations

from typing import Unpack

from fabula.cli.arguments import Planned, Printed, Rows, SpecArgument, print_as, read_spec
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.options import verb


@verb()
def plan(
    spec: SpecArgument,
    *,
    n: Rows = None,
    prompt: str | None = None,
    prompts: bool = False,
    form: Printed = "table",
    **planned: Unpack[Planned],
) -> None:
    """Show what a run would do and cost; calls nothing.

    Options:
        n (N|TABLE=N): Rows, in total or of one table; repeatable.
        prompt (TEXT): What the rows are about, for the model.
        prompts: Also print every prompt for language models.
        form: How the plan is printed.
    """
    from fabula import api

    wanted = read_spec(spec, prompt=prompt)
    made = api.plan(wanted, n, **planned)
    print_as(form, made.report(), made.to_dict())
    if prompts:
        print_rehearsal(lambda noted: api.rehearse(wanted, n, rehearsal=noted, **planned))
