"""How far synthetic tables keep the rules across tables that all real rows keep."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from fabula.evaluation.metrics.metric import Score
from fabula.evaluation.metrics.related_tables import RULES
from fabula.evaluation.metrics.result import MetricResult
from fabula.relationships.keys import ForeignKey, Keys
from fabula.relationships.rules.finding import find_rules
from fabula.relationships.rules.links import Link, links_between
from fabula.relationships.rules.rule import Copy, Rule
from fabula.render.amounts import percent

KEPT = 0.99
"""The share of rows, at least, in which each rule is to hold."""


def rules_kept(
    made: Mapping[str, pa.Table], real: Mapping[str, pa.Table], keys: Keys
) -> dict[str, MetricResult]:
    """The share of rows that keep each rule, by the table whose column follows.

    Args:
        made: The synthetic tables.
        real: The real ones by the same names, in which the rules are found.
        keys: Their keys.
    """
    links = {link.key: link for link in links_between(made, keys)}
    shares: dict[str, dict[str, float]] = {}
    for item in find_rules(real, keys).kept:
        share = _share(item.rule, links)
        if share is not None:
            told = f"{item.rule.told} by {'+'.join(item.rule.key.columns)}"
            shares.setdefault(item.rule.target[0], {})[told] = share
    return {table: _result(own) for table, own in shares.items()}


def _share(rule: Rule, links: Mapping[ForeignKey, Link]) -> float | None:
    """The share of rows that keep a rule; None if the columns are not there."""
    link = links.get(rule.key)
    if link is None:
        return None
    sides = {rule.key.parent: link.parent, rule.key.child: link.child}
    families = {sides[table].family(name) for table, name in (rule.target, *rule.sources)}
    if None in families or not link.rows.size:
        return None
    if len(families) > 1 or (families == {"label"} and not isinstance(rule, Copy)):
        return 0.0  # a number is not text, and times that are texts are not compared
    kept = rule.kept(link)
    return float(kept.mean()) if len(kept) else None


def _result(shares: Mapping[str, float]) -> MetricResult:
    worst = min(shares, key=lambda told: shares[told])
    value, whole = shares[worst], sum(share == 1 for share in shares.values())
    sentence = (
        f"`{worst}` holds in {percent(value)} of the rows, and in all real ones; {whole} of"
        f" {len(shares)} rules across tables hold in all rows."
        if value < 1
        else f"Each rule across tables that holds in all real rows holds here, {whole} in all,"
        f" such as `{worst}`."
    )
    return RULES.result(
        Score(
            value,
            sentence,
            baseline=1.0,
            compared="real rows",
            threshold=KEPT,
            details={"rules": dict(shares)},
        )
    )
