"""Support chats with tools over a shop made by a spec: `python examples/support_chat.py [MODEL]`.

The shop's tables answer the calls, so an order that is looked up is an order that exists. A refund
is a function; code checks at the end that no more was paid back than the order cost.
"""

import sys
from typing import Any

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"
SHOP = """
fabula: 1
name: shop
seed: 3
tables:
  customers:
    n: 20
    columns:
      customer_id: {kind: sequence, start: 500}
      name:        {kind: person, field: name}
      city:        {kind: person, field: city}
  orders:
    n: 40
    columns:
      order_id:    {kind: sequence, start: 1000}
      customer_id: {kind: reference, to: customers.customer_id}
      item:        {kind: choice, values: [lamp, kettle, chair, rug]}
      euros:       {kind: uniform, min: 5, max: 200, decimals: 0}
      status:      {kind: choice, values: [packed, sent, delivered, lost]}
"""

shop = fb.generate(SHOP)
orders = shop["orders"].to_pylist()
costs = {row["order_id"]: row["euros"] for row in orders}


def refund(order_id: int, euros: float, state: dict[str, Any]) -> dict[str, Any]:
    """Pay money back for an order.

    Args:
        order_id: Number of the order.
        euros: Amount to pay back.
        state: What this conversation's tools remember.
    """
    if order_id not in costs or not 0 < euros <= costs[order_id]:
        return {"error": f"at most {costs.get(order_id, 0)} euros can be paid back"}
    state[str(order_id)] = euros
    return {"paid": euros}


def paid_too_much(ended: dict[str, Any]) -> list[str]:
    """The problems of a finished conversation."""
    paid = ended["state"].items()
    return [f"order {n} got {euros}" for n, euros in paid if euros > costs[int(n)]]


talks = fb.conversations(
    "support of a web shop for furniture",
    20,
    system="You are the shop's support. Look an order up before you speak about it.",
    facts=[{"order_id": row["order_id"], "item": row["item"]} for row in orders],
    balance={"tone": {"calm": 3, "angry": 1}, "topic": ["late parcel", "broken item"]},
    turns={1: 1, 2: 2, 3: 1},
    tools=[
        fb.Tool.from_table("get_order", shop["orders"], by="order_id"),
        fb.Tool.from_table("get_customer", shop["customers"], by="customer_id"),
        refund,
    ],
    calls={"one": 4, "several": 2, "error": 2, "none": 2},
    check_end=paid_too_much,
    model=MODEL,
)
print(talks.report())
written = talks.write(
    "support_chat", format="trl-chat", split={"train": 0.9, "test": 0.1}, card=True, overwrite=True
)
print(written.report())
