"""Which exemplars answer a metric, and of which heads a page has them."""

import itertools
import json

import pandas as pd
import pytest
from synthetic import dataset, exemplars

from attnmetrics.views.atlas.page import contents
from attnmetrics.views.claims import SHOWN, claim_of, claims_of, leading
from attnmetrics.views.heads import per_head, ranked, standouts


@pytest.mark.parametrize(
    ("metric", "label", "claim"),
    [
        ("pos_to", "NOUN", "pos_to:NOUN"),
        ("special_attention", "separator", "special_to:separator"),
        ("dependency_excess", "either", "dependency:either"),
        ("repeat_attention", None, "repeat"),
        ("neighbour_attention", "next", "next"),
        ("attention_at_offset", "1", "previous"),
        ("attention_at_offset", "7", ""),
        ("second_sink", None, "second_sink"),
        ("second_sink_off_null", None, "second_sink"),
        ("relation_accuracy", "row, acl:relcl", "relation:acl:relcl:hit"),
    ],
)
def test_the_claim_of_a_metric(metric: str, label: str | None, claim: str) -> None:
    assert claim_of(metric, label) == claim


def test_a_page_has_answers_of_the_heads_that_it_leads_to() -> None:
    data = dataset(4, 3)
    strongest = exemplars(data, k=3)
    answers = strongest.assign(claim="pos_to:NOUN")
    frame = pd.concat([strongest, answers], ignore_index=True)
    table = per_head(data, "pos_to", {"pos": "NOUN"})
    assert table is not None
    best = {(layer, head) for layer, head, _ in ranked(table)[:SHOWN]}
    kept = frame[leading(data, frame, standouts(data))]
    assert set(kept["claim"]) == {"pos_to:NOUN"}
    assert {*zip(kept["layer"], kept["head"], strict=True)} == best
    page = contents(data, frame, pd.DataFrame(columns=["layer", "head", "claim", "bucket", "rank", "weight"]), {})
    claimed = json.loads(page["sentences"]["listed"].content)["claimed"]
    assert {(layer, head) for claim, layer, head, listed in claimed if len(listed) == 3} == best
    (metric,) = [one for one in page["metrics"] if one["name"] == "pos_to"]
    assert metric["claims"][metric["labels"].index("NOUN")] == "pos_to:NOUN"
    (role,) = [one for one in page["standouts"] if one["title"] == "to nouns"]
    assert role["claim"] == "pos_to:NOUN"


def test_a_page_has_answers_of_what_makes_roles_of_heads_that_lead_in_nothing() -> None:
    data = dataset(4, 3)
    frame = exemplars(data, k=3).assign(claim="second_sink")
    leaders = {*zip(*(frame[leading(data, frame, [])][name] for name in ("layer", "head")), strict=True)}
    (layer, head), *_ = sorted({*itertools.product(range(4), range(3))} - leaders)
    kept = frame[leading(data, frame, [], [("second_sink", layer, head), ("previous", 0, 0)])]
    assert {*zip(kept["layer"], kept["head"], strict=True)} == leaders | {(layer, head)}


def test_a_table_without_labels_has_one_claim() -> None:
    data = dataset(2, 2)
    assert claims_of(data["repeat_attention"]) == ["repeat"]
    assert claims_of(data["pos_to"]) == [f"pos_to:{pos}" for pos in data["pos"].values.tolist()]
