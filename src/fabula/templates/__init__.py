"""Ready-made specs that `fabula init --template NAME` writes."""

from __future__ import annotations

from importlib.resources import files

from fabula.errors import UsageError, did_you_mean

TEMPLATES: dict[str, str] = {
    "shop": "products, customers and orders of an online shop",
    "billing": "medical bills with codes, charges and claims",
    "patients": "hospital patients, their stays and vital signs",
    "fraud": "card payments of which exactly 2 % are fraud",
    "housing": "houses whose prices follow size and location",
    "climate": "a year of daily weather readings with seasons",
    "tvs": "televisions with a price rule between two types",
    "tickets": "support tickets with texts by a language model",
}
"""Every template with what it makes."""


def template(name: str) -> str:
    """The text of a template's spec.

    Raises:
        UsageError: There is no such template.

    Examples:
        >>> "tables:" in template("shop")
        True
    """
    if name not in TEMPLATES:
        raise UsageError(
            f"there is no template `{name}`",
            code="usage.unknown-template",
            hint=did_you_mean(name, TEMPLATES) or f"choose one of {', '.join(TEMPLATES)}",
        )
    return (files("fabula.templates") / f"{name}.yaml").read_text(encoding="utf-8")
