"""The folder for the HeadVis front end: its shapes, its numbers, and the attention in its sentences."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from synthetic import dataset, intervals
from transformers import AutoModel, AutoTokenizer

import attnmetrics
from attnmetrics.assets import MODELS
from attnmetrics.cli import main
from attnmetrics.describing.frame import roles_frame
from attnmetrics.describing.rules import read_rules
from attnmetrics.errors import ConfigError, ModelError, StoreError
from attnmetrics.exporting.content import Content
from attnmetrics.exporting.headvis.files import heads
from attnmetrics.exporting.headvis.notes import read_me
from attnmetrics.exporting.headvis.plots import distances, plot, without_empty_ends
from attnmetrics.exporting.headvis.scores import definitions, describe_columns, scatter_columns, scatter_rows
from attnmetrics.exporting.headvis.sequences import largest
from attnmetrics.running.runfile import read_facts, write_facts
from attnmetrics.storage import locate
from attnmetrics.views.pieces import PLACEHOLDER

Json = dict[str, Any]
HEADS = [(2, 1), (2, 4), (5, 1), (5, 4)]


@pytest.fixture(scope="module")
def exported(demo_run: Path, tmp_path_factory: pytest.TempPathFactory, loaded_once: None) -> Path:
    """Some of the demo's heads, with typical sentences."""
    out = tmp_path_factory.mktemp("headvis") / "data"
    attnmetrics.export(demo_run, format="headvis", out=out, layers=[5, 2], heads=[1, 4])
    return out


@pytest.fixture(scope="module")
def data(demo_run: Path) -> xr.Dataset:
    return attnmetrics.load(demo_run)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def file_of(folder: Path, layer: int, head: int) -> Json:
    found: Json = read(folder / "heads" / f"L{layer}H{head}.json")
    return found


def check_contract(folder: Path) -> None:
    """Every shape that HeadVis's data contract names, and what its front end relies on beyond."""
    config, scatter = read(folder / "config.json"), read(folder / "scatter_data.json")
    kinds = {
        "model_name": str, "heads": list, "n_layers": int, "n_heads": int, "n_intervals": int, "metrics": list,
        "metric_descriptions": dict, "head_data_pattern": str, "has_umap": bool, "umap_heads": list,
        "custom_plots": list, "custom_tables": list, "statistics_display": dict,
    }  # fmt: skip
    assert {name: type(config[name]) for name in kinds} == kinds
    assert set(config["metric_descriptions"]) == set(config["metrics"])
    assert sorted((row["layer"], row["head"]) for row in scatter) == sorted(map(tuple, config["heads"]))
    assert all(list(row) == ["layer", "head", *config["metrics"]] for row in scatter)
    numbers = [value for row in scatter for value in row.values()]
    assert {type(value) for value in numbers} <= {int, float, type(None)}
    fewest = min(list(row.values()).count(None) for row in scatter)
    assert list(scatter[0].values()).count(None) == fewest  # the page takes its axes from the first row
    assert read(folder / "server_config.json") == read(folder / "attributions" / "manifest.json") == {}
    for layer, head in config["heads"]:
        pattern = config["head_data_pattern"].replace("{layer}", str(layer)).replace("{head}", str(head))
        check_head(read(folder / "heads" / pattern), config)
    assert len(list((folder / "heads").iterdir())) == len(config["heads"])


def check_head(head: Json, config: Json) -> None:
    keys = {"sequences", "qk_distance_histogram", "top_query_tokens", "top_key_tokens", "histogram", "statistics"}
    assert keys <= set(head)
    for asked in config["custom_plots"]:
        assert len(head[asked["key"]]["bin_edges"]) == len(head[asked["key"]]["bin_values"]) + 1
    for asked in config["custom_tables"]:
        assert all(isinstance(row["token"], str) and row["weight"] >= 0 for row in head[asked["key"]])
    assert set(head["statistics"]) == set(config["statistics_display"])
    for sequence in head["sequences"]:
        check_sequence(sequence, config["n_intervals"])
    intervals = [sequence["interval"] for sequence in head["sequences"]]
    assert intervals == sorted(intervals, reverse=True)


def check_sequence(one: Json, intervals: int) -> None:
    size = one["seq_len"]
    assert size == len(one["tokens"]) > 0
    assert all(isinstance(token, str) and token for token in one["tokens"])
    assert isinstance(one["sequence_id"], int)
    assert 1 <= one["interval"] <= intervals
    places, weights = one["attention_indices"], one["attention_values"]
    assert len(places) == len(weights)
    assert all(0 <= place < size * size for place in places)
    assert places == sorted(set(places))
    assert all(0.0015 <= weight <= 1 and weight == round(weight, 4) for weight in weights)
    shown = [w for place, w in zip(places, weights, strict=True) if place >= size and place % size]
    assert one["max_activation"] == max(shown, default=0)


def test_shapes_are_those_of_the_contract(exported: Path) -> None:
    check_contract(exported)
    config = read(exported / "config.json")
    assert config["heads"] == [list(place) for place in HEADS]
    assert config["intervals"] == ["0-20", "20-40", "40-60", "60-80", "80-100", "top"]
    assert config["n_intervals"] == 6
    pipeline = config["pipeline_config"]
    assert (pipeline["n_sequences"], pipeline["seq_len"], pipeline["dtype"]) == (
        sentences_counted(exported), 256, "float32",
    )  # fmt: skip


def sentences_counted(exported: Path) -> int:
    """As many as the histogram of every head counts."""
    return int(sum(file_of(exported, 2, 1)["histogram"]["bin_values"]))


def test_every_part_of_a_head_has_its_sentences(exported: Path, demo_run: Path) -> None:
    listed = attnmetrics.exemplars(demo_run, claim="")
    for layer, head in HEADS:
        own = listed[(listed["layer"] == layer) & (listed["head"] == head) & (listed["rank"] <= 5)]
        found = file_of(exported, layer, head)["sequences"]
        told = [(one["bucket"], one["document"], one["sentence"], one["largest_f"]) for one in found]
        expected = zip(own["bucket"], own["document"], own["sentence"], own["weight"].round(4), strict=True)
        assert sorted(told) == sorted(expected)
        assert len(told) == 30


def test_attention_is_that_of_the_model(exported: Path, demo_run: Path) -> None:
    """Of the strongest sentence, which the run traced, and of a typical one, which the export read."""
    model = AutoModel.from_pretrained(MODELS["demo"], attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(MODELS["demo"])
    texts = attnmetrics.exemplars(demo_run).set_index(["document", "sentence"])["text"].to_dict()
    for layer, head in HEADS:
        found = file_of(exported, layer, head)["sequences"]
        for one in (found[0], next(one for one in found if one["bucket"] == "40-60")):
            ids = tokenizer(texts[one["document"], one["sentence"]])["input_ids"]
            with torch.no_grad():
                alpha = model(torch.tensor([ids]), output_attentions=True).attentions[layer][0, head].numpy()
            dense = np.zeros(one["seq_len"] ** 2)
            dense[one["attention_indices"]] = one["attention_values"]
            seen = dense.reshape(alpha.shape)
            np.testing.assert_allclose(seen, np.where(seen > 0, alpha, 0), rtol=0, atol=1e-4)
            assert alpha[seen == 0].max() < 0.002 + 1e-5
            spelled = "".join(one["tokens"]).replace(PLACEHOLDER, "").strip()
            assert spelled == texts[one["document"], one["sentence"]]


def test_scores_under_their_names_are_theirs(exported: Path, data: xr.Dataset) -> None:
    rows = {(row["layer"], row["head"]): row for row in read(exported / "scatter_data.json")}
    for layer, head in HEADS:
        at, row = data.sel(layer=layer, head=head), rows[layer, head]
        neighbours = at["neighbour_attention"]
        assert row["self_attention_score"] == pytest.approx(neighbours.sel(neighbour="current").item(), rel=1e-5)
        assert row["previous_token_score"] == pytest.approx(neighbours.sel(neighbour="previous").item(), rel=1e-5)
        assert row["prev_token_score"] == row["previous_token_score"]
        assert row["pattern_entropy"] == pytest.approx(at["entropy_all"].item(), rel=1e-5)
        assert row["pos_to:DET"] == pytest.approx(at["pos_to"].sel(pos="DET").item(), rel=1e-5)
        assert not {"qk_distance", "induction_score"} & set(row)  # defined otherwise: under names of ours
        assert row["distance"] == pytest.approx(at["distance"].item(), rel=1e-5)


def test_what_differs_is_told(exported: Path, data: xr.Dataset) -> None:
    told = {theirs: (ours, how) for theirs, ours, how in definitions(data)}
    assert told["pattern_entropy"] == ("entropy_all", "the same")
    assert told["previous_token_score, prev_token_score"] == ("neighbour_attention:previous", "the same")
    assert told["induction_score"][0] == "induction_attention"
    assert told["logit_std"][0] == ""
    note = (exported / "README.md").read_text(encoding="utf-8")
    for theirs, (ours, how) in told.items():
        assert f"| {theirs} | {ours or '–'} | {how} |" in note
    assert "null pieces: the first" in note
    assert "Typical sentences are not here" not in note


def test_a_head_says_what_it_does_and_which_pieces_it_likes(exported: Path, demo_run: Path) -> None:
    said = attnmetrics.roles(demo_run).drop_duplicates(["layer", "head"]).set_index(["layer", "head"])["sentence"]
    liked = attnmetrics.tokens(demo_run)
    for layer, head in HEADS:
        found = file_of(exported, layer, head)
        assert found["statistics"]["sentence"] == said[layer, head] != ""
        assert found["statistics"]["head_name"] == f"L{layer}H{head}"
        keys = liked[(liked["layer"] == layer) & (liked["head"] == head) & (liked["side"] == "key")]
        assert [row["weight"] for row in found["top_key_tokens"]] == pytest.approx(keys["lift"].tolist(), rel=1e-5)


def test_scores_have_their_intervals() -> None:
    data = dataset(3, 2)
    sure = intervals(data, 0.1).assign_coords(data.coords)
    frame = roles_frame(read_rules(None), data, sure)
    content = Content(data, {}, {"roles": frame}, sure)
    described = describe_columns(data, scatter_columns(data), sure)
    assert re.search(r"\. 95% interval: ±[\d.]+ pieces \(median head\)\.$", described["distance"])
    nothing = pd.DataFrame(columns=["layer", "head", "bucket", "rank"])
    for n, (_, found) in enumerate(heads(content, nothing)):
        place = divmod(n, 2)
        for name, table, at in (
            ("distance", "distance", {}),
            ("previous_token_score", "neighbour_attention", {"neighbour": "previous"}),
            ("pos_to:DET", "pos_to", {"pos": "DET"}),
        ):
            expected = sure[table].sel(at).transpose("layer", "head", "bound").values[place]
            np.testing.assert_allclose(found["metric_intervals"][name], expected, rtol=1e-5)
        own = frame[
            (frame["layer"] == data["layer"].values[place[0]]) & (frame["head"] == data["head"].values[place[1]])
        ]
        told = found["statistics"]["scores"]
        assert told.count("[") == (own["low"].notna() & (own["role"] != "")).sum()
        assert all(role in told for role in own["role"])
    assert frame["low"].notna().any()
    assert describe_columns(data, {"distance": data["distance"]}, xr.Dataset())["distance"].endswith("far away.")


def test_what_windows_hide_is_told() -> None:
    data = xr.Dataset({"sentences": 3, "pieces": 9}, {"layer": [0], "head": [0]}, {"unit": "window:64"})
    note = read_me(Content(data, {}, {}), ["top"])
    assert "- windows measured: 3" in note
    assert "Of a window only the sentences that hold the two pieces are here" in note
    assert "Intervals, the weakest first: 1 = `top`." in note


def planted() -> xr.Dataset:
    places = {"layer": [0], "head": [0, 1]}
    return xr.Dataset(
        {
            "clear": (("layer", "head"), [[np.nan, 0.123456789]]),
            "never": (("layer", "head"), [[np.nan, np.nan]]),
            "rows": (("layer", "head"), [[3, 4]], {"kind": "count"}),
            "by_tag": (("layer", "head", "tag"), [[[0.25, 0.5], [0.75, 1]]]),
            "many": (("layer", "head", "rel"), np.zeros((1, 2, 21))),
            "humps": (("layer", "head", "weight_bin"), [[[5, 0], [1, 4]]]),
        },
        {**places, "tag": ["A", "B"], "rel": list(map(str, range(21))), "weight_bin": [0.0, 0.5]},
    )


def test_axes_are_shares_of_heads_and_the_fullest_row_comes_first() -> None:
    columns = scatter_columns(planted().drop_vars("humps"))
    assert list(columns) == ["clear", "by_tag:A", "by_tag:B"]
    assert scatter_rows(planted(), columns) == [
        {"layer": 0, "head": 1, "clear": 0.123457, "by_tag:A": 0.75, "by_tag:B": 1.0},
        {"layer": 0, "head": 0, "clear": None, "by_tag:A": 0.25, "by_tag:B": 0.5},
    ]


def test_histograms_have_an_edge_more_than_bins() -> None:
    assert plot(planted()["humps"], 0, 1) == {"bin_edges": [0.0, 0.5, 1.0], "bin_values": [1, 4]}


def test_offsets_end_where_no_head_looks_further() -> None:
    values = [[[0, 0, 0.25, 0.75], [0, 0.5, 0.5, 0]]]
    table = xr.DataArray(values, {"offset": [-1, 0, 1, 2]}, ("layer", "head", "offset"))
    shown = without_empty_ends(table)
    assert plot(shown, 0, 0) == {"bin_edges": [-0.5, 0.5, 1.5, 2.5], "bin_values": [0, 0.25, 0.75]}
    assert without_empty_ends(0 * table).identical(0 * table)


def test_distances_are_summed_between_powers_of_two() -> None:
    of_ten = {"seq_len": 10, "attention_indices": [0, 10, 32, 69, 90], "attention_values": [1, 0.5, 0.25, 0.125, 2]}
    found = distances([of_ten, {"seq_len": 1, "attention_indices": [0], "attention_values": [1]}])
    assert found["bin_edges"][:6] == [0, 1, 2, 4, 8, 16]
    assert found["bin_values"][:6] == [2, 0.75, 0.125, 0, 2, 0]  # |0 − 0|; |1 − 0|, |3 − 2|; |6 − 9|; none; |9 − 0|


def test_the_largest_weight_is_sought_outside_the_first_row_and_column() -> None:
    query, key = np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1])
    assert largest(query, key, np.array([1, 0.9, 0.1, 0.3])) == 0.3
    assert largest(query[:2], key[:2], np.array([1, 0.9])) == 0


# ---- what a run lacks, and what is given wrongly


def test_without_a_model_only_what_the_run_kept(demo_run: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "data"
    arguments = ["--no-typical", "--layers", "3", "--heads", "0", "--sequences", "2", "-o", str(out)]
    with pytest.raises(SystemExit) as ended:
        main(["export", str(demo_run), "--format", "headvis", *arguments])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"headvis: {out}")
    check_contract(out)
    config = read(out / "config.json")
    assert (config["heads"], config["intervals"]) == (
        [[3, 0]],
        ["0-20", "20-40", "40-60", "60-80", "80-100", "top"],
    )
    assert len(file_of(out, 3, 0)["sequences"]) == 2 + 5
    assert "Typical sentences are not here" not in (out / "README.md").read_text(encoding="utf-8")


def test_a_run_without_pieces_and_roles_says_so(demo_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("results.zarr", "exemplars.parquet", "exemplar_attention.parquet", "run.json"):
        (run / name).symlink_to(demo_run / name)
    attnmetrics.export(run, format="headvis", out=tmp_path / "out", layers=[0], heads=[0], typical=False)
    assert file_of(tmp_path / "out", 0, 0)["top_key_tokens"] == []
    note = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    with pytest.raises(StoreError, match=r"0 of \d shards of .* are measured.*--no-typical"):
        attnmetrics.export(run, format="headvis", out=tmp_path / "more", layers=[0], heads=[0])
    assert "The tables of pieces are empty" in note
    assert "No head says what it does" in note


def test_a_model_that_is_gone_is_named_with_what_to_do(demo_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"/nowhere.*Give its place as --model.*--no-typical"):
        attnmetrics.export(demo_run, format="headvis", out=tmp_path / "x", model="/nowhere", layers=[0], heads=[0])
    assert not (tmp_path / "x").exists()


def test_a_folder_that_holds_something_is_left_alone(demo_run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(StoreError, match="expected a new or an empty folder at"):
            attnmetrics.export(demo_run, format="csv", out=place)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "xml"}, r"expected a format of headvis, csv, json, found 'xml'"),
        ({"format": "csv", "layers": [0, 6]}, r"expected layers of the run, 0 to 5, found 0, 6"),
        ({"format": "csv", "sequences": 3}, r"sequences belongs to the format headvis, found 'csv'"),
        ({"format": "headvis", "sentences": 3}, r"expected options of sequences, typical, .*, found sentences"),
        ({"format": "headvis", "sequences": 0}, r"expected at least 1 of sequences, found 0"),
    ],
)
def test_wrong_options_are_refused(demo_run: Path, tmp_path: Path, options: Json, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        attnmetrics.export(demo_run, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_no_run_and_an_unfinished_one_are_refused(demo_run: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no run, or an unfinished one"):
        attnmetrics.export(tmp_path / "nothing", format="csv")
    facts = read_facts(locate(demo_run)) or {}
    write_facts(locate(tmp_path), facts | {"status": "unfinished"})
    with pytest.raises(StoreError, match="is unfinished: expected a run that is merged"):
        attnmetrics.export(tmp_path, format="json")
