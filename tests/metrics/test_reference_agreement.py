"""Every metric of every head, measured in float32, against a reference that is float64 from the weights on.

The reference takes nothing from the package but the definitions: its own tokenising, forward pass, alignment and sums.
Run with `-s` to see the largest error of each metric, as a share of what is allowed.
"""

import json
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from agreement import (
    SHARP,
    WEIGHT,
    check_answers,
    check_claims,
    check_exemplars,
    check_relations,
    check_tokens,
    check_typical,
    entropy_ratio,
    measured,
    referred,
    worst_ratios,
)
from gold import corpus, label, new_reference, new_schema
from models import FAMILIES, TEXTS, save_model
from reference_forward import attention_float64
from transformers import AutoModel

from attnmetrics.assets import CORPORA, MODELS
from attnmetrics.metrics.claims import Claims
from attnmetrics.metrics.reference.sentence import Sentence
from attnmetrics.metrics.reference.twins import TWINS

SHARE_TABLES = ("pos_to", "pos_from", "dependency_type_to", "special_to", "animacy_to", "attention_at_offset")


def check(folder: Path, texts: Sequence[str], null: str | None = None, rounding: float = WEIGHT) -> None:
    sentences = corpus(texts)
    found, exemplars, claims, typical, tokens = measured(folder, sentences, null)
    expected, maps = referred(folder, sentences, null)
    assert check_typical(typical, expected, maps) >= 20 * expected.model.layers * expected.model.heads
    assert check_tokens(tokens, expected) > 100
    ratios = worst_ratios(found, expected)
    weight = check_exemplars(exemplars, expected, maps)
    names = Claims(new_schema(expected.model.layers, expected.model.heads))
    of_claims, number = check_claims(claims, names, expected, maps, rounding)
    assert number > 100
    assert check_relations(claims, names, expected, maps, rounding) > 100
    assert check_answers(claims, names.first_of_coreference, "coreference", expected.antecedents, maps, rounding) > 20
    assert of_claims <= rounding
    order = sorted(ratios, key=ratios.__getitem__, reverse=True)
    print(f"\n{folder.name}, null {null}: exemplar weights {weight:.1e}, of claims {of_claims:.1e};", end=" ")
    print(", ".join(f"{name} {ratios[name]:.3f}" for name in order if ratios[name] > 1e-3))
    assert max(ratios.values()) <= 1, {name: ratio for name, ratio in ratios.items() if ratio > 1}
    assert weight <= WEIGHT
    for table in chain.from_iterable((name, f"{name}_by_layer") for name in SHARE_TABLES):
        np.testing.assert_allclose(found[table].to_numpy().sum(axis=-1), 1, rtol=0, atol=1e-9)
    assert found["sentences_cut"] == expected.results()["sentences_cut"] > 0


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], Path]:
    made: dict[tuple[str, bool], Path] = {}

    def make(family: str, sharp: bool) -> Path:
        if (family, sharp) not in made:
            folder = tmp_path_factory.mktemp("models") / f"{family}{'-sharp' * sharp}"
            made[family, sharp] = save_model(folder, family, sharp=sharp)
        return made[family, sharp]

    return make


LONG = " ".join(f"and piece {number}," for number in range(40))
RANDOM_TEXTS = (*TEXTS, LONG)


@pytest.mark.parametrize("sharp", [False, True], ids=["soft", "sharp"])
@pytest.mark.parametrize("family", FAMILIES)
def test_random_models_agree_with_the_reference(family, sharp, models):
    folder = models(family, sharp)
    largest = attention_float64(folder, TEXTS[0]).alpha.max(axis=-1).mean()
    assert (largest > 0.6) == sharp
    check(folder, RANDOM_TEXTS, rounding=SHARP if sharp else WEIGHT)


@pytest.mark.parametrize(
    ("family", "null"),
    [("gpt2", "none"), ("gpt2", "special"), ("bert", "first"), ("bert", "none"), ("llama", "special")],
)
def test_other_null_tokens_agree_with_the_reference(family, null, models):
    check(models(family, False), RANDOM_TEXTS, null)


def test_the_trained_model_agrees_with_the_reference():
    articles = [json.loads(line)["text"] for line in CORPORA["demo"].read_text(encoding="utf-8").splitlines()]
    texts = [f"{sentence}." for article in articles[:3] for sentence in article.split(". ")[:3]]
    check(MODELS["demo"], (*texts, LONG * 3))


@pytest.mark.parametrize(("family", "tolerance"), [("gpt2", 1e-12), ("bert", 1e-12), ("llama", 1e-6)])
def test_the_forward_pass_is_that_of_transformers(family, tolerance, models):
    folder = models(family, False)
    network = AutoModel.from_pretrained(folder, attn_implementation="eager").double().eval()
    for text in TEXTS:
        attention = attention_float64(folder, text)
        with torch.inference_mode():
            theirs = network(input_ids=torch.tensor([attention.ids]), output_attentions=True).attentions
        np.testing.assert_allclose(attention.alpha, torch.cat(theirs).numpy(), rtol=0, atol=tolerance)


def test_every_family_has_a_twin_and_every_result_is_compared():
    schema = new_schema(1, 1)
    assert {family.name for family in schema.families} == set(TWINS)
    assert set(new_reference(1, 1, causal=True).results()) == {result.name for result in schema.with_twins()}


@pytest.mark.parametrize("kept", [False, True])
def test_a_row_near_the_entropy_cut_may_fall_either_way(kept):
    expected = new_reference(1, 1, causal=True)
    alpha = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.9 - 1e-9, 0.05, 0.05 + 1e-9, 0], [0.2, 0.3, 0.3, 0.2]])
    spans = ((0, 0),) * 4
    first = frozenset({0})
    expected.add(
        label(Sentence("", (), spans, range(4), frozenset(), first, alpha[None, None], np.zeros((1, 1, 4, 1))))
    )
    found = xr.Dataset({name: (("layer", "head"), expected.results()[name]) for name in ("entropy", "entropy_rows")})
    if not kept:
        other = -(0.75 * np.log(0.375) + 0.25 * np.log(0.25)) / 2
        found = found.assign(entropy=(("layer", "head"), [[other]]), entropy_rows=(("layer", "head"), [[2]]))
    assert entropy_ratio(found, expected, 0, [0], "") < 1e-6
    assert entropy_ratio(found.assign(entropy=found["entropy"] * 1.001), expected, 0, [0], "") > 1
