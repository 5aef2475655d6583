"""The importance of attention against autograd over attention that is retained, in float64, one unit at a time."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import reference_gradients as reference
import torch
from gold import corpus, read_gold_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from models import FAMILIES, TEXTS, Family, save_model
from numpy.typing import NDArray
from shards import annotate, read
from torch import Tensor

from attnmetrics.errors import ModelError
from attnmetrics.measuring import importance
from attnmetrics.measuring.importance import measure_importance
from attnmetrics.measuring.predicting import Predicting, Targets, set_targets
from attnmetrics.metrics.importance import Layout, compute
from attnmetrics.metrics.reference.importance import Importance
from attnmetrics.metrics.schema import SPECIAL
from attnmetrics.model.gradients import Gradients, differentiate
from attnmetrics.model.language import LanguageModel, load_language_model, load_with_head, read_logits
from attnmetrics.model.load import load_model
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.pieces.attends import Attends
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.sampling import sample_hash
from attnmetrics.statistics.states import State

MASKED = Predicting("mask", "mean", 0)
SHORT = ("Stop!", "Nobody knew, nobody.", "A")

Loader = Callable[..., LanguageModel]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    """A small model with its head, in float64, once a family."""

    @cache
    def load(family: Family, layers: tuple[int, ...] | None = None) -> LanguageModel:
        folder = tmp_path_factory.mktemp("models") / family
        model = load_language_model(load_model(str(save_model(folder, family, sharp=True, layers=2)), layers=layers))
        model.network.double()
        return model

    return load


def layout_of(model: LanguageModel) -> Layout:
    return Layout(model.model.layers, model.model.heads, "test")


def measured(units: Units, model: LanguageModel, how: Predicting = MASKED, pieces: int | None = None) -> State:
    rows = np.arange(len(units))
    return measure_importance(units, rows, model, how, layout_of(model), pieces)


def of_unit(parts: NDArray[np.int64], units: Units, row: int) -> list[int]:
    begin, end = units.pieces.offsets[row : row + 2]
    return parts[begin:end].tolist()


def referred(units: Units, model: LanguageModel, targets: Targets, only: slice = slice(None)) -> dict[str, NDArray]:
    """What the twin says of autograd's gradients; `only` names the measured layers."""
    network = load_with_head(model.model).double()
    found: Importance | None = None
    for row in range(len(units)):
        ids, target = of_unit(targets.ids, units, row), of_unit(targets.target, units, row)
        predicted = [place for place, piece in enumerate(target) if piece >= 0]
        kinds = [SPECIAL[kind] for kind in of_unit(units.labels["special"], units, row)]
        segments = None if units.segments is None else of_unit(units.segments, units, row)
        one = reference.differentiate(network, ids, target if predicted else ids, model.model.causal, segments)
        found = found or Importance(*one.alpha.shape[:2], model.model.causal, SPECIAL)
        found.add(one.alpha, one.gradient, one.value, kinds, predicted, one.loss)
    assert found is not None
    results = found.results()
    return {name: table[only] if table.ndim else table for name, table in results.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_all_kinds_of_all_heads_are_those_of_retained_attention(
    load: Loader, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importance, "TILE_PAIRS", 50)  # longer units are split into tiles of some rows
    model = load(family)
    units = read(annotate(SHORT), model.model)
    assert max(units.pieces.lengths) ** 2 > 50
    expected = referred(units, model, set_targets(units, np.arange(len(units)), model, MASKED))
    found = compute(measured(units, model, pieces=20).sums)
    assert found.keys() == expected.keys()
    for name, table in expected.items():
        np.testing.assert_allclose(found[name], table, rtol=1e-9, atol=1e-15, err_msg=name)
    assert np.nanmax(expected["importance"]) > 1e-4
    assert (found["importance_units_without_loss"] > 0) == (family == "gpt2")  # of one piece, nothing to predict


def test_pairs_are_read_with_their_segments(load: Loader) -> None:
    model = load("bert")
    units = read_gold_pairs(corpus(TEXTS[:4]), model.model, 40, "tokenizer")
    assert set(units.segments.tolist()) == {0, 1}
    expected = referred(units, model, set_targets(units, np.arange(len(units)), model, MASKED))
    found = compute(measured(units, model).sums)
    for name, table in expected.items():
        np.testing.assert_allclose(found[name], table, rtol=1e-9, atol=1e-15, err_msg=name)
    apart = compute(measured(replace(units, segments=None), model).sums)
    assert not np.allclose(apart["importance"], found["importance"], rtol=1e-3)


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_a_layer_alone_has_the_same_numbers(load: Loader, family: Family) -> None:
    every, units = load(family), read(annotate(SHORT), load(family).model)
    for layer in (0, 1):
        alone = load(family, (layer,))
        found, expected = measured(units, alone), measured(units, every)
        for name in ("gradient_sum", "pairs", "value_norm_sum"):
            np.testing.assert_allclose(found[name][0], expected[name][layer], rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_neither_batches_nor_threads_matter(load: Loader, family: Family) -> None:
    model = load(family)
    units = read(annotate(TEXTS[:8]), model.model)
    alone, few, many = (measured(units, model, pieces=pieces) for pieces in (1, 40, 1000))
    np.testing.assert_allclose(alone.pack(), many.pack(), rtol=1e-10)
    threaded = measured(units, replace(model, model=replace(model.model, threads=3)), pieces=40)
    np.testing.assert_array_equal(threaded.pack(), few.pack())


def test_float32_is_near(load: Loader) -> None:
    exact = load("gpt2")
    units = read(annotate(TEXTS[:4]), exact.model)
    found = compute(measured(units, load_language_model(load_model(exact.model.name))).sums)
    for name, table in compute(measured(units, exact).sums).items():
        np.testing.assert_allclose(found[name], table, rtol=1e-4, err_msg=name)


# ---- the gradient itself


def gradients(model: LanguageModel, ids: list[int], target: list[int]) -> dict[int, Gradients]:
    """Of one unit, by layer."""
    (batch,) = model.model.layout.pack(np.array([len(ids)]), np.ones(1, np.bool_), 100, 1 << 16)
    seen: dict[int, Gradients] = {}

    def see(layer: int, tile: Tile, found: Gradients) -> None:
        seen[layer] = found

    predicted = [place for place, piece in enumerate(target) if piece >= 0]

    def loss(logits: Tensor) -> Tensor:
        likelihoods = torch.log_softmax(logits, -1)[predicted, [target[place] for place in predicted]]
        return -likelihoods.mean()

    differentiate(model, torch.tensor(ids), batch, loss, see)
    return seen


def one_unit(model: LanguageModel) -> tuple[list[int], list[int]]:
    units = read(annotate((SHORT[1],)), model.model)
    targets = set_targets(units, np.array([0]), model, MASKED)
    return targets.ids.tolist(), targets.target.tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_alpha_times_the_centred_gradient_is_that_of_the_score(load: Loader, family: Family) -> None:
    model = load(family)
    ids, target = one_unit(model)
    expected = reference.differentiate(load_with_head(model.model).double(), ids, target, model.model.causal)
    for layer, found in gradients(model, ids, target).items():
        weighted = (found.weights * found.centred)[0].numpy()
        np.testing.assert_allclose(weighted, expected.to_scores[layer], atol=1e-14)
        np.testing.assert_allclose(weighted.sum(-1), 0, atol=1e-14)
        assert np.abs(weighted).max() > 1e-4


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_the_loss_moves_with_a_weight_as_its_gradient_says(load: Loader, family: Family) -> None:
    model = load(family)
    ids, target = one_unit(model)
    found = gradients(model, ids, target)
    network = load_with_head(model.model).double()
    network.set_attn_implementation(reference.NAME)
    places = [(0, 0, 2, 1), (0, 3, 3, 0), (1, 1, target.index(max(target)), 1)]

    def moved(place: tuple[int, int, int, int], step: float) -> float:
        def shift(layer: int, alpha: Tensor) -> Tensor:
            change = torch.zeros_like(alpha)
            change[0, *place[1:]] = step * (layer == place[0])
            return alpha + change

        with torch.no_grad():
            return float(reference.loss_of(network, ids, target, reference.Kept(model.model.causal, shift)))

    for place in places:
        slope = (moved(place, 1e-5) - moved(place, -1e-5)) / 2e-5
        layer, head, i, j = place
        assert slope == pytest.approx(float(found[layer].raw[0, head, i, j]), rel=1e-6, abs=1e-10)
        assert slope != 0


@settings(max_examples=5)
@given(st.integers(0, 10**6))
def test_a_constant_moved_from_the_values_to_the_output_changes_raw_gradients_alone(load: Loader, seed: int) -> None:
    model = load("bert")
    units = read(annotate((SHORT[1],)), model.model)
    before = compute(measured(units, model).sums)["importance"]
    moved_by = torch.randn(48, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    attention = model.network.base_model.encoder.layer[0].attention
    value, output = attention.self.value.bias, attention.output.dense
    with torch.no_grad():
        value += moved_by
        output.bias -= output.weight @ moved_by
    try:
        after = compute(measured(units, model).sums)
    finally:
        with torch.no_grad():
            value -= moved_by
            output.bias += output.weight @ moved_by
    raw, centred = (np.abs(after["importance"] / before - 1)[0, ..., kind] for kind in (0, 1))
    assert np.nanmax(centred) < 1e-9
    assert np.nanmax(raw) > 1e-3


# ---- what is predicted


def test_of_a_masked_model_the_pieces_of_smallest_hashes_are_hidden(load: Loader) -> None:
    model = load("bert")
    units = read(annotate(TEXTS[:8]), model.model)
    targets = set_targets(units, np.arange(8), model, Predicting("mask", "mean", 7))
    for row in range(8):
        given, target = of_unit(targets.ids, units, row), of_unit(targets.target, units, row)
        ids = of_unit(units.pieces.ids, units, row)
        text = range(1, len(ids) - 1)
        by_hash = sorted(text, key=lambda i: sample_hash(7, units.document[row], int(units.number[row]), i))
        hidden = set(by_hash[: -(-15 * len(text) // 100)])
        assert target == [piece if i in hidden else -1 for i, piece in enumerate(ids)]
        assert given == [4 if i in hidden else piece for i, piece in enumerate(ids)]


def test_as_in_berts_training_some_are_hidden_by_any_piece_and_some_are_not(load: Loader) -> None:
    model = load("bert")
    units = read(annotate(TEXTS * 6), model.model)
    rows = np.arange(len(units))
    masked, mixed = (set_targets(units, rows, model, Predicting(kind, "mean", 0)) for kind in ("mask", "bert"))
    np.testing.assert_array_equal(masked.target, mixed.target)
    hidden = masked.target >= 0
    np.testing.assert_array_equal(mixed.ids[~hidden], units.pieces.ids[~hidden])
    shares = [(mixed.ids[hidden] == 4).mean(), (mixed.ids[hidden] == masked.target[hidden]).mean()]
    np.testing.assert_allclose(shares, [0.8, 0.1], atol=0.05)
    nothing = set_targets(units, rows, model, Predicting("none", "mean", 0))
    np.testing.assert_array_equal(nothing.ids, units.pieces.ids)
    np.testing.assert_array_equal(nothing.target >= 0, units.pieces.in_text)


def test_a_sum_of_losses_is_their_mean_times_their_number(load: Loader) -> None:
    model = load("gpt2")
    units = read(annotate((SHORT[1],)), model.model)
    mean, total = (measured(units, model, Predicting(None, loss, 0)) for loss in ("mean", "sum"))
    np.testing.assert_allclose(total["gradient_sum"], mean["gradient_sum"] * mean["predicted"], rtol=1e-10)
    np.testing.assert_allclose(total["loss"], mean["loss"] * mean["predicted"], rtol=1e-10)


def test_only_the_chosen_units_count(load: Loader) -> None:
    model = load("gpt2")
    every = read(annotate(TEXTS[:4]), model.model)
    some = measure_importance(every, np.array([1, 3]), model, MASKED, layout_of(model))
    parts = [measure_importance(every, np.array([row]), model, MASKED, layout_of(model)) for row in (1, 3)]
    np.testing.assert_allclose(some.pack(), parts[0].merge(parts[1]).pack(), rtol=1e-10)
    assert not measure_importance(every, np.zeros(0, np.int64), model, MASKED, layout_of(model)).pack().any()


# ---- what is refused


def test_damaged_weights_are_refused(load: Loader) -> None:
    model = load_language_model(load_model(load("gpt2").model.name))
    with torch.no_grad():
        model.network.transformer.ln_f.bias += torch.nan
    with pytest.raises(ModelError, match="expected finite gradients, found others, first in layer 0"):
        measured(read(annotate(SHORT), model.model), model)


def test_a_model_without_its_head_is_refused(load: Loader, tmp_path: Path) -> None:
    bert = load("bert").model
    network = load_with_head(bert).base_model
    network.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((Path(bert.name) / name).read_bytes())
    with pytest.raises(ModelError, match=r"weights of a language-model head .*cls\.predictions"):
        load_language_model(load_model(str(tmp_path)))
    with pytest.raises(ModelError, match="none that transformers has for gpt2"):
        load_with_head(replace(load("gpt2").model, attends=Attends(False, 0, 0)))


def test_a_head_that_predicts_otherwise_is_refused(load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmetrics.model.language.read_logits", lambda *given: read_logits(*given) * 1.01)
    with pytest.raises(ModelError, match="differs from that of eager attention"):
        load_language_model(load_model(load("gpt2").model.name))


def test_a_loss_that_attention_has_no_part_in_is_refused(load: Loader) -> None:
    model = load("gpt2")
    batch = Batch(np.array([0]), np.array([0, 2]), (Tile(0, 1, 0, 2, 0, 2, True),))
    with pytest.raises(ModelError, match=r"to depend on attention in every layer, found none .* in layer 0"):
        differentiate(model, torch.tensor([1, 2]), batch, lambda logits: logits.detach().sum(), lambda *_: None)


def test_a_tokenizer_without_a_mask_is_refused(load: Loader) -> None:
    with pytest.raises(ModelError, match=r"expected a mask .* --mlm none"):
        replace(load("bert"), mask=None).require_mask()
