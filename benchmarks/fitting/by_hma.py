"""SDV's model of several tables: `by_hma.py FOLDER OUT KEYS.json`.

KEYS holds `primary` (table → column), `foreign` (child, column, parent, key), and the `main`
table. Only what the community edition takes can be asked: its own message is the last line where
it refuses.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from sdv.metadata import Metadata
from sdv.multi_table import HMASynthesizer
from timing import Timing


def main() -> None:
    """Fit, sample, write, report."""
    folder, out, keys = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    data = {path.stem: pd.read_csv(path) for path in sorted(folder.glob("*.csv"))}
    data = {name: data[name] for name in keys["primary"]}
    with Timing() as timing:
        metadata = Metadata.detect_from_dataframes(data, infer_keys=None)
        for table, column in keys["primary"].items():
            if column:
                metadata.update_column(column, table_name=table, sdtype="id")
                metadata.set_primary_key(column, table_name=table)
        for child, column, parent, key in keys["foreign"]:
            metadata.update_column(column, table_name=child, sdtype="id")
            metadata.add_relationship(parent, child, key, column)
        model = HMASynthesizer(metadata, verbose=False)
        model.fit(data)
        timing.lap("fit")
        made = model.sample(len(data[keys["main"]]), main_table_name=keys["main"])
        timing.lap("sample")
    for name, table in made.items():
        table.to_csv(out / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
