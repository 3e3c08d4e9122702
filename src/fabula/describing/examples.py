"""Answered tasks for small models that continue text: they learn from them what is meant.

Models that follow instructions are not shown them.
"""

from __future__ import annotations

from typing import Any

TOLD: tuple[tuple[dict[str, Any], str], ...] = (
    (
        {"company": "Kestrel", "city": "Graz", "founded": 1998},
        "Founded in 1998, Kestrel is at home in Graz.",
    ),
    (
        {"singer": "Ada Moser", "songs": ["Low Tide", "Paper Moon"]},
        "Everybody who knows Ada Moser hums Low Tide, and Paper Moon as well.",
    ),
    (
        {"dish": "pumpkin soup", "spices": ["ginger", "nutmeg"], "minutes": 40},
        "The pumpkin soup takes 40 minutes, and it gets its taste from ginger and nutmeg.",
    ),
)
"""Fields, and a text that tells all of them."""
