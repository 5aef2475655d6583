"""Tables as CSV and JSON say what the results say, to the last bit."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from merged import HOSTILE, merged_results, merged_sums

import attnmetrics
from attnmetrics.exporting.as_csv import write_tables
from attnmetrics.exporting.as_json import results, write_json
from attnmetrics.exporting.content import Content, load_sentences, of_heads
from attnmetrics.exporting.tidy import single_numbers, tidy, with_dimensions
from attnmetrics.storage import locate

FACTS = {
    "attnmetrics": "1.2.3",
    "configuration": {"model": "some/model", "corpus": ["a.txt", "b.txt"], "unit": "sentence"},
    "model": {"name": "some/model", "null": {"leading": 1, "trailing": 0, "between": 0}},
}
TOKENS = pd.DataFrame({"layer": [1, 4], "head": [0, 2], "piece": ["=", "Ġ the"], "lift": [2.5, np.nan]})

SENTENCES = pd.DataFrame(
    {
        "layer": [1],
        "head": [2],
        "claim": [""],
        "bucket": ["top"],
        "rank": [1],
        "weight": [0.1 + 0.2],
        "i": [1],
        "j": [0],
    }
).assign(text="=a b", pieces=[["=a", "b"]])


def small() -> xr.Dataset:
    """Two layers of two heads: a share by a label with a chance level, a number for two heads, a single number."""
    layers, heads = [3, 5], [0, 1]
    places = {"layer": layers, "head": heads}
    share = xr.DataArray(
        np.arange(8.0).reshape(2, 2, 2) / 8, {**places, "tag": ["A", "B"]}, ("layer", "head", "tag"),
        attrs={"long_name": "Attention to a tag", "units": "1", "formula": "Σ α", "chance": "even"},
    )  # fmt: skip
    apart = np.abs(np.subtract.outer(np.arange(4), np.arange(4))).reshape(2, 2, 2, 2).astype(float)
    others = {"other_layer": layers, "other_head": heads}
    return xr.Dataset(
        {
            "share": share,
            "even": xr.DataArray([0.5, np.nan], {"tag": ["A", "B"]}, ("tag",)),
            "apart": xr.DataArray(apart, {**places, **others}, ("layer", "head", "other_layer", "other_head")),
            "sentences": xr.DataArray(12, attrs={"long_name": "Sentences measured", "units": "sentences"}),
            "pieces": xr.DataArray(90),
        },
        attrs={"title": "Attention metrics"},
    )


@pytest.fixture(scope="module")
def content() -> Content:
    return Content(merged_results(merged_sums()), FACTS, {"tokens": TOKENS, "exemplars": SENTENCES})


@pytest.fixture(scope="module")
def csvs(content: Content, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csv")
    write_tables(content, folder)
    return folder


def read(folder: Path, name: str) -> pd.DataFrame:
    """As the README says."""
    missing = {"value": "NaN", "chance": "NaN", "lift": "NaN"}
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values=missing)


def test_a_result_has_a_row_for_each_value_beside_its_chance() -> None:
    rows = tidy(small(), "share")
    assert list(rows) == ["head_name", "layer", "head", "tag", "value", "chance"]
    assert rows.iloc[5].tolist()[:5] == ["L5H0", 5, 0, "B", 0.625]
    assert rows["chance"].tolist()[::2] == [0.5] * 4
    assert rows["chance"].isna().tolist()[1::2] == [True] * 4


def test_of_two_heads_each_pair_comes_once() -> None:
    rows = tidy(small(), "apart")
    assert list(rows)[:4] == ["head_name", "layer", "head", "other_head_name"]
    pairs = list(zip(rows["head_name"], rows["other_head_name"], rows["value"], strict=True))
    assert pairs == [
        ("L3H0", "L3H1", 1), ("L3H0", "L5H0", 2), ("L3H0", "L5H1", 3),
        ("L3H1", "L5H0", 1), ("L3H1", "L5H1", 2), ("L5H0", "L5H1", 1),
    ]  # fmt: skip
    of_one = tidy(small().sel(layer=[5], head=[0]), "apart")
    assert of_one["other_head_name"].tolist() == ["L3H0", "L3H1", "L5H1"]  # pairs with others are there from one side


def test_single_numbers_keep_their_kind() -> None:
    rows = single_numbers(small())
    assert rows.to_dict("list") == {
        "result": ["sentences", "pieces"], "value": [12, 90], "unit": ["sentences", "1"],
        "title": ["Sentences measured", "pieces"],
    }  # fmt: skip
    assert isinstance(rows["value"][0], int)


def test_csv_read_back_equals_every_result(content: Content, csvs: Path) -> None:
    data, book = content.data, read(csvs, "results").set_index("result")
    names = with_dimensions(data)
    assert len(names) > 60
    for name in names:
        rows = read(csvs, book["file"][name].removesuffix(".csv"))
        if name != "head_distance":
            np.testing.assert_array_equal(rows["value"], data[name].to_numpy().ravel(), err_msg=name)
    distances = read(csvs, "head_distance")
    assert len(distances) == 15  # of 6 heads
    square = data["head_distance"].to_numpy().reshape(6, 6)
    np.testing.assert_array_equal(distances["value"], square[np.triu_indices(6, 1)])
    single = read(csvs, "corpus").set_index("result")["value"]
    assert float(single["variability_sentences"]) == 40
    assert len(single) == sum(not table.dims for table in data.data_vars.values())


def test_csv_says_what_it_is_of(content: Content, csvs: Path) -> None:
    book = read(csvs, "results").set_index("result")
    assert list(book.index.sort_values()) == sorted(map(str, content.data.data_vars))
    assert book.loc["pos_to", ["title", "unit", "kind", "chance", "dims"]].tolist() == [
        "Attention to a part of speech", "1", "share", "pos_to_uniform", "layer, head, pos",
    ]  # fmt: skip
    assert set(book["definition"]) >= {str(content.data["distance"].attrs["formula"])}
    note = (csvs / "README.md").read_text(encoding="utf-8")
    for fact in ("some/model", "a.txt, b.txt", "null pieces: the first", "unit: sentence", "attnmetrics: 1.2.3"):
        assert fact in note
    package = json.loads((csvs / "datapackage.json").read_text(encoding="utf-8"))
    assert package["run"]["null pieces"] == "the first"
    for resource in package["resources"]:
        header = pd.read_csv(csvs / resource["path"], nrows=0).columns
        assert [field["name"] for field in resource["schema"]["fields"]] == list(header)
    assert {resource["path"] for resource in package["resources"]} == {path.name for path in csvs.glob("*.csv")}


def test_no_spreadsheet_takes_a_label_or_a_piece_for_a_formula(csvs: Path) -> None:
    labels = read(csvs, "pos_to")["pos"].unique().tolist()
    assert labels[:3] == ["NOUN", f"'{HOSTILE[0]}", f"'{HOSTILE[1]}"]
    assert read(csvs, "tokens")["piece"].tolist() == ["'=", "Ġ the"]
    assert read(csvs, "tokens")["head_name"].tolist() == ["L1H0", "L4H2"]


def test_sentences_are_in_both_with_their_pieces_in_json(content: Content, csvs: Path, tmp_path: Path) -> None:
    (row,) = read(csvs, "exemplars").to_dict("records")
    assert row == {
        "head_name": "L1H2", "layer": 1, "head": 2, "claim": "", "bucket": "top", "rank": 1, "weight": 0.1 + 0.2,
        "i": 1, "j": 0, "text": "'=a b",
    }  # fmt: skip
    write_json(content, tmp_path)
    found = json.loads((tmp_path / "exemplars.json").read_text(encoding="utf-8"))
    assert found["about"]["model"] == "some/model"
    assert found["exemplars"] == [{**row, "text": "=a b", "pieces": ["=a", "b"]}]
    assert "`exemplars.csv` holds sentences of each head" in (csvs / "README.md").read_text(encoding="utf-8")


def test_sentences_of_a_run_name_the_pieces_of_their_pair(demo_run: Path) -> None:
    frame = load_sentences(locate(demo_run / "exemplars.parquet"))
    row = frame.iloc[7]
    assert (row["attending"], row["attended"]) == (row["pieces"][row["i"]], row["pieces"][row["j"]])
    assert len(frame) == len(attnmetrics.exemplars(demo_run))
    wrong = frame[frame["claim"].str.fullmatch("relation:.*:miss")]
    assert len(wrong) > 20
    for row in wrong.itertuples():
        assert row.right_word == "".join(row.pieces[place] for place in row.right) != ""
        assert not {row.i, row.j} & {*row.right}
    assert set(frame[~frame["claim"].str.endswith(":miss")]["right_word"]) == {""}


def test_json_read_back_equals_every_result(content: Content, tmp_path: Path) -> None:
    write_json(content, tmp_path)
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert found["head_names"] == [["L1H0", "L1H1", "L1H2"], ["L4H0", "L4H1", "L4H2"]]
    assert list(found["results"]) == list(map(str, content.data.data_vars))
    for name, table in content.data.data_vars.items():
        told = found["results"][name]
        np.testing.assert_array_equal(np.array(told["values"], float), table.to_numpy().astype(float), err_msg=name)
        assert told["dims"] == list(table.dims)
        assert told["title"] == table.attrs["long_name"]
    assert found["dimensions"]["pos"]["labels"] == content.data["pos"].values.tolist()
    assert found["about"]["model"] == "some/model"
    pieces = json.loads((tmp_path / "tokens.json").read_text(encoding="utf-8"))["tokens"]
    assert pieces[0] == {"head_name": "L1H0", "layer": 1, "head": 0, "piece": "=", "lift": 2.5}
    assert pieces[1]["lift"] is None


def test_what_has_no_evidence_is_null_in_json() -> None:
    assert results(small(), {})["results"]["even"]["values"] == [0.5, None]


def test_rows_of_other_heads_are_left_out() -> None:
    frame = pd.DataFrame({"layer": [3, 5, 5, 4], "head": [0, 1, 2, 0], "value": range(4)})
    assert of_heads(frame, small())["value"].tolist() == [0, 1]
