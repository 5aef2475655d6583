"""A schema: what a run's labels and links make of it, and the names that they may have."""

import json

import pytest

from attnmetrics.errors import ConfigError
from attnmetrics.metrics.schema import SPECIAL, Schema, declare

NAMES = {"pos": ("NOUN", "_"), "rel": ("nsubj", "_"), "special": SPECIAL}


def test_a_label_and_a_link_of_the_users_bring_their_sums_and_results():
    labels, links = declare({"animacy": "word.misc.Animacy"}, {"same_lemma": "python:mine:same_lemma"})
    schema = Schema((0,), 2, labels, links, {**NAMES, "animacy": ("human", "none", "_")})
    results = {result.name: result.dims for result in schema.with_twins()}
    assert results["animacy_to"] == results["animacy_from"] == ("layer", "head", "animacy")
    assert results["animacy_to_uniform"] == ("animacy",)
    assert results["animacy_to_by_layer"] == ("layer", "animacy")
    for suffix in ("alignment", "expected", "excess", "attention"):
        assert results[f"same_lemma_{suffix}"] == ("layer", "head")
        assert results[f"same_lemma_{suffix}_by_layer"] == ("layer",)
    for suffix in ("baseline", "alignment_uniform", "attention_uniform", "rows"):
        assert results[f"same_lemma_{suffix}"] == ()
    assert results["same_lemma_at_offset"] == ("offset",)
    assert schema.shapes["received_by_animacy"] == (1, 2, 3)
    assert schema.groups == {"dependency": slice(0, 2), "repeat": slice(2, 3), "induction": slice(3, 4),
                             "same_lemma": slice(4, 5)}  # fmt: skip


def test_a_schema_is_the_same_after_it_was_written_down():
    labels, links = declare({"animacy": "word.misc.Animacy"}, {})
    schema = Schema((0, 2), 2, labels, links, {**NAMES, "animacy": ("none", "_")})
    again = Schema.from_plain(json.loads(json.dumps(schema.plain())))
    assert again.digest == schema.digest
    assert again.shapes == schema.shapes
    assert again.coordinates == schema.coordinates


@pytest.mark.parametrize(
    ("labels", "links", "message"),
    [
        ({"pos": "word.xpos"}, {}, "expected a label with a name of its own, found 'pos'"),
        ({"dependency_type": "word.xpos"}, {}, "found 'dependency_type'"),
        ({"layer": "word.xpos"}, {}, "found 'layer'"),
        ({"distance": "word.xpos"}, {}, "found 'distance'"),
        ({}, {"attention": "word.head"}, "found 'attention', and 'attention_at_offset' is the name"),
        ({}, {"dependency": "word.head"}, "found 'dependency'"),
        ({"same": "word.xpos"}, {"same": "word.head"}, "expected a link with a name of its own, found 'same'"),
        ({"Animacy": "word.xpos"}, {}, "of letters a-z, digits and _, a letter first, .* found 'Animacy'"),
        ({"a b": "word.xpos"}, {}, "found 'a b'"),
        ({"<b>": "word.xpos"}, {}, "found '<b>'"),
        ({}, {"x" * 41: "word.head"}, "at most 40 characters"),
    ],
)
def test_names_that_are_taken_or_are_none_are_refused(labels, links, message):
    with pytest.raises(ConfigError, match=message):
        declare(labels, links)
