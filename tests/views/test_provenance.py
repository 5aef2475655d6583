"""Where a run's text, labels and model come from: what pages say against what ships and what run.json says."""

import json

from synthetic import facts

from attnmetrics.assets import ASSETS, CORPORA, MODELS, PIPELINES
from attnmetrics.views.provenance import provenance, shipped


def test_all_that_ships_is_declared_as_its_card_says() -> None:
    declared = shipped()
    assert {name: set(known) for name, known in declared.items()} == {
        "corpora": set(CORPORA), "models": set(MODELS), "pipelines": set(PIPELINES),
    }  # fmt: skip
    meta = json.loads((PIPELINES["en_ud_core"] / "meta.json").read_text(encoding="utf-8"))
    own = declared["pipelines"]["en_ud_core"]
    assert (own["version"], own["licence"]) == (meta["version"], meta["license"])
    assert own["words"] in meta["description"]
    cards = {"corpora": ASSETS / "corpus.README.md", "models": MODELS["demo"] / "README.md"}
    for kind, card in cards.items():
        assert declared[kind]["demo"]["licence"] in card.read_text(encoding="utf-8")


def test_what_ships_is_told_by_name_and_all_else_by_its_fingerprint() -> None:
    known = facts() | {
        "configuration": {"model": "demo"},
        "corpus": {"paths": ["demo"], "documents": 38, "digest": "82dc21d7bc4b76f4"},
        "annotator": {"name": "en_ud_core", "fingerprint": "spacy-abe3454388fac2ae"},
        "model": {"name": "demo", "class": "GPT2Model", "causal": True, "fingerprint": "0123456789abcdef"},
    }
    told = {what: words for what, *words in provenance(known)}
    assert told["text"][0] == "demo, short encyclopedic articles in English, written for attnmetrics (CC0 1.0)"
    assert told["text"][1].startswith("38 documents, copied from nowhere") and "82dc" not in told["text"][1]
    assert told["labels"][0] == "pipeline en_ud_core 1.0.0"
    assert told["labels"][1].startswith("trained on UD English EWT")
    assert told["model"][0] == "demo, reads left to right"
    assert told["model"][1].startswith("GPT2Model, fingerprint 0123456789ab, ")
    other = known | {
        "configuration": {"model": "/home/me/small"},
        "corpus": {"paths": ["/home/me/a.txt"], "documents": 1, "digest": "82dc21d7bc4b76f4"},
        "annotator": {"name": "/home/me/mine", "fingerprint": "spacy-abe3454388fac2ae"},
        "model": {"name": "/home/me/small", "class": "BertModel", "causal": False, "revision": "main"},
    }
    assert provenance(other) == [
        ("text", "a.txt", "1 document, digest 82dc21d7bc4b"),
        ("labels", "pipeline mine", "fingerprint abe3454388fa"),
        ("model", "small, reads both ways", "BertModel, revision main"),
        ("measured", "2026-11-27, attnmetrics 0.1.0", ""),
    ]
    assert provenance({"annotator": {"name": "CoNLL-U, head word"}}) == [("labels", "the corpus's own (CoNLL-U)", "")]
    assert provenance({}) == []
