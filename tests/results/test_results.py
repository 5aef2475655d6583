import csv
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr

from attnmetrics.errors import StoreError
from attnmetrics.results import dataset as results
from attnmetrics.results.dataset import (
    SentenceTexts,
    dataset,
    exemplars_frame,
    load,
    load_exemplars,
    save,
    save_exemplars,
    save_tables,
)
from attnmetrics.statistics import metrics
from attnmetrics.statistics.exemplars import Exemplars, from_peaks
from attnmetrics.statistics.schema import PER_HEAD, RESULTS
from attnmetrics.statistics.states import Dims, State, packed_size
from attnmetrics.storage import locate

HOSTILE = ("=1+1", "+x", "-LRB-", "@sum", "\ttab", "\rreturn", 'a,"b"\nc')
DIMS = Dims(layer=(1, 4), head=3, pos=("NOUN", *HOSTILE, "_"), rel=("nsubj:pass", "été", "_"))


def numbers(path: Path) -> dict[str, np.ndarray]:
    header, *rows = read(path)
    return dict(zip(header, np.array(rows, float).T, strict=True))


@pytest.fixture(scope="module")
def state() -> State:
    vector = np.random.default_rng(0).integers(1, 100, packed_size(DIMS)).astype(float)
    found = State.unpack(DIMS, vector)
    found["entropy_rows"][0, 1] = 0
    return found


@pytest.fixture
def table(state) -> xr.Dataset:
    return dataset(state, np.ones((2, 3)), np.full((2, 3), 2.0), 40)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_every_result_is_there_with_labels_and_attributes(table):
    declared = {result.name: result for result in RESULTS}
    declared |= {f"{result.name}_by_layer": result for result in PER_HEAD}
    assert list(table.data_vars) == list(declared)
    for name, result in declared.items():
        assert table[name].dims == (("layer", *result.dims[2:]) if name != result.name else result.dims)
        assert table[name].attrs["units"] == result.unit
        assert table[name].attrs["source"] == result.source
        assert table[name].attrs["long_name"].startswith(result.title)
        assert table[name].attrs["formula"].startswith(result.formula)
        assert table[name].dtype == result.dtype
    assert set(table.coords) == {"layer", "head", "pos", "rel", "direction", "offset", "pair_distance"}
    assert all(table[dim].attrs.keys() == {"long_name", "units"} for dim in table.coords)
    assert table["layer"].to_numpy().tolist() == [1, 4]
    assert table["offset"].to_numpy()[[0, -1]].tolist() == [-32, 32]


def test_values_are_those_of_the_metrics(state, table):
    expected = metrics.results(state, np.ones((2, 3)), np.full((2, 3), 2.0), 40)
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

    monkeypatch.setattr(results, "_write_zarr", half_written)
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
    with pytest.raises(StoreError, match="expected to write"):
        save_exemplars(
            exemplars_frame(Exemplars.zero(1, 1, 1), (0,), {}), locate(tmp_path / "file" / "exemplars.parquet")
        )


def test_missing_and_damaged_results_are_named(table, tmp_path):
    path = tmp_path / "results.zarr"
    with pytest.raises(StoreError, match=r"expected results at .*results\.zarr, found none: .*`attnmetrics status"):
        load(locate(path))
    save(table, locate(path))
    (path / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match="expected results at"):
        load(locate(path))
    save(table.drop_vars("entropy"), locate(path))
    with pytest.raises(StoreError, match="entropy"):
        load(locate(path))


def test_missing_and_damaged_exemplars_are_named(tmp_path):
    path = tmp_path / "exemplars.parquet"
    with pytest.raises(StoreError, match=r"expected exemplars at .*exemplars\.parquet, found none"):
        load_exemplars(locate(path))
    path.write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match="expected exemplars at"):
        load_exemplars(locate(path))


def test_tables_hold_every_number_in_full(table, tmp_path):
    save_tables(table, locate(tmp_path / "tables"))
    assert {path.stem for path in (tmp_path / "tables").iterdir()} == {
        "heads", "layers", "corpus", "pairs", "directions", "pos_to", "pos_from", "dependency_alignment",
        "dependency_type_to", "attention_at_offset", "pos_to_by_layer", "pos_from_by_layer",
        "dependency_alignment_by_layer", "dependency_type_to_by_layer", "attention_at_offset_by_layer",
    }  # fmt: skip
    heads = numbers(tmp_path / "tables" / "heads.csv")
    assert list(heads) == ["layer", "head", *(result.name for result in RESULTS if result.dims == ("layer", "head"))]
    assert list(zip(heads["layer"], heads["head"], strict=True)) == [(a, b) for a in (1, 4) for b in (0, 1, 2)]
    for name in list(heads)[2:]:
        np.testing.assert_array_equal(heads[name].reshape(2, 3), table[name].to_numpy())
    offsets = numbers(tmp_path / "tables" / "attention_at_offset.csv")
    assert list(offsets) == ["layer", "head", *map(str, range(-32, 33))]
    for offset in (-32, 0, 7):
        expected = table["attention_at_offset"].sel(offset=offset).to_numpy()
        np.testing.assert_array_equal(offsets[str(offset)].reshape(2, 3), expected)
    pairs = numbers(tmp_path / "tables" / "pairs.csv")
    np.testing.assert_array_equal(pairs["dependency_probability"], table["dependency_probability"].to_numpy())
    rows = {row[0]: row for row in read(tmp_path / "tables" / "corpus.csv")}
    assert rows["variability_sentences"] == ["variability_sentences", "40", "sentences", "Sentences behind variability"]
    assert float(rows["distance_sd"][1]) == table["distance_sd"]


def test_no_evidence_is_spelled_nan(table, tmp_path):
    save_tables(table, locate(tmp_path))
    header, *rows = read(tmp_path / "heads.csv")
    assert rows[1][header.index("entropy")] == "NaN"
    assert rows[1][header.index("entropy_rows")] == "0"


def test_no_label_is_a_spreadsheet_formula(table, tmp_path):
    save_tables(table, locate(tmp_path))
    header = read(tmp_path / "pos_to.csv")[0]
    assert header[2:] == ["NOUN", *(f"'{label}" for label in HOSTILE[:6]), HOSTILE[6], "_"]


def exemplars() -> Exemplars:
    weight = np.array([[[0.5, 0.25]], [[0.75, -np.inf]], [[0.5, 0.125]]])
    place = np.array([[[3, 2]], [[5, 1]], [[4, 1]]])
    return from_peaks(
        weight, place, place - 1, np.array([0, 2, 2]), np.array([4, 0, 1]), np.arange(3).astype(np.uint64), 2
    )


TEXTS: SentenceTexts = {
    (0, 4): [("first", "One.", ("One", "."), 0)],
    (2, 0): [("third", "Two 🦉", ["Two", " 🦉"], 0)],
    (2, 1): [("third", "", [], 0)],
}


def test_exemplars_have_a_row_per_head_and_rank(tmp_path):
    frame = exemplars_frame(exemplars(), (7,), TEXTS)
    expected = [
        (7, 0, 1, 0.75, "third", 0, 5, 4, "Two 🦉", ["Two", " 🦉"]),
        (7, 0, 2, 0.5, "first", 4, 3, 2, "One.", ["One", "."]),
        (7, 1, 1, 0.25, "first", 4, 2, 1, "One.", ["One", "."]),
        (7, 1, 2, 0.125, "third", 1, 1, 0, "", []),
    ]
    assert [tuple(row) for row in frame.itertuples(index=False)] == expected
    save_exemplars(frame, locate(tmp_path / "exemplars.parquet"))
    pd.testing.assert_frame_equal(load_exemplars(locate(tmp_path / "exemplars.parquet")), frame)


def test_exemplars_have_plain_arrow_types(tmp_path):
    for name, value in (("a", exemplars()), ("b", exemplars()), ("none", Exemplars.zero(1, 2, 3))):
        save_exemplars(exemplars_frame(value, (7,), TEXTS), locate(tmp_path / name))
    schema = pq.read_schema(tmp_path / "a")
    assert schema.equals(results.EXEMPLARS, check_metadata=True)
    assert schema.names == ["layer", "head", "rank", "weight", "document", "sentence", "i", "j", "text", "pieces"]
    assert schema.field("pieces").type == pa.list_(pa.string())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(load_exemplars(locate(tmp_path / "none"))) == 0


def test_an_exemplar_without_text_is_an_error():
    texts = {key: TEXTS[key] for key in [(2, 0), (2, 1)]}
    with pytest.raises(StoreError, match=r"expected the text of document 0, sentence 4, .* found none; measure its"):
        exemplars_frame(exemplars(), (7,), texts)


def test_formulas_say_what_is_left_out(table):
    assert "attendable" in table["variability"].attrs["formula"]
    assert "Σ F > 0" in table["entropy_rows"].attrs["formula"], "rows with nothing left are skipped too"
