"""How good and how fast are synthesizers: `python benchmarks/learned.py TRAIN.csv TEST.csv TARGET`.

Each model learns the training file in a process of its own on one core, samples as many rows,
and is measured against both files by Fabula's metrics. Without files, data that scikit-learn
ships. `--model NAME` measures some models only, `--peers` adds SDV's and MOSTLY AI's (installed
once into `.cache/peers`), `--seeds N` repeats the whole, `--json` prints one JSON object a line.
Our compiled code is warmed up before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
from peers import python_of

SAMPLED_FOR_SPEED = 100_000
PEERS = (
    ("SDV Gaussian copula", "sdv", "by_sdv.py", "gaussian-copula"),
    ("SDV TVAE, 60 epochs", "sdv", "by_sdv.py", "tvae"),
    ("SDV CTGAN, 40 epochs", "sdv", "by_sdv.py", "ctgan"),
    ("MOSTLY AI", "mostlyai-engine", "by_mostlyai.py", "medium"),
)
"""Title, package, script and model of each peer."""

SHIPPED = (("breast_cancer", "target"), ("wine", "target"), ("diabetes", "target"))


@dataclass(frozen=True)
class Split:
    """Rows to learn, rows to test with, and the column that models predict."""

    train: pa.Table
    test: pa.Table
    target: str


@dataclass(frozen=True)
class Measured:
    """The figures of one model on one data set; shares and AUCs from 0 to 1."""

    data: str
    model: str
    seed: int
    fit_cpu_s: float
    rows_per_cpu_s: float
    peak_mb: float
    detection: float | None
    detection_of_test: float | None
    shape_error: float | None
    trend_error: float | None
    utility: float | None
    utility_of_real: float | None
    closer_to_training: float | None
    membership: float | None
    copies: float | None
    copies_of_test: float | None


def main() -> None:
    """Measure every model that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="TRAIN TEST TARGET")
    parser.add_argument("--model", action="append", help="a model; repeatable")
    parser.add_argument("--peers", action="store_true", help="measure other tools too")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    from fabula.errors import FabulaError
    from fabula.synthesizers.catalogue import SYNTHESIZERS

    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    fresh = multiprocessing.get_context("spawn")
    heading = True
    for name, train, test, target in data_sets(asked.files):
        split = Split(train, test, target)
        models = [model for model in SYNTHESIZERS if model != "private"]  # needs a budget
        jobs = [(measure, model) for model in asked.model or models]
        jobs += [(measure_peer, title) for title, *_ in PEERS if asked.peers]
        for seed in range(asked.seeds):
            for job, model in jobs:
                with fresh.Pool(1) as pool:
                    try:
                        found = pool.apply(job, (name, model, seed, split))
                    except FabulaError as error:
                        found = f"{model}: {error}"
                if isinstance(found, str):
                    print(found, flush=True)
                elif asked.json:
                    print(json.dumps(asdict(found)), flush=True)
                else:
                    show(found, heading=heading)
                    heading = False


def data_sets(files: list[str]) -> Iterator[tuple[str, pa.Table, pa.Table, str]]:
    """Name, training rows, test rows and target of each data set."""
    from fabula.io.tables import as_table

    if files:
        train, test, target = files
        yield Path(train).stem, as_table(train), as_table(test), target
        return
    from sklearn import datasets

    for name, target in SHIPPED:
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        shuffled = frame.sample(frac=1, random_state=0).reset_index(drop=True)
        cut = len(frame) * 4 // 5
        yield (
            name,
            as_table(shuffled[:cut]),
            as_table(shuffled[cut:].reset_index(drop=True)),
            target,
        )


def measure(name: str, model: str, seed: int, split: Split) -> Measured:
    """Fit, sample and evaluate one model in this process."""
    warnings.simplefilter("ignore")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import fabula as fb

    train = split.train
    fb.fit(train.slice(0, 400), model=model, holdout=0).sample(10)  # warms up
    start = time.process_time()
    synthesizer = fb.fit(train, model=model, holdout=0, seed=seed)
    fitted = time.process_time() - start
    start = time.process_time()
    synthesizer.sample(SAMPLED_FOR_SPEED, seed=seed + 1)
    sampled = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = synthesizer.sample(train.num_rows, seed=seed)
    figures = quality(rows, split, seed)
    return Measured(name, model, seed, fitted, SAMPLED_FOR_SPEED / sampled, peak, **figures)


def measure_peer(name: str, title: str, seed: int, split: Split) -> Measured | str:
    """Fit, sample and evaluate another tool; what it says where it fails."""
    package, script, model = next(rest for known, *rest in PEERS if known == title)
    try:
        python = python_of(package)
    except RuntimeError as error:
        return f"{title} is left out: {error}"
    with tempfile.TemporaryDirectory() as folder:
        train, made = Path(folder) / "train.csv", Path(folder) / "made.csv"
        pa.csv.write_csv(split.train, train)
        place = Path(__file__).parent / "fitting" / script
        command = [python, str(place), model, str(train), str(split.train.num_rows), str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"{title}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}"
        told = json.loads(done.stdout.splitlines()[-1])
        rows = pa.csv.read_csv(made)
    speed = split.train.num_rows / max(told["sample"], 1e-3)
    figures = quality(rows, split, seed)
    return Measured(name, title, seed, told["fit"], speed, told["memory"], **figures)


def quality(rows: pa.Table, split: Split, seed: int) -> dict[str, float | None]:
    """What the metrics say about sampled rows."""
    from fabula.evaluation.metrics import detection, nearest_records, pairs, shapes, utility
    from fabula.evaluation.metrics.frames import prepare

    frames = prepare(rows, split.train, split.test, seed=seed)
    against_test = prepare(rows, split.test, seed=seed)
    useful, copied = utility.utility(frames, split.target), nearest_records.exact_copies(frames)
    return {
        "detection": detection.detection(frames).value,
        "detection_of_test": detection.detection(against_test).value,
        "shape_error": _rest(shapes.shapes(frames).value),
        "trend_error": _rest(pairs.pairs(frames).value),
        "utility": useful.value,
        "utility_of_real": useful.baseline,
        "closer_to_training": nearest_records.closer_to_training(frames).value,
        "membership": nearest_records.membership(frames).value,
        "copies": copied.value,
        "copies_of_test": copied.baseline,
    }


def _rest(value: float | None) -> float | None:
    return None if value is None else 1 - value


def show(found: Measured, *, heading: bool) -> None:
    """One line of the table."""
    cells = asdict(found)
    if heading:
        print(" ".join(f"{name:>{max(9, len(name))}}" for name in cells))
    line = []
    for name, value in cells.items():
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        line.append(f"{text:>{max(9, len(name))}}")
    print(" ".join(line), flush=True)


if __name__ == "__main__":
    main()
