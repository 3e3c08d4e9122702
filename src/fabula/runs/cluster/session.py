"""Where a run is made: in this process, or on the workers of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fabula.errors import UsageError
from fabula.llm.cache.budget import Budget
from fabula.llm.client.chat import ChatModel
from fabula.llm.session import OpenModel, models_of_run
from fabula.planning.plan import Plan
from fabula.runs.options import RunOptions

if TYPE_CHECKING:
    from fabula.llm.cache.batched import OnBatch


@contextmanager
def session(
    plan: Plan,
    options: RunOptions,
    *,
    budget: Budget,
    batch: bool | OnBatch,
    **keeping: Any,
) -> Iterator[tuple[OpenModel, RunOptions]]:
    """A way to open the models of a run, and the run's options with the workers that make parts.

    Args:
        plan: What is made.
        options: How; its executor decides.
        budget: What the run may spend.
        batch: Ask by the provider's batches.
        keeping: Where a share keeps replies; see `models_of_run`.

    Raises:
        UsageError: There is no such executor, or it can't do what is asked.
        PrerequisiteError: Ray is not installed, or no cluster answers.
    """
    if options.executor == "local":
        if options.address is not None:
            raise UsageError(
                "an address is that of a Ray cluster",
                code="usage.executor",
                hint="add `--executor ray`",
            )
        with models_of_run(fresh=options.fresh, budget=budget, batch=batch, **keeping) as opened:
            yield opened, options
        return
    if options.executor != "ray":
        raise UsageError(
            f"there is no executor `{options.executor}`",
            code="usage.executor",
            hint="there are `local` and `ray`",
        )
    if batch or keeping:
        raise UsageError(
            "a cluster makes whole runs, and asks models live",
            code="usage.executor",
            hint=f"leave out `{'--batch' if batch else '--blocks'}` or `--executor ray`",
        )
    from fabula.runs.cluster.asking import Asking
    from fabula.runs.cluster.ray_cluster import RayCluster
    from fabula.runs.cluster.remote_parts import RemoteParts, check_remote

    check_remote(plan)
    cluster = RayCluster(options.address, options.workers)
    asking = None
    try:
        if plan.calls:
            asking = Asking(fresh=options.fresh, budget=budget)
        open_model: OpenModel = _none if asking is None else asking.door.open
        yield open_model, replace(options, elsewhere=RemoteParts(plan, cluster, asking))
    finally:
        if asking is not None:
            asking.close()
        cluster.close()


def _none(model: Any) -> ChatModel:
    """A plan without calls opens no model."""
    raise AssertionError(model)
