"""Learned pictures: folders that are read, models that draw, and how they are judged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="needs the extra `media`")
from PIL import Image

import fabula as fb
from fabula.cli.main import main
from fabula.errors import SourceError, UsageError
from fabula.synthesizers.pictures.distances import frechet, nearest
from fabula.synthesizers.pictures.judging import independent, judged
from fabula.synthesizers.pictures.reading import Pictures, read_pictures


def stripes(count: int, *, colours: int = 1, seed: int = 0) -> Pictures:
    """Diagonals in both directions: by label, each pixel alone says nothing."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    rows, columns = np.mgrid[0:8, 0:8]
    phase = rng.uniform(0, 8, (count, 1, 1))
    across = np.where(labels[:, None, None] == 1, rows + columns, rows - columns)
    waves = 0.5 + 0.4 * np.sin((across + phase) * np.pi / 4) + rng.normal(0, 0.02, (count, 8, 8))
    pixels = np.clip(np.rint(waves * 255), 0, 255).astype(np.uint8)[..., None]
    return Pictures(pixels.repeat(colours, axis=3), labels, ("falling", "rising"))


def saved(pictures: Pictures, folder: Path) -> Path:
    for number, (pixels, label) in enumerate(zip(pictures.pixels, pictures.labels, strict=True)):
        place = folder / pictures.names[label]
        place.mkdir(parents=True, exist_ok=True)
        flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
        Image.fromarray(flat).save(place / f"{number:04d}.png")
    return folder


@pytest.mark.parametrize("colours", [1, 3])
def test_a_folder_is_read_with_its_labels(tmp_path: Path, colours: int) -> None:
    wanted = stripes(12, colours=colours)
    found = read_pictures(saved(wanted, tmp_path / "in"))
    assert found.names == ("falling", "rising")
    assert found.labels.tolist() == [0] * 6 + [1] * 6
    order = np.argsort(wanted.labels, kind="stable")
    assert np.array_equal(found.pixels, wanted.pixels[order])


def test_what_reading_changes_is_told(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (10, 20, 30, 40)).save(tmp_path / "a.png")
    Image.new("L", (16, 8), 90).save(tmp_path / "b.png")
    found = read_pictures(tmp_path, (8, 8))
    assert found.notes == (
        "1 pictures lost their transparency",
        "1 pictures were resized to 8 x 8",
        "1 pictures in grey were read as colour",
    )


def test_pictures_that_cannot_be_learned_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="contains no pictures"):
        read_pictures(tmp_path)
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    Image.new("L", (9, 8)).save(tmp_path / "b.png")
    with pytest.raises(SourceError, match="2 sizes") as caught:
        read_pictures(tmp_path)
    assert "size=(32, 32)" in str(caught.value.hint)
    (tmp_path / "b.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(SourceError, match=r"b\.png` can't be read"):
        read_pictures(tmp_path)
    with pytest.raises(UsageError, match="1 to 64 pixels"):
        read_pictures(tmp_path, (65, 8))
    (tmp_path / "b.png").unlink()
    with pytest.raises(SourceError, match="50 are the fewest"):
        fb.fit_pictures(tmp_path)
    with pytest.raises(UsageError, match="no model `flaw`") as wrong:
        fb.fit_pictures(tmp_path, model="flaw")  # type: ignore[arg-type]
    assert "flow" in str(wrong.value.hint)
    with pytest.raises(UsageError, match="folder of pictures") as pointed:
        fb.fit(tmp_path)
    assert "fb.fit_pictures" in str(pointed.value.hint)


def test_distances_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(4_000, 3))
    assert frechet(rows, rows) == pytest.approx(0, abs=1e-9)
    assert frechet(rows, rows + np.array([3, 0, 0])) == pytest.approx(9, abs=1e-6)
    # Of Gaussians that share axes, each spread s to 2s adds s².
    assert frechet(rows, 2 * rows - rows.mean(axis=0)) == pytest.approx(3, rel=0.1)
    assert nearest(rows[:5], rows)[:5] == pytest.approx(np.zeros(5), abs=1e-6)


def test_independent_pixels_keep_each_pixel_and_lose_the_picture() -> None:
    real = stripes(2_000)
    made = independent(real, 2_000, seed=3)
    apart = made.mean(axis=0) - real.pixels.mean(axis=0)
    assert np.abs(apart).max() < 5 * 0.3 * 255 * np.sqrt(2 / 1_000)
    together = np.corrcoef(made[:, 0, 0, 0], made[:, 4, 4, 0])[0, 1]
    assert abs(together) < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("model", ["flow", "vae", "gan"])
def test_a_model_learns_what_pixels_alone_do_not_say(tmp_path: Path, model: str) -> None:
    pytest.importorskip("jax", reason="needs the extra `deep`")
    real = saved(stripes(400), tmp_path / "real")
    learned = fb.fit_pictures(real, model=model, steps=600, hidden=64, seed=1)  # type: ignore[arg-type]
    made = learned.sample(400, seed=2)
    again = learned.sample(400, seed=2)
    assert np.array_equal(made.pixels, again.pixels)
    assert np.array_equal(made.pixels[:30], learned.sample(30, seed=2).pixels)
    assert not np.array_equal(made.pixels[:30], learned.sample(30, seed=3).pixels)
    report = judged(read_pictures(real), made, holdout=0.2, seed=1)
    assert report.trtr > 0.95
    assert report.tstr > 0.85
    assert report.baseline < 0.75
    assert report.frechet < report.frechet_baseline / 2
    learned.save(tmp_path / "model.fabula")
    back = fb.PictureSynthesizer.load(tmp_path / "model.fabula")
    assert np.array_equal(back.sample(30, seed=2).pixels, made.pixels[:30])
    assert back.report() == learned.report()
    folder = back.write(tmp_path / "out", 25, label="rising")
    assert [path.parent.name for path in folder.rglob("*.png")] == ["rising"] * 25
    with pytest.raises(UsageError, match="no label `risng`"):
        back.sample(1, label="risng")
    sheet = fb.contact_sheet(made, tmp_path / "sheet.png", each=5, scale=2)
    with Image.open(sheet) as picture:
        assert picture.size == (5 * 9 * 2, 2 * 9 * 2)


@pytest.mark.slow
def test_training_that_time_ends_says_that_it_cannot_be_repeated(tmp_path: Path) -> None:
    pytest.importorskip("jax", reason="needs the extra `deep`")
    real = saved(stripes(100), tmp_path / "real")
    short = fb.fit_pictures(real, model="vae", steps=300, hidden=8, max_seconds=0)
    assert "the time of 0 seconds was up" in short.report()
    assert "`steps=100` without `max_seconds`" in short.report()
    whole = fb.fit_pictures(real, model="vae", steps=100, hidden=8)
    assert "seconds" not in whole.report()


@pytest.mark.slow
def test_copies_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("jax", reason="needs the extra `deep`")
    real = stripes(300)
    saved(real, tmp_path / "real")
    saved(real, tmp_path / "copied")
    report = fb.evaluate_pictures(tmp_path / "real", tmp_path / "copied", seed=1)
    assert report.copies >= 240  # all but those that were held out
    assert "nearly copy" in report.report()


@pytest.mark.slow
def test_the_command_line_learns_draws_and_compares_folders_of_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(3)
    for label in "ab":
        (tmp_path / "real" / label).mkdir(parents=True)
        for number in range(60):
            pixels = rng.integers(0, 120, (4, 4), np.uint8) + (120 if label == "b" else 0)
            picture = Image.fromarray(pixels.astype(np.uint8))
            picture.save(tmp_path / "real" / label / f"{number}.png")
    real, model, made = (str(tmp_path / name) for name in ("real", "m.fabula", "made"))
    quick = ["--option", "steps=20", "--option", "hidden=8"]
    assert main(["fit", real, "-o", model, "--seed", "1", *quick]) == 0
    assert main(["fit", real, "-o", f"{model}2", "--epsilon", "1"]) == 2
    assert main(["sample", model, "-n", "60", "-o", made]) == 0
    assert len(list(Path(made).rglob("*.png"))) == 60
    assert main(["sample", model, "-n", "5", "--given", "label=a", "-o", f"{made}/../as"]) == 0
    assert len(list((tmp_path / "as" / "a").glob("*.png"))) == 5
    capsys.readouterr()
    assert main(["evaluate", made, "--real", real, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 60
    assert main(["evaluate", made]) == 2
    assert main(["evaluate", made, "--real", real, "--gate", "default"]) == 2
