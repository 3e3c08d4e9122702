"""A small shop, whose orders point at each other."""

SHOP = """
fabula: 1
name: shop
tables:
  customers:
    n: 30
    columns:
      id: {kind: key}
      name: {kind: person}
      born: {kind: datetime, end: 2024-01-01, date: true}
  orders:
    per_parent: {of: customers, min: 0, max: 5}
    columns:
      id: {kind: key}
      customer_id: {kind: reference, to: customers}
      again_id: {kind: reference, to: orders}
      paid: {kind: bernoulli, nulls: 0.2}
      total: {kind: uniform, min: 0, max: 99, decimals: 2}
"""
