"""Fields that follow from a document's lines: taxes, totals, balances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from fabula.media.printing import as_number, rounded

Row: TypeAlias = dict[str, Any]


@dataclass
class Amounts:
    """What a document prints: fields, lines, and sums by rate of tax.

    `remark` names a word of the template; `differs` are fields of the row that are not what
    follows from the lines.
    """

    fields: Row
    lines: list[Row]
    taxes: list[Row] = field(default_factory=list)
    remark: str = ""
    differs: list[str] = field(default_factory=list)

    def settle(self, name: str, amount: Decimal) -> None:
        """Take an amount where the row has none; note where the row has another."""
        given = as_number(self.fields.get(name))
        if given is None:
            self.fields[name] = amount
        elif abs(given - amount) >= Decimal("0.005"):
            self.differs.append(name)


def with_sums(sums: str, fields: Row, lines: list[Row]) -> Amounts:
    """The fields and lines with everything that follows from them.

    Args:
        sums: How, as the template says; empty if nothing follows.
        fields: The document's fields.
        lines: Its lines.
    """
    amounts = Amounts(fields, lines)
    if sums:
        for number, line in enumerate(lines, 1):
            line.setdefault("position", number)
        _SUMS[sums](amounts)
    return amounts


def rate_of(value: Any) -> Decimal:
    """A rate as a share: 19 and 0.19 are the same."""
    rate = as_number(value) or Decimal(0)
    return rate if abs(rate) < 1 else rate / 100


def _line_amounts(amounts: Amounts, currency: str) -> list[Decimal]:
    """The amount of each line, worked out where the line has none."""
    found = []
    for line in amounts.lines:
        given = as_number(line.get("amount"))
        price = as_number(line.get("unit_price"))
        if given is None and price is not None:
            quantity = as_number(line.get("quantity"))
            given = rounded(price * (1 if quantity is None else quantity), currency)
            line["amount"] = given
        found.append(given or Decimal(0))
    return found


def _invoice(amounts: Amounts) -> None:
    """Net, tax by rate and total, by the tax rule of `tax`."""
    fields = amounts.fields
    currency, rule = str(fields.get("currency")), fields.get("tax", "exclusive")
    found = _line_amounts(amounts, currency)
    if rule in ("reverse", "inclusive"):
        amounts.remark = str(rule)
    if not amounts.lines:
        return
    if rule in ("reverse", "none"):
        for line in amounts.lines:
            line.pop("tax_rate", None)
        total = sum(found, Decimal(0))
        amounts.settle("net", total)
        amounts.settle("total", total)
        return
    rates: dict[Decimal, Decimal] = {}
    for line, amount in zip(amounts.lines, found, strict=True):
        given = line.get("tax_rate")
        rate = rate_of(fields.get("tax_rate") if given is None else given)
        rates[rate] = rates.get(rate, Decimal(0)) + amount
    net = tax_total = Decimal(0)
    for rate, amount in sorted(rates.items(), reverse=True):
        if rule == "inclusive":
            base = rounded(amount / (1 + rate), currency)
            tax = amount - base
        else:
            base, tax = amount, rounded(amount * rate, currency)
        net, tax_total = net + base, tax_total + tax
        amounts.taxes.append({"rate": rate, "base": base, "tax": tax})
    amounts.settle("net", net)
    amounts.settle("tax_total", tax_total)
    amounts.settle("total", net + tax_total)


def _total(amounts: Amounts) -> None:
    """The sum of the lines."""
    found = _line_amounts(amounts, str(amounts.fields.get("currency")))
    if amounts.lines:
        amounts.settle("total", sum(found, Decimal(0)))


def _statement(amounts: Amounts) -> None:
    """The balance after each line, from the opening balance on."""
    balance = as_number(amounts.fields.get("opening")) or Decimal(0)
    amounts.fields.setdefault("opening", balance)
    for line in amounts.lines:
        balance += as_number(line.get("amount")) or Decimal(0)
        if line.get("balance") is None:
            line["balance"] = balance
    amounts.settle("closing", balance)


def _payslip(amounts: Amounts) -> None:
    """What is earned, what is taken off, what is paid."""
    found = [as_number(line.get("amount")) or Decimal(0) for line in amounts.lines]
    if found:
        amounts.settle("gross", sum((amount for amount in found if amount > 0), Decimal(0)))
        amounts.settle("deductions", sum((amount for amount in found if amount < 0), Decimal(0)))
        amounts.settle("net", sum(found, Decimal(0)))


_SUMS: Mapping[str, Callable[[Amounts], None]] = {
    "invoice": _invoice,
    "total": _total,
    "statement": _statement,
    "payslip": _payslip,
}
