"""New rows like a real table's, and proof that they are: `python examples/learned.py`.

The table of wines comes with scikit-learn. Needs `pip install 'fabula[learned,pandas]'`.
"""

from sklearn.datasets import load_wine

import fabula as fb

real = load_wine(as_frame=True).frame
model = fb.fit(real, model="mixture", seed=7)
print(model.report())

synthetic = model.sample(500, seed=1)
strong = model.sample(100, given={"alcohol": "13.5.."}, seed=1)
assert strong["alcohol"].min() >= 13.5
synthetic.to_csv("wines.csv", index=False)

report = fb.evaluate(synthetic, real=real, holdout=model.holdout, model=model)
report.write("wines.html")
print(report)
