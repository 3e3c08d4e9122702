"""Topics of a text data set: finding and naming them, inventing new ones, filling each up.

`corpus` (rows as texts) → `vectors` → `clusters` → `naming` → `rounds`, where each round is
`shares` (what is missing) → `writing` (ask for it) → `sorting` (what came).
"""
