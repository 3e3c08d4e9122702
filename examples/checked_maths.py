"""Word problems with checked answers: `python examples/checked_maths.py [MODEL]`.

A spec draws the numbers and computes each answer. A model writes the reasoning; what is kept ends
with the right number, and the rate of right answers is printed.
"""

import sys

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"
PROBLEMS = """
fabula: 1
name: problems
seed: 5
tables:
  problems:
    n: 30
    columns:
      boxes:    {kind: uniform, min: 3, max: 40, decimals: 0}
      pears:    {kind: uniform, min: 6, max: 60, decimals: 0}
      eaten:    {kind: uniform, min: 1, max: 17, decimals: 0}
      question:
        kind: template
        text: >-
          {{ boxes }} boxes hold {{ pears }} pears each. {{ eaten }} pears are eaten. How many
          pears remain?
      answer:   {kind: expr, sql: "boxes * pears - eaten"}
"""

problems = fb.generate(PROBLEMS)["problems"].to_pylist()
solved = fb.solve(problems, samples=4, model=MODEL)
print(solved.report())
if len(solved):
    print(solved.write("checked_maths.jsonl", format="chat-jsonl", overwrite=True).report())
