"""A user's own pictures, worn as scans are, with their labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("PIL", reason="needs the extra `media`")
from PIL import Image

import fabula as fb


def test_labels_follow_their_pictures_by_seed(tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "cats").mkdir(parents=True)
    Image.new("RGB", (120, 90), (200, 180, 20)).save(source / "cats" / "a.png")
    (source / "metadata.jsonl").write_text('{"file_name": "cats/a.png", "label": "cat"}\n')
    coco = {
        "images": [{"id": 7, "file_name": "cats/a.png"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [40, 30, 30, 20]}],
    }
    (source / "coco.json").write_text(json.dumps(coco))
    for name in ("one", "two"):
        made = fb.scan_pictures(source, tmp_path / name, effects=["rotation", "weather"], copies=2)
        assert made == 2
    one, two = tmp_path / "one", tmp_path / "two"
    for path in ("cats/a-1.png", "cats/a-2.png", "metadata.jsonl", "coco.json"):
        assert (one / path).read_bytes() == (two / path).read_bytes()
    lines = [json.loads(line) for line in (one / "metadata.jsonl").read_text().splitlines()]
    assert [line["label"] for line in lines] == ["cat", "cat"]
    assert len(json.loads((one / "coco.json").read_text())["annotations"]) == 2


def test_an_unknown_effect_is_refused(tmp_path: Path) -> None:
    with pytest.raises(fb.FabulaError, match="no effect"):
        fb.scan_pictures(tmp_path, tmp_path / "out", effects=["hail"])
