import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from merged import HOSTILE, SCHEMA, merged_results, merged_sums
from synthetic import ANIMACY, made_up

from attnmetrics.results.tables import file_names, save_tables
from attnmetrics.storage import locate


@pytest.fixture(scope="module")
def table() -> xr.Dataset:
    return merged_results(merged_sums())


def numbers(path: Path) -> dict[str, np.ndarray]:
    header, *rows = read(path)
    return dict(zip(header, np.array(rows, float).T, strict=True))


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_tables_hold_every_number_in_full(table, tmp_path):
    save_tables(table, locate(tmp_path / "tables"))
    own = {"pos_to", "pos_from", "dependency_type_to", "dependency_type_from", "special_to", "special_from",
           "dependency_alignment", "dependency_expected", "dependency_excess", "dependency_attention",
           "attention_at_offset", "relation_accuracy", "parse_accuracy", "relation_accuracy_all",
           "special_attention", "separator_attention", "neighbour_attention"}  # fmt: skip
    histograms = {"first_piece_histogram", "unit_peak_histogram"}
    assert {path.stem for path in (tmp_path / "tables").iterdir()} == {
        "heads", "layers", "corpus", "pairs", "directions", "pos", "rel", "special", "offset", "direction_offset",
        "attending", "neighbour", "rule_rel", "rule_rel_word_offset", "rule_rel_word_class_side", "near_ties",
        "head_distance",
        "head_map", "layer_distance", *histograms, *own, *(f"{name}_by_layer" for name in own),
    }  # fmt: skip
    heads = numbers(tmp_path / "tables" / "heads.csv")
    assert list(heads) == [
        "layer",
        "head",
        *(result.name for result in SCHEMA.results if result.dims == ("layer", "head")),
    ]
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


def test_a_pair_of_heads_stands_in_one_row(table, tmp_path):
    save_tables(table, locate(tmp_path))
    rows = numbers(tmp_path / "head_distance.csv")
    assert list(rows) == ["layer", "head", "other_layer", "other_head", "head_distance"]
    assert len(rows["layer"]) == 6 * 5 // 2
    places = {1: 0, 4: 1}
    for layer, head, other_layer, other_head, value in zip(*rows.values(), strict=True):
        assert (layer, head) < (other_layer, other_head)
        expected = table["head_distance"].to_numpy()
        assert value == expected[places[layer], int(head), places[other_layer], int(other_head)]
    square = numbers(tmp_path / "layer_distance.csv")
    assert list(square) == ["layer", "1", "4"]
    np.testing.assert_array_equal([square["1"], square["4"]], table["layer_distance"].to_numpy().T)


def test_no_evidence_is_spelled_nan(table, tmp_path):
    save_tables(table, locate(tmp_path))
    header, *rows = read(tmp_path / "heads.csv")
    assert rows[1][header.index("entropy")] == "NaN"
    assert rows[1][header.index("entropy_rows")] == "0"


def test_no_label_is_a_spreadsheet_formula(table, tmp_path):
    save_tables(table, locate(tmp_path))
    header = read(tmp_path / "pos_to.csv")[0]
    assert header[2:] == ["NOUN", *(f"'{label}" for label in HOSTILE[:6]), HOSTILE[6], "_"]


def test_tables_never_heard_of_have_a_file_each_or_share_one_with_their_dimensions(tmp_path):
    data = made_up()
    save_tables(data, locate(tmp_path))
    assert {path.stem for path in tmp_path.iterdir()} == {
        "heads", "corpus", "animacy", "rule_animacy", "animacy_to",
        "animacy_to_by_layer", "rule_accuracy",
    }  # fmt: skip
    heads = numbers(tmp_path / "heads.csv")
    assert list(heads) == ["layer", "head", "sparkle", "sparkle_expected", "<i>loud", "unsaid"]
    for name in ("sparkle", "<i>loud", "unsaid"):
        np.testing.assert_array_equal(heads[name].reshape(2, 3), data[name].to_numpy())
    header, *rows = read(tmp_path / "animacy_to.csv")
    assert header == ["layer", "head", "human", "<b>thing</b>", "'=1+1", "_"]
    np.testing.assert_array_equal(np.array(rows, float)[:, 2:].reshape(2, 3, 4), data["animacy_to"].to_numpy())
    assert read(tmp_path / "animacy.csv")[:3] == [
        ["animacy", "animacy_to_uniform", "animacy_rows"], ["human", "0.4", "7"], ["<b>thing</b>", "0.3", "1200"],
    ]  # fmt: skip
    assert read(tmp_path / "corpus.csv") == [
        ["result", "value", "unit", "title"], ["sparkles", "12345", "stars", "Sparkles seen"],
    ]  # fmt: skip


def test_a_table_with_two_further_dimensions_has_a_row_for_each_value(tmp_path):
    data = made_up()
    save_tables(data, locate(tmp_path))
    header, *rows = read(tmp_path / "rule_accuracy.csv")
    assert header == ["layer", "head", "rule", "animacy", "rule_accuracy"]
    assert len(rows) == 2 * 3 * 2 * 4
    for layer, head, rule, animacy, value in rows:
        at = {"layer": int(layer), "head": int(head), "rule": rule, "animacy": animacy.removeprefix("'")}
        assert float(value) == data["rule_accuracy"].sel(at)
    assert read(tmp_path / "rule_animacy.csv")[5] == ["column", ANIMACY[0], "4"]


def test_no_two_results_share_a_file(tmp_path):
    data = made_up()
    names = {"heads": "animacy_to", "HEADS": "rule_accuracy", "../x": "animacy_to", "rule_animacy": "animacy_to"}
    clashing = data.assign({name: data[of].copy() for name, of in names.items()})
    save_tables(clashing, locate(tmp_path / "tables"))
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]
    found = {path.stem: read(path)[0] for path in (tmp_path / "tables").iterdir()}
    assert found["rule_animacy"] == ["rule", "animacy", "rule_edges"]
    assert found["heads"][:3] == ["layer", "head", "sparkle"]
    assert found["heads_2"][2:3] == found["rule_animacy_2"][2:3] == found["_._x"][2:3] == ["human"]
    assert found["HEADS_3"][2:] == ["rule", "animacy", "HEADS"]
    assert file_names(["a", "<b>", "A", ".a", "", "a_2"]) == ["a", "_b_", "A_2", "_a", "_", "a_2_2"]
