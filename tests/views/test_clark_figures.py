"""The numbers of Clark et al. (2019), and a run's beside them: how many, whose, and how they are read."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from clark_tables import CLASSES, with_coreference, with_relations
from schemas import small_schema
from synthetic import dataset, exemplars, made_up

from attnmetrics.metrics import coreference, importance
from attnmetrics.results.dataset import save
from attnmetrics.results.joined import with_probes
from attnmetrics.storage import locate
from attnmetrics.views.papers.behaviours import asked_for
from attnmetrics.views.papers.claims import Row, compare
from attnmetrics.views.papers.clark_2019 import CLARK, CONTENT, published_layers, published_of
from attnmetrics.views.relations import Relations, coreference_frame, relation_frame, relations

REL = ("amod", "case", "compound:prt", "det", "nsubj", "obj", "punct", "root", "_")
IN_THE_PAPER = {
    "Figure 1": 4,  # heads
    "Figure 2": 69,  # five lines of 12 layers, two of 4 heads, even attention
    "Section 3": 11,
    "Figure 3": 1,
    "Figure 4": 26,  # two lines of 12 layers, even attention, the head to the next piece
    "Section 4.1": 1,
    "Table 1": 79,  # 15 rows of accuracy, baseline, offset and head; 14 counts; what the notebook has of two rows
    "Notebook": 74,  # 18 rows of accuracy, baseline, head and count; 2 counts
    "Figure 5": 1,
    "Table 2": 17,  # four rows of four classes, and one number
    "Table 3": 7,  # six rows, one of them twice
    "Figure 6": 9,  # three counts of heads, six heads
}


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """As deep as BERT-base."""
    return with_coreference(with_relations(dataset(12, 3, rel=REL, causal=False)))


@pytest.fixture(scope="module")
def rows(data: xr.Dataset) -> dict[str, Row]:
    return {row.claim.name: row for row in compare(CLARK, data)}


def test_every_published_number_is_there() -> None:
    found: Counter[str] = Counter()
    for claim in CLARK.claims:
        found[claim.where] += claim.numbers
    assert found == IN_THE_PAPER
    assert list(dict.fromkeys(claim.where for claim in CLARK.claims)) == CONTENT["order"]
    assert len({claim.name for claim in CLARK.claims}) == len(CLARK.claims)


def test_every_claim_names_a_result_or_says_why_it_has_none() -> None:
    of_families = [*small_schema().results, *coreference.FAMILY.results, *importance.RESULTS]
    declared = {result.name for result in of_families} | {"uas"}  # which probes give, and no family
    entries = [*CONTENT["claims"], *CONTENT["relations"], *CONTENT["further"]]
    for claim in CLARK.claims:
        assert claim.result in declared or (not claim.result and NAMED[claim.name].get("why")), claim.name
    assert len(NAMED) == len(entries)


NAMED = {
    **{f"{entry['where']}: {entry['what']}": entry for entry in CONTENT["claims"]},
    **{f"Table 1: {entry['relation']}": entry for entry in CONTENT["relations"]},
    **{f"Notebook: {entry['relation']}": entry for entry in CONTENT["further"]},
}


def test_heads_are_written_from_0_and_as_the_paper_has_them(rows: dict[str, Row]) -> None:
    assert rows["Figure 1: a head to the next piece"].claim.published == "layer 2 head 0 (3-1)"
    row = rows["Table 1: dobj"].claim
    assert row.published == "86.8% (layer 7 head 9, 8-10 in the paper), offset −2: 40.0%"
    assert rows["Table 1: pobj"].claim.published.startswith("76.3% (layer 8 head 5, 9-6 in the paper, on dependent)")
    slip = rows["Table 1: auxpass"].claim
    assert slip.published.startswith("82.5%") and slip.released.startswith("94.1%")


def test_lines_of_layers_are_those_of_the_run(data: xr.Dataset, rows: dict[str, Row]) -> None:
    expected = data["special_attention_by_layer"].sel(special="separator").values
    assert rows["Figure 2: attention to [SEP]"].numbers == tuple(expected)
    assert rows["Section 3: attention to [SEP] in layers 5 to 9"].numbers[0] == pytest.approx(expected[5:10].mean())
    assert rows["Figure 4: entropy of attention from all pieces"].numbers == tuple(data["entropy_all_by_layer"].values)
    assert published_layers(data)["special_attention", "separator"][4] == 0.49


def test_heads_are_counted_and_named(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["neighbour_attention"][...] = 0.1
    for layer, head, share in ((1, 2, 0.6), (3, 0, 0.7), (3, 1, 0.5)):
        changed["neighbour_attention"].loc[{"layer": layer, "head": head, "neighbour": "next"}] = share
    rows = {row.claim.name: row for row in compare(CLARK, changed)}
    counted = rows["Section 3: heads that give the next piece more than half"]
    assert (counted.numbers, counted.text) == ((2,), "2 (in layers 1, 3)")
    assert rows["Figure 1: a head to the next piece"].numbers == (3, 0)
    assert rows["Figure 2: heads that give the next piece most"].numbers == (0.1, 0.6, 0.1, 0.1)
    changed["neighbour_attention"].loc[{"layer": [0, 3, 9, 11], "neighbour": "next"}] = 0.6
    many = {row.claim.name: row for row in compare(CLARK, changed)}
    assert many["Section 3: heads that give the next piece more than half"].text == (
        f"{4 * data.sizes['head'] + 1} (in 5 layers)"
    )


def test_a_run_without_separators_has_no_line_of_them(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["special_attention_by_layer"].loc[{"special": "separator"}] = 0
    row = next(row for row in compare(CLARK, changed) if row.claim.name == "Figure 2: attention to [SEP]")
    assert (row.given, row.text) == (False, "0 in every layer of this run")


def test_of_many_heads_the_layers_are_counted(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["neighbour_attention"].loc[{"neighbour": "next"}] = 0.1
    changed["neighbour_attention"].loc[{"neighbour": "next", "layer": slice(2, 6)}] = 0.6
    rows = {row.claim.name: row for row in compare(CLARK, changed)}
    counted = rows["Section 3: heads that give the next piece more than half"]
    assert (counted.numbers, counted.text) == ((15,), "15 (in 5 layers)"), "3 heads of 5 layers"


def test_a_text_without_separators_says_so_once_for_all_layers(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["special_attention_by_layer"].loc[{"special": "separator"}] = 0
    row = {row.claim.name: row for row in compare(CLARK, changed)}["Figure 2: attention to [SEP]"]
    assert (row.given, row.text) == (False, "0 in every layer of this run")


def test_a_relation_is_found_under_the_name_and_the_rule_that_the_run_has(
    data: xr.Dataset, rows: dict[str, Row]
) -> None:
    def numbers(rule: str, rel: str) -> tuple[float, ...]:
        found = data["relation_accuracy"].sel(rule=rule, rel=rel).values
        offsets = data["relation_offset_accuracy"].sel(rule=rule, rel=rel)
        layer, head = np.unravel_index(found.argmax(), found.shape)
        offset = int(offsets["word_offset"].values[offsets.values.argmax()])
        return found.max(), float(offsets.max()), offset, int(layer), int(head)

    assert rows["Table 1: det"].numbers == numbers("row", "det")
    assert rows["Table 1: dobj"].numbers == numbers("row", "obj")
    assert rows["Table 1: dobj"].text.startswith("obj: ")
    assert rows["Table 1: pobj"].numbers == numbers("row", "case")
    assert rows["Table 1: pobj"].text.startswith("case: ")
    assert rows["Table 1: prt"].numbers == numbers("row", "compound:prt")
    assert rows["Notebook: punct"].numbers == (int(data["relation_edges"].sel(rel="punct")),)
    assert not rows["Table 1: prep"].given and "no edge from an adposition" in rows["Table 1: prep"].text
    assert rows["Table 1: ccomp"].text == "this run has no ccomp"
    own = with_relations(dataset(2, 2, rel=("pobj", "case", "_"), causal=False))
    found = {row.claim.name: row for row in compare(CLARK, own)}["Table 1: pobj"]
    assert found.numbers[0] == own["relation_accuracy"].sel(rule="column", rel="pobj").values.max()
    assert published_of(own).keys() == {"pobj"}


def test_all_pools_the_offsets_of_every_relation(data: xr.Dataset, rows: dict[str, Row]) -> None:
    edges = data["relation_edges_attainable"].sel(rule="row").values
    offsets = data["relation_offset_accuracy"].sel(rule="row").values
    pooled = sum(n * offsets[rel] for rel, n in enumerate(edges) if n) / edges.sum()
    accuracy, share, offset, layer, head = rows["Table 1: All"].numbers
    assert share == pytest.approx(pooled.max())
    assert offset == data["word_offset"].values[pooled.argmax()]
    assert accuracy == data["relation_accuracy_all"].sel(rule="row", layer=layer, head=head)


def test_coreference_is_that_of_the_head_best_over_all(data: xr.Dataset, rows: dict[str, Row]) -> None:
    table = data["coreference_accuracy"].sel(candidates="mentions")
    layer, head = np.unravel_index(table.sel(mention_class="all").values.argmax(), (12, 3))
    expected = table.isel(layer=layer, head=head).sel(mention_class=["all", "pronoun", "proper", "nominal"]).values
    assert rows["Table 2: the best head"].numbers == tuple(expected)
    sieves = data["coreference_heuristic"].sel(heuristic="sieves")
    assert rows["Table 2: rules (four sieves)"].numbers[1] == float(sieves.sel(mention_class="pronoun"))
    frame = coreference_frame(data)
    assert set(frame["mention_class"]) == set(CLASSES) - {"other"} and {"nearest", "chance"} <= set(frame)


def test_importance_is_compared_before_and_after(data: xr.Dataset) -> None:
    values = np.ones((12, 3, 4, 3))
    values[4:, :, 1, 0] = 0.25
    dims, names = ("layer", "head", "special", "kind"), {"kind": list(importance.KINDS)}
    measured = data.assign_coords(names).assign(importance=(dims, values))
    row = {row.claim.where: row for row in compare(CLARK, measured)}["Figure 3"]
    assert row.numbers == (0.25,)


def test_probes_of_the_run_stand_beside_the_papers(data: xr.Dataset, tmp_path: Path) -> None:
    assert with_probes(data, locate(tmp_path)) is data
    names = ["right_branching", "attention", "attention_and_words_random"]
    tables = {
        "uas": ("probe", [0.3, 0.6, 0.2]),
        "best_offset": ((), 1),
        "weight": (("probe", "layer"), np.ones((3, 2))),
        **dict.fromkeys(("train_words", "test_words", "train_sentences"), ((), 9)),
    }
    about = dict.fromkeys(("model", "treebank", "test", "word_vectors"), "made up")
    coords = {"probe": np.array(names, object), "layer": [5, 6]}
    save(xr.Dataset(tables, coords, about), locate(tmp_path) / "probe.zarr")
    probed = with_probes(data, locate(tmp_path))
    assert set(probed.data_vars) - set(data.data_vars) == {"uas"} and probed.sizes["layer"] == 12
    rows = {row.claim.name: row for row in compare(CLARK, probed)}
    assert rows["Table 3: attention only"].numbers == (0.6,)
    assert rows["Table 3: randomly initialised BERT, attention and word vectors"].numbers == (0.2,)
    assert not rows["Table 3: distances and word vectors"].given


def test_what_a_run_cannot_answer_is_said() -> None:
    shallow = {row.claim.name: row for row in compare(CLARK, dataset(4, 3))}
    assert (
        shallow["Section 3: attention to [SEP] in layers 5 to 9"].text == "the paper's model has 12 layers, this run 4"
    )
    assert shallow["Table 3: structural probe (Hewitt and Manning)"].text.startswith("undirected")
    assert published_layers(dataset(4, 3)) == {}
    assert [row.claim.name for row in compare(CLARK, made_up()) if row.given] == []
    nothing = dataset(12, 2)
    nothing = nothing.assign({name: table * np.nan for name, table in nothing.data_vars.items()})
    assert [row.claim.name for row in compare(CLARK, nothing) if row.given] == []


# ---- relations of a run


def test_a_relation_has_the_rule_that_finds_most_edges(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    at = {"rel": "det", "layer": 5, "head": 1}
    for rule, accuracy in (("row", 0.4), ("column", 0.7), ("parent_row", 0.99)):  # of all, half, a quarter of the edges
        changed["relation_accuracy"].loc[{"rel": "det", "rule": rule}] = 0.1
        changed["relation_accuracy"].loc[{"rule": rule, **at}] = accuracy
    (det,) = [one for one in relations(changed) if one.rel == "det"]
    assert (det.rule, det.layer, det.head, det.accuracy) == ("row", 5, 1, 0.4)
    assert det.hits == pytest.approx(0.4 * det.edges)
    assert [one.edges for one in relations(changed)] == sorted((one.edges for one in relations(changed)), reverse=True)
    assert Relations(changed).find("row", "root") is None and relations(made_up()) == []
    frame = relation_frame(changed)
    assert list(frame.loc[frame["rel"] == "det", "accuracy"]) == [0.4, 0.7, 0.99]


def test_sentences_are_kept_of_answers_and_of_the_heads_that_show_a_behaviour(data: xr.Dataset) -> None:
    frame = exemplars(data, k=3)
    place = np.unravel_index(data["neighbour_attention"].sel(neighbour="next").values.argmax(), (12, 3))
    of_best = (frame["layer"] == place[0]) & (frame["head"] == place[1])
    frame.loc[of_best & (frame["rank"] == 1), "claim"] = "next"
    frame.loc[~of_best & (frame["rank"] == 1), "claim"] = "next"
    frame.loc[frame["rank"] == 2, "claim"] = "pos_to:NOUN"
    frame.loc[(frame["rank"] == 3) & (frame["layer"] == 0), "claim"] = "relation:obj:miss"
    found = asked_for(data, frame)
    assert sorted(found["claim"]) == ["next", *["relation:obj:miss"] * 3]
    assert set(found.loc[found["claim"] == "next", "layer"]) == {place[0]}
