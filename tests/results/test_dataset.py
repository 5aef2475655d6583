import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from merged import SCHEMA, merged_results, merged_sums
from synthetic import made_up
from zarr.codecs import Crc32cCodec, ZstdCodec

from attnmetrics.errors import StoreError
from attnmetrics.results import dataset as results
from attnmetrics.results.dataset import load, save
from attnmetrics.results.exemplars import exemplars_frame, save_exemplars
from attnmetrics.results.tables import save_tables
from attnmetrics.statistics.claims import no_rows
from attnmetrics.statistics.exemplars import Exemplars
from attnmetrics.statistics.listing import make_listing
from attnmetrics.storage import locate


@pytest.fixture(scope="module")
def sums() -> dict[str, np.ndarray]:
    return merged_sums()


@pytest.fixture
def table(sums) -> xr.Dataset:
    return merged_results(sums)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_result_is_there_with_labels_and_attributes(table):
    declared = {result.name: result for result in SCHEMA.with_twins()}
    assert list(table.data_vars) == list(declared)
    for name, result in declared.items():
        about = table[name].attrs
        assert table[name].dims == result.dims
        assert table[name].dtype == result.dtype
        told = (about["long_name"], about["units"], about["formula"], about["source"], about["kind"], about["help"])
        assert told == (result.title, result.unit, result.formula, result.source, result.kind, result.help)
        assert about["family"]
        assert about.get("heading", "") == result.heading
        assert about.get("chance", "") == result.chance
        told = [about.get(name, "") for name in ("excess", "caption", "null", "chance_times")]
        null, times = "in" * result.null_in, "evidence" * result.chance_off_null
        assert told == [result.excess, result.caption, null, times]
        assert tuple(about.get("beside", ())) == result.beside
        assert about.get("magnitude", "") == ("" if result.magnitude else "no")
        assert about.get("twin_of", "") == (name.removesuffix("_by_layer") if name.endswith("_by_layer") else "")
    labels = {
        "pos",
        "rel",
        "special",
        "direction",
        "offset",
        "pair_distance",
        "rule",
        "word_offset",
        "word_class",
        "side",
    }
    others = {"attending", "neighbour", "other_layer", "other_head", "axis", "weight_bin"}
    assert set(table.coords) == {"layer", "head", *others, *labels}
    assert all(table[dim].attrs.keys() == {"long_name", "help", "units"} for dim in table.coords)
    assert table["layer"].to_numpy().tolist() == [1, 4]
    assert table["offset"].to_numpy()[[0, -1]].tolist() == [-32, 32]
    assert table["weight_bin"].to_numpy()[[0, 15, -1]].tolist() == [0, 0.3, 0.98]


def test_values_are_those_of_the_formulas(sums, table):
    expected = SCHEMA.compute(sums)
    for name, value in expected.items():
        np.testing.assert_array_equal(table[name].to_numpy(), value)
    assert np.isnan(table["entropy"].sel(layer=1, head=1))
    assert table["pos_to"].sel(layer=4, head=2, pos="_") == expected["pos_to"][1, 2, -1]


def test_saved_results_open_with_plain_xarray_without_warnings(table, tmp_path):
    path = tmp_path / "results.zarr"
    save(table, locate(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xr.open_zarr(path) as opened:
            xr.testing.assert_identical(opened[list(table.data_vars)].load(), table)
            assert opened["pos_to"].sel(pos="=1+1", layer=4).shape == (3,)
            assert opened["dependency_type_to"].sel(rel="été").to_pandas().shape == (2, 3)
        xr.testing.assert_identical(load(locate(path)), table)
    assert list(load(locate(path)).data_vars) == list(table.data_vars)
    assert load(locate(path))["pos"].dtype == table["pos"].dtype


@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
def test_files_are_those_that_xarray_and_zarr_write(table, tmp_path):
    """Of numbers, truths, text of three kinds, of none, and of coordinates that are no dimension's."""
    texts = {"old": ("run", np.array(["a", "é", ""], object)), "paired": ("run", np.array([True, False, True]))}
    more = xr.Dataset({"odd": ("run", np.arange(3)), "few": ("none", np.zeros(0))}, texts, {"shares": [0.5]})
    codecs = {"compressors": [ZstdCodec(), Crc32cCodec()], "chunk_key_encoding": {"name": "default", "separator": "."}}
    for place, data in enumerate((table, more)):
        theirs, ours = tmp_path / f"theirs{place}", tmp_path / f"ours{place}"
        encoding = dict.fromkeys(data.variables, codecs)
        data.to_zarr(theirs, encoding=encoding, zarr_format=3, consolidated=True, write_empty_chunks=True)
        save(data, locate(ours))
        assert bytes_of(ours) == bytes_of(theirs)
        xr.testing.assert_identical(load(locate(theirs)), data)


def test_results_that_hold_more_or_fewer_tables_open_as_they_were(table, tmp_path):
    other = made_up().assign(entropy=table["entropy"].reset_coords(drop=True).rename(layer="deep", head="wide"))
    other["sparkle"].attrs["mood"] = ["calm", 3]
    for n, kept in enumerate((other, table.drop_vars(["entropy", "pos_to"]), made_up()[["unsaid"]])):
        save(kept, locate(tmp_path / str(n)))
        found = load(locate(tmp_path / str(n)))
        xr.testing.assert_identical(found, kept)
        assert list(found.data_vars) == list(kept.data_vars)
        for dim in set(found.coords) & {"animacy", "rule", "pos"}:
            assert [type(label) for label in found[dim].to_numpy()] == [str] * found.sizes[dim]


def test_a_table_by_layer_names_its_own_chance(table):
    assert table["dependency_alignment_by_layer"].attrs["chance"] == "dependency_expected_by_layer"
    assert table["pos_to_by_layer"].attrs["chance"] == "pos_to_uniform"
    assert table["dependency_alignment_by_layer"].attrs["excess"] == "dependency_excess_by_layer"
    beside = ["dependency_baseline", "dependency_alignment_uniform"]
    assert table["dependency_alignment_by_layer"].attrs["beside"] == beside


def test_a_fresh_process_reads_without_warnings(table, tmp_path):
    save(table, locate(tmp_path / "results.zarr"))
    code = "import sys, xarray; print(sorted(xarray.open_zarr(sys.argv[1]).coords))"
    command = [sys.executable, "-W", "error::RuntimeWarning", "-W", "error::UserWarning", "-c", code]
    done = subprocess.run([*command, str(tmp_path / "results.zarr")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sorted(table.coords))


def test_the_same_data_gives_the_same_bytes(table, tmp_path):
    for name in ("a", "b"):
        save(table, locate(tmp_path / name / "results.zarr"))
        save_tables(table, locate(tmp_path / name / "tables"))
    save(table, locate(tmp_path / "b" / "results.zarr"))
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    assert {path.name for path in (tmp_path / "b").iterdir()} == {"results.zarr", "tables"}


def test_a_failed_save_leaves_the_old_results(table, tmp_path, monkeypatch):
    path = tmp_path / "results.zarr"
    save(table, locate(path))
    before = bytes_of(path)

    def half_written(_: xr.Dataset, folder: Path) -> None:
        (folder / "zarr.json").write_text("{")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "write_zarr", half_written)
    with pytest.raises(StoreError, match=r"write .*results.zarr, found: No space left on device; make room"):
        save(table, locate(path))
    assert bytes_of(path) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.zarr"]


def test_a_folder_that_cannot_be_written_is_an_error(table, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"expected to write .*; make room or mend the permission"):
        save(table, locate(tmp_path / "file" / "results.zarr"))
    with pytest.raises(StoreError, match="expected to write"):
        save_tables(table, locate(tmp_path / "file" / "tables"))
    nothing = make_listing(Exemplars.zero(1, 1, 1), no_rows(), (), {})
    with pytest.raises(StoreError, match="expected to write"):
        save_exemplars(exemplars_frame(nothing, (0,), {}), locate(tmp_path / "file" / "exemplars.parquet"))


def test_missing_and_damaged_results_are_named(table, tmp_path):
    path = tmp_path / "results.zarr"
    with pytest.raises(StoreError, match=r"expected results at .*results\.zarr, found none: .*`attnmetrics status"):
        load(locate(path))
    save(table, locate(path))
    chunk = path / "entropy" / "c.0.0"
    content = chunk.read_bytes()
    for damaged in (content[:-1], bytes([content[0] ^ 1]) + content[1:], b"", content[:-4]):
        chunk.write_bytes(damaged)
        with pytest.raises(
            StoreError, match=r"expected results at .*, found none that can be read .an array is damaged"
        ):
            load(locate(path))
    chunk.unlink()
    with pytest.raises(StoreError, match=r"expected results at .*, found none that can be read .an array lacks"):
        load(locate(path))
    (path / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match="expected results at"):
        load(locate(path))


def test_formulas_say_what_is_left_out(table):
    assert "attendable" in table["variability"].attrs["formula"]
    assert "Σ F > 0" in table["entropy_rows"].attrs["formula"], "rows with nothing left are skipped too"
