"""Take the models' list prices from the package that keeps them: part of `make lock`.

The package is a development dependency: its data takes half a second to load, and it brings an
HTTP client along, which an installation without the embedded model does not need.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import types
from genai_prices.data import providers

PATH = Path(__file__).parents[1] / "src" / "fabula" / "llm" / "cache" / "prices.txt"
VENDORS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "mistral": "mistral",
    "groq": "groq",
    "openrouter": "openrouter",
    "together": "together",
}
"""Fabula's name of each vendor, by the package's."""


def main() -> None:
    """Write the table: vendor, model, US dollars for a million tokens in and out."""
    rows = {
        (VENDORS[vendor.id], name): price
        for vendor in providers
        if vendor.id in VENDORS
        for model in vendor.models
        if (price := _price(model)) is not None
        for name in _names(model)
    }
    head = (
        f"# List prices of {datetime.now(UTC):%Y-%m}, from genai-prices {version('genai-prices')}\n"
    )
    lines = [f"{vendor} {name} {price}\n" for (vendor, name), price in sorted(rows.items())]
    PATH.write_text(head + "".join(lines), encoding="utf-8")


def _price(model: types.ModelInfo) -> str | None:
    """Dollars for a million tokens in and out today; None where tokens have no price."""
    prices = model.get_prices(datetime.now(UTC))
    given, made = _dollars(prices.input_mtok), _dollars(prices.output_mtok)
    return None if given is None else f"{given} {made or 0}"


def _dollars(price: Any) -> Decimal | None:
    """The base price, where long prompts cost more."""
    return price.base if isinstance(price, types.TieredPrices) else price


def _names(model: types.ModelInfo) -> set[str]:
    """The names that mean a model exactly."""
    clauses = [model.match]
    names = {model.id}
    while clauses:
        clause = clauses.pop()
        clauses += getattr(clause, "or_", ())
        names.add(getattr(clause, "equals", model.id))
    return {name for name in names if not any(letter.isspace() for letter in name)}


if __name__ == "__main__":
    main()
