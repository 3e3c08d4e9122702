"""Labels of pictures of documents as trainers read them: COCO, and Donut's ImageFolder.

Both are made from the truth, document by document, so that no set is ever in memory as a whole.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from fabula.io.places import replacing
from fabula.media.truth import records_of

_PICTURES = (".png", ".jpg")
_COLUMNS = ("path", "sha256", "bytes", "width", "height", "seconds", "sample_rate")
_LISTS = ("lines", "taxes")


def write_labels(
    folder: Path, truths: Sequence[str], names: Sequence[str], place: str
) -> list[str]:
    """Write the list of a column's files, and labels of all its pictures.

    Args:
        folder: The run's folder.
        truths: The truth files.
        names: The forms of labels.
        place: The folder of the documents.

    Returns:
        The names of the files, from the run's folder.
    """
    written = [_list_files(folder, truths, place)]
    for name in names:
        file, write = LABELS[name]
        with (
            replacing(folder / place / file) as temporary,
            temporary.open("w", encoding="utf-8", newline="\n") as out,
        ):
            write(out, lambda: _pictures(folder, truths), place)
        written.append(f"{place}/{file}")
    return written


def _list_files(folder: Path, truths: Sequence[str], place: str) -> str:
    """`files.csv`: the path, digest and sizes of every file, and the row that it belongs to."""
    name = f"{place}/files.csv"
    with (
        replacing(folder / name) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as out,
    ):
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow(("row", *_COLUMNS))
        for truth in truths:
            for record in records_of(folder / truth):
                for file in record["files"]:
                    lines.writerow((record["row"], *(file.get(key, "") for key in _COLUMNS)))
    return name


Pictures = Callable[[], Iterator[tuple[dict[str, Any], int, Mapping[str, Any]]]]
"""Every picture: the record of its document, its page from 1, and its file."""


def _pictures(
    folder: Path, truths: Sequence[str]
) -> Iterator[tuple[dict[str, Any], int, Mapping[str, Any]]]:
    for truth in truths:
        for record in records_of(folder / truth):
            files = [file for file in record["files"] if file["path"].endswith(_PICTURES)]
            ending = files[0]["path"].rpartition(".")[2] if files else ""
            same = [file for file in files if file["path"].endswith(ending)]
            for page, file in enumerate(same, 1):
                yield record, page, file


def _donut(out: TextIO, pictures: Pictures, place: str) -> None:
    """`metadata.jsonl` of an ImageFolder, with `ground_truth` as Donut reads it."""
    for record, page, file in pictures():
        parse: dict[str, Any] = {
            name: item["printed"] for name, item in record["fields"].items() if item["printed"]
        }
        for name in _LISTS:
            if rows := record.get(name):
                parse[name] = [
                    {key: item["printed"] for key, item in row.items() if item["printed"]}
                    for row in rows
                ]
        told = {"gt_parse": parse} | ({"defect": record["defect"]} if "defect" in record else {})
        line = {
            "file_name": file["path"].removeprefix(f"{place}/"),
            "ground_truth": json.dumps(told, ensure_ascii=False),
            "page": page,
            "row": record["row"],
            "template": record["template"],
            "language": record["language"],
        }
        out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _coco(out: TextIO, pictures: Pictures, place: str) -> None:
    """COCO: pictures, categories, and a box for each place of a field, with its text."""
    categories: dict[str, int] = {}
    for record, _, _ in pictures():
        for name, _ in items_of(record):
            categories.setdefault(name, len(categories) + 1)
    told = [{"id": number, "name": name} for name, number in categories.items()]
    out.write(f'{{"categories": {json.dumps(told)},\n"images": [')
    for number, (record, page, file) in enumerate(pictures(), 1):
        image = {
            "id": number,
            "file_name": file["path"].removeprefix(f"{place}/"),
            "width": file.get("width"),
            "height": file.get("height"),
            "page": page,
            "row": record["row"],
        }
        out.write((",\n" if number > 1 else "\n") + json.dumps(image, ensure_ascii=False))
    out.write('\n],\n"annotations": [')
    made = 0
    for number, (record, page, _) in enumerate(pictures(), 1):
        for name, item in items_of(record):
            for spot in item.get("picture", ()):
                if spot["page"] != page or not area_of(spot["box"]):
                    continue
                made += 1
                left, top, right, bottom = spot["box"]
                annotation = {
                    "id": made,
                    "image_id": number,
                    "category_id": categories[name],
                    "bbox": [left, top, round(right - left, 1), round(bottom - top, 1)],
                    "area": area_of(spot["box"]),
                    "iscrowd": 0,
                    "text": item["printed"],
                    **({"segmentation": [[*chain(*spot["quad"])]]} if "quad" in spot else {}),
                }
                out.write(
                    (",\n" if made > 1 else "\n") + json.dumps(annotation, ensure_ascii=False)
                )
    out.write("\n]}\n")


def area_of(box: Sequence[float]) -> float:
    """The area of a box; 0 where all of it lies outside its picture."""
    left, top, right, bottom = box
    return round((right - left) * (bottom - top), 1)


def items_of(record: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every printed value of a document with the name of its field: `lines.item` of all lines."""
    for name, item in record["fields"].items():
        yield name, item
    for list_name in _LISTS:
        for row in record.get(list_name, ()):
            for key, item in row.items():
                yield f"{list_name}.{key}", item


LABELS: Mapping[str, tuple[str, Callable[[TextIO, Pictures, str], None]]] = {
    "coco": ("coco.json", _coco),
    "donut": ("metadata.jsonl", _donut),
}
"""The forms of labels: the file of each, and what writes it."""
