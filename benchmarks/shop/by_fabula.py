"""Fabula, from the YAML spec alongside this file."""

import sys
from pathlib import Path

import fabula as fb

if __name__ == "__main__":
    folder, orders, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    fb.generate(
        Path(__file__).with_name("shop.yaml"),
        {"orders": orders},
        output=folder / "shop",
        workers=workers,
    )
