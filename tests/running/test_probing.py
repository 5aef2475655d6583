"""`attnmetrics probe` from end to end, over small treebanks in several shards."""

import shutil
from pathlib import Path

import pytest
import xarray as xr
from treebanks import treebank

import attnmetrics
from attnmetrics.errors import AttnmetricsError, StoreError

OPTIONS = {"random_models": 1, "iterations": 3, "engine": "inline"}


@pytest.fixture
def run(demo_run: Path, tmp_path: Path) -> Path:
    """A run's record, without anything else."""
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(demo_run / "run.json", folder)
    return folder


def change_a_byte(folder: Path) -> None:
    """Of the largest file."""
    largest = max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)


def files(run: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in (run / "probe" / "features").rglob("*.npz")}


@pytest.mark.usefixtures("loaded_once")
def test_a_probe_says_all_that_it_found_and_goes_on_from_what_is_done(run: Path, tmp_path: Path) -> None:
    banks = {"treebank": treebank(tmp_path / "train.conllu", 14), "test": treebank(tmp_path / "test.conllu", 9, "iobj")}
    found = attnmetrics.probe(run, **banks, **OPTIONS)
    made = files(run)
    assert len({path for path in made if "000001" in path}) >= 2  # more than one shard

    assert found["uas"].sel(probe="right_branching") == pytest.approx(2 / 4)
    assert found["uas_by_relation"].sel(probe="best_offset", rel="det") == 1
    assert found["test_words"].sel(rel="iobj") == 27 and found["train_words"].sel(rel="iobj") == 0
    assert found.attrs["relations_not_learned"] == "iobj (27)"
    assert found["test_roots"] == 27 and found["test_sentences"] == 27
    assert found["attention_weight"].dims == ("layer", "head", "direction")
    assert found["attention_and_words_weight_norm"].notnull().all()
    assert all(variable.attrs["long_name"] and variable.attrs["formula"] for variable in found.data_vars.values())
    assert (run / "probe" / "tables" / "attention_weight.csv").exists()
    xr.testing.assert_identical(attnmetrics.load_probe(run), found)
    as_published = attnmetrics.probe(run, **banks, **OPTIONS, recipe="clark")
    more = {"attention_clark", "attention_and_words_clark", "attention_and_words_clark_root_bug"}
    assert set(as_published["probe"].values) - set(found["probe"].values) == more
    assert as_published["uas"].notnull().all() and files(run) == made

    change_a_byte(run / "probe.zarr")
    with pytest.raises(StoreError, match=r"probe\.zarr is damaged"):
        attnmetrics.load_probe(run)
    xr.testing.assert_identical(attnmetrics.probe(run, **banks, **OPTIONS), found)
    xr.testing.assert_identical(attnmetrics.load_probe(run), found)
    assert files(run) == made

    damaged = next(path for path in made if "000001" in path)
    Path(damaged).write_bytes(b"nothing")
    shutil.rmtree(run / "probe" / "fits")
    xr.testing.assert_identical(attnmetrics.probe(run, **banks, **{**OPTIONS, "threads": 3}), found)
    again = files(run)
    assert {path for path in made if again[path] != made[path]} == {damaged}


@pytest.mark.usefixtures("loaded_once")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no|empty|found none"),
        ("1\tgo\tgo\tVERB\t_\t_\t_\t_\t_\t_\n\n", "expected the head of word 1"),
        ("1\tgo\tgo\tVERB\t_\t_\t0\t_\t_\t_\n\n", "expected a treebank with relations"),
        ("No treebank at all.\n", "line 1"),
    ],
)
def test_what_is_no_treebank_is_refused(text: str, said: str, run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.conllu"
    other.write_text(text)
    with pytest.raises(AttnmetricsError, match=said):
        attnmetrics.probe(run, treebank=treebank(tmp_path / "train.conllu", 2), test=other, **OPTIONS)
    assert not (run / "probe.zarr").exists()


def test_a_folder_without_a_run_or_probe_is_refused(run: Path, tmp_path: Path) -> None:
    path = treebank(tmp_path / "train.conllu", 2)
    with pytest.raises(AttnmetricsError, match="holds no run"):
        attnmetrics.probe(tmp_path / "nothing", treebank=path, test=path)
    with pytest.raises(AttnmetricsError, match="attnmetrics probe"):
        attnmetrics.load_probe(run)
    with pytest.raises(AttnmetricsError, match="penalty"):
        attnmetrics.probe(run, treebank=path, test=path, penalty=0)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_the_number_of_workers_changes_no_bit(run: Path, tmp_path: Path, ray_session: None) -> None:
    banks = {"treebank": treebank(tmp_path / "train.conllu", 14), "test": treebank(tmp_path / "test.conllu", 9)}
    found = []
    for number, options in enumerate(
        ({"engine": "inline"}, {"engine": "ray", "workers": 1}, {"engine": "ray", "workers": 3})
    ):
        folder = tmp_path / f"run{number}"
        shutil.copytree(run, folder)
        found.append(attnmetrics.probe(folder, **banks, **{**OPTIONS, "random_models": 0, **options}))
    for other in found[1:]:
        xr.testing.assert_identical(other, found[0])
