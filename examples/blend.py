"""Real rows of a rare class joined by synthetic ones: `python examples/blend.py`.

Whether that helps a model is measured on real rows that were kept out. Needs
`pip install 'fabula[learned,pandas]'`.
"""

import pandas as pd
from sklearn.datasets import load_breast_cancer

import fabula as fb

cells = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 3, 30]]
malign, benign = cells[cells["target"] == 0], cells[cells["target"] == 1]
rare = pd.concat([benign, malign.head(90)], ignore_index=True)

blended = fb.blend(rare, balance="target", seed=1)
print(blended.report())
blended.table.to_pandas().to_csv("cells.csv", index=False)
