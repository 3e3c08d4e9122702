"""Fields to text, and back to fields: `python examples/actors.py [MODEL]`.

A text that lacks a value is asked again with the value named; the way back shows what was told.
"""

import sys

from pydantic import BaseModel

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"
ACTORS = [
    {"actor": "Tom Hanks", "films": ["Forrest Gump", "Green Mile"]},
    {"actor": "Mads Mikkelsen", "films": ["Hannibal", "Another Round"]},
]


class Actor(BaseModel):
    actor: str
    films: list[str]


texts = fb.describe(ACTORS, preferences={"style": "gossip", "max_words": 60}, model=MODEL)
for told in texts:
    print(told["text"])
for found in fb.extract([told["text"] for told in texts], Actor, model=MODEL):
    print(found)
