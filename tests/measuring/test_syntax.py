"""Syntax from planted attention whose answers are known, whole or in blocks, and from what a model attends to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from gold import POS, REL, Annotated, corpus, read_units
from models import FAMILIES, TEXTS, Family, save_model
from numpy.typing import NDArray

from attnmetrics.measuring.maps.families import MapSums
from attnmetrics.measuring.maps.syntax import Syntax
from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.shard import measure
from attnmetrics.measuring.words.largest import Largest
from attnmetrics.measuring.words.loops import find_in_columns
from attnmetrics.metrics.reference.sentence import Model as Shape
from attnmetrics.metrics.reference.sentence import Sentence, Word
from attnmetrics.metrics.reference.syntax import Syntax as Twin
from attnmetrics.metrics.syntax import WORD_OFFSETS
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.pack import TILE_PAIRS, pack
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.states import State

SOME = TEXTS[:6]
Alpha = list[NDArray[np.float64]]
"""By unit, [head, row, column]."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Model]:
    root = tmp_path_factory.mktemp("models")
    return {
        family: load_model(str(save_model(root / family, family, sharp=True)), layers=(0, 2)) for family in FAMILIES
    }


@dataclass
class Planted:
    """What a family needs of a model with attention of our own: one layer."""

    attends: object
    heads: int
    layers: tuple[int, ...] = (0,)
    device: str = "cpu"
    dtype: torch.dtype = torch.float32


def count(units: Units, model: Model, alpha: Alpha, tile_pairs: int = TILE_PAIRS) -> State:
    """The sums of planted attention."""
    schema = replace(units.schema, layers=(0,), heads=len(alpha[0]))
    family = Syntax(units, Planted(model.attends, schema.heads), MapSample(0, np.arange(len(units))))
    state = State.zero(schema)
    for batch in pack(units.pieces.lengths, np.ones(len(units), np.bool_), 200, tile_pairs, False):
        reader = family.read(batch)
        for tile in batch.tiles:
            rows = batch.rows[tile.sentence : tile.sentence + tile.count]
            end = tile.row + tile.rows
            columns = end if model.attends.causal else tile.length
            weights = np.stack([alpha[row][:, tile.row : end, :columns] for row in rows])
            reader.add(0, tile, torch.from_numpy(weights).float())
        add(state, reader.sums())
    return state


def add(state: State, sums: MapSums) -> None:
    for name, value in sums.items():
        state[name][...] += value


def results(state: State) -> dict[str, NDArray[np.float64]]:
    schema = state.layout
    grid = np.zeros((len(schema.layers), schema.heads))
    merged = {"deviation_sum": grid, "prefix_sum": grid, "variability_sentences": np.zeros(())}
    return schema.compute({**state.sums, **merged})


def plant(units: Units, maps: Sequence[Callable[[int, int, Word], float]], sentences: Sequence[Annotated]) -> Alpha:
    """α of a head for each map: A of two words, given their places in the sentence and the attending word."""
    words = [word for sentence in sentences for word in sentence.words]
    first = units.words.word_offsets[units.words.word_row]
    alpha = []
    for begin, end in pairwise(units.pieces.offsets):
        word = units.word[begin:end]
        weights = np.zeros((len(maps), len(word), len(word)))
        for i, j in np.ndindex(weights.shape[1:]):
            u, v = word[i], word[j]
            if u >= 0 and v >= 0 and first[u] == first[v]:
                share = [value(u - first[u], v - first[v], words[u]) for value in maps]
                weights[:, i, j] = share / (word == v).sum()
        alpha.append(weights)
    return alpha


def to_parent(_: int, v: int, word: Word) -> float:
    return float(v == word.head)


def at_offset(offset: int) -> Callable[[int, int, Word], float]:
    return lambda u, v, _: float(v - u == offset)


def transposed(alpha: Alpha) -> Alpha:
    return [weights.transpose(0, 2, 1) for weights in alpha]


@pytest.mark.parametrize("tile_pairs", [50, TILE_PAIRS])
@pytest.mark.parametrize("window", [None, 16])
def test_attention_along_the_tree_finds_every_parent(
    models: dict[Family, Model], window: int | None, tile_pairs: int
) -> None:
    sentences = corpus(SOME)
    units = read_units(sentences, models["bert"], window)
    alpha = plant(units, [to_parent], sentences)
    found = results(count(units, models["bert"], alpha, tile_pairs))
    edges = found["relation_edges"] > 0
    assert edges.sum() > 9
    np.testing.assert_array_equal(found["relation_accuracy"][0, 0, 0, edges], 1)
    assert found["parse_accuracy"][0, 0, 0] == 1
    turned = results(count(units, models["bert"], transposed(alpha), tile_pairs))
    np.testing.assert_array_equal(turned["relation_accuracy"][0, 0, 1, edges], 1)
    every = sum(word.head >= 0 for sentence in sentences for word in sentence.words)
    assert found["relation_edges"].sum() + found["relation_unmeasured"].sum() == every
    assert (found["relation_unmeasured"].sum() > 10) == (window is not None)
    assert found["map_sentences"] == len(units)


def test_attention_to_a_word_offset_hits_what_stands_there(models: dict[Family, Model]) -> None:
    sentences = [replace(one, words=tuple(replace(word, rel="obj") for word in one.words)) for one in corpus(SOME)]
    for family in ("bert", "gpt2"):
        units = read_units(sentences, models[family])
        alpha = plant(units, [at_offset(offset) for offset in WORD_OFFSETS], sentences)
        if models[family].attends.causal:
            alpha = [np.tril(weights) for weights in alpha]
        found = results(count(units, models[family], alpha))
        by_offset = np.moveaxis(found["relation_offset_accuracy"][0], -1, 0)
        np.testing.assert_array_equal(found["relation_accuracy"][0, :, 0], by_offset)
        assert np.nanmax(by_offset) > 0.05
        best = found["relation_best_offset"][0]
        assert np.isfinite(best).any()
        np.testing.assert_array_equal(found["relation_best_accuracy"][0], found["relation_baseline"][0])
        places = found["relation_best_head"][0]
        np.testing.assert_array_equal(
            np.take(WORD_OFFSETS, places[np.isfinite(places)].astype(int)), best[np.isfinite(best)]
        )


def to_nearest(names: set[str], side: int) -> Callable[[int, int, Word], float]:
    """Attention to the nearest word of some tags, −1 before and 1 after, of words whose form is all tags in a row."""

    def weight(u: int, v: int, word: Word) -> float:
        tags = word.form.split()
        between = tags[min(u, v) + 1 : max(u, v)]
        return float((v - u) * side > 0 and tags[v] in names and names.isdisjoint(between))

    return weight


def tagged(sentence: Annotated) -> Annotated:
    """All relations the same, and the form of each word the tags of all."""
    tags = " ".join(word.pos for word in sentence.words)
    return replace(sentence, words=tuple(replace(word, rel="obj", form=tags) for word in sentence.words))


def test_attention_to_the_nearest_word_of_a_class_hits_what_that_class_finds(models: dict[Family, Model]) -> None:
    sentences = [tagged(one) for one in corpus(TEXTS)]
    classes = [*({name} for name in POS), {"NOUN", "PRON", "PROPN", "NUM"}]
    classes.append({"NOUN", "PROPN", "NUM", "VERB", "ADJ", "ADV"})
    tagless = POS.index("_")
    guesses = [to_nearest(names - {"_"}, side) for names in classes for side in (-1, 1)]
    for family in ("bert", "gpt2"):
        model = models[family]
        units = read_units(sentences, model)
        alpha = plant(units, guesses, sentences)
        if model.attends.causal:
            alpha = [np.tril(weights) for weights in alpha]
        found = results(count(units, model, alpha))
        obj = REL.index("obj")
        by_class = found["relation_class_accuracy"][:, obj].reshape(3, -1)
        # By the row of the dependent, and by that of its parent: who attends to the nearest hits what the nearest is.
        for rule in (0, 2):
            np.testing.assert_array_equal(found["relation_accuracy"][0, :, rule, obj], by_class[rule])
        assert (np.nanmax(by_class, axis=1) > 0.02).all()
        np.testing.assert_array_equal(found["relation_class_accuracy"][:, obj, tagless], 0)
        assert (found["relation_class_accuracy"][0, obj, -2:].max(-1) > 0.02).all()
        for rule in (0, 2):
            np.testing.assert_array_equal(
                found["relation_best_accuracy"][rule, obj], found["relation_class_baseline"][rule, obj]
            )


def test_even_rows_are_ties_and_empty_rows_hit_nothing(models: dict[Family, Model]) -> None:
    sentences = [one for one in corpus(()) if one.text == "Go on"]
    units = read_units(sentences * 2, models["bert"])
    alpha = plant(units, [lambda *_: 1.0, lambda *_: 0.0], sentences * 2)
    found = results(count(units, models["bert"], alpha))
    case = REL.index("case")
    # Two words: the only other one is hit, and it is the only one.
    assert found["relation_accuracy"][0, :, 0, case].tolist() == [1, 0]
    assert found["near_ties"].sum() == 0
    three = [one for one in corpus(()) if one.text == "Don't!"]
    units = read_units(three, models["bert"])
    found = results(count(units, models["bert"], plant(units, [lambda *_: 1.0, lambda *_: 0.0], three)))
    # "n't" and "!" → "Do", the first of equals in the row of either; in that of "Do" the first one is "n't".
    np.testing.assert_array_equal(found["parse_accuracy"][0], [[1, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(found["relation_accuracy"][0, 0, :, REL.index("punct")], [1, 1, 0])
    np.testing.assert_array_equal(found["near_ties"][0], [[2, 2, 2], [0, 0, 0]])


def random_alpha(units: Units, causal: bool, heads: int = 3) -> Alpha:
    random = np.random.default_rng(0)
    alpha = []
    for length in units.pieces.lengths:
        weights = random.random((heads, length, length)) ** 6
        weights = np.tril(weights) if causal else weights
        weights /= weights.sum(-1, keepdims=True)
        alpha.append(weights.astype(np.float32).astype(np.float64))
    return alpha


@pytest.mark.parametrize("window", [None, 20])
@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_blocks_of_rows_count_the_same(models: dict[Family, Model], family: Family, window: int | None) -> None:
    model = models[family]
    units = read_units(corpus(SOME), model, window)
    alpha = random_alpha(units, model.attends.causal)
    whole, blocks = (count(units, model, alpha, tile_pairs) for tile_pairs in (TILE_PAIRS, 50))
    assert whole["relation_hits"].sum() > 20
    for name, value in whole.sums.items():
        np.testing.assert_array_equal(blocks[name], value, err_msg=name)


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_windows_are_counted_sentence_by_sentence(models: dict[Family, Model], family: Family) -> None:
    # The twin is shown each sentence's part of each window as if it were a sentence of its own.
    model, sentences = models[family], corpus(SOME)
    units = read_units(sentences, model, 20)
    alpha = random_alpha(units, model.attends.causal)
    twin = Twin(Shape(1, 3, model.attends.causal), REL, POS)
    for unit, (begin, end) in enumerate(pairwise(units.pieces.offsets)):
        null = {int(j) for j in range(end - begin) if model.attends.is_null(np.array(j), end - begin)}
        word = units.word[begin:end]
        for own in np.unique(units.words.word_row[word[word >= 0]]):
            twin.add(part_of(sentences[own], units, word, own, alpha[unit], null))
    found, expected = results(count(units, model, alpha)), twin.results()
    for name in ("relation_accuracy", "parse_accuracy", "near_ties", "relation_edges_attainable", "relation_edges"):
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    for name in ("relation_offset_accuracy", "relation_class_accuracy"):
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert (found["relation_edges"] > found["relation_edges_attainable"][0]).any() == model.attends.causal


def part_of(
    sentence: Annotated, units: Units, word: NDArray[np.int64], own: int, alpha: NDArray[np.float64], null: set[int]
) -> Sentence:
    """One sentence of a window: its words, each piece with the span of its word."""
    first = units.words.word_offsets[own]
    inside = (word >= first) & (word < first + len(sentence.words))
    spans = [(w.start, w.end) for w in (sentence.words[k - first] if k_in else Word(0, 0, "_", "_", -1)
             for k, k_in in zip(word, inside, strict=True))]  # fmt: skip
    template = frozenset(np.flatnonzero(~inside).tolist())
    return Sentence(
        text=sentence.text, words=sentence.words, spans=spans, ids=range(len(word)), template=template,
        null=frozenset(null), alpha=alpha[None], added=alpha[None], document=f"document {sentence.document}",
    )  # fmt: skip


@pytest.mark.parametrize("window", [None, 24])
def test_shards_threads_and_kernels_count_the_same(models: dict[Family, Model], window: int | None) -> None:
    model, sentences = models["gpt2"], corpus(TEXTS)
    whole = measure(read_units(sentences, model, window), model).state
    third = len(sentences) // 15 * 5
    parts = [
        read_units(sentences[begin:end], model, window)
        for begin, end in pairwise([0, third, 2 * third, len(sentences)])
    ]
    assert len(parts) == 3
    states = [measure(units, model, batch_pieces=100).state for units in parts]
    split = states[0].merge(states[1]).merge(states[2])
    other = measure(read_units(sentences, model, window), model, kernel=dense).state
    threads = measure(read_units(sentences, model, window), replace(model, threads=3)).state
    assert model.threads == 1
    assert whole["relation_hits"].sum() > 100
    ties = whole["near_ties"]
    for found in (split, other):
        for one in whole.layout.mapped_sums:
            if one.name in ("coreference_heuristic_sum", "divergence_sum"):  # no counts: of fractions and of α itself
                np.testing.assert_allclose(found[one.name], whole[one.name], rtol=1e-6, err_msg=one.name)
            elif one.name not in ("relation_hits", "parse_hits", "near_ties"):
                np.testing.assert_array_equal(found[one.name], whole[one.name], err_msg=one.name)
        apart = np.abs(found["relation_hits"] - whole["relation_hits"]).sum((2, 4))
        assert (apart <= ties + found["near_ties"]).all()
    for one in whole.layout.mapped_sums:
        np.testing.assert_array_equal(threads[one.name], whole[one.name], err_msg=one.name)


def test_texts_without_edges_have_no_accuracy(models: dict[Family, Model]) -> None:
    model = models["gpt2"]
    found = results(measure(read_units([one for one in corpus(()) if one.text == "A"], model), model).state)
    assert found["map_sentences"] == 1
    assert not found["relation_edges"].any()
    assert np.isnan(found["relation_accuracy"]).all()
    assert np.isnan(found["parse_accuracy"]).all()
    np.testing.assert_array_equal(found["relation_accuracy_all"], 0)
    # "on" → "A", whose only piece is null, and "A" cannot look ahead: one edge, and none attainable.
    words = (Word(0, 1, "DET", "root", -1), Word(2, 4, "ADP", "case", 0))
    found = results(measure(read_units([Annotated("A on", words, 0, 0)], model), model).state)
    assert found["relation_edges"].sum() == 1
    assert not found["relation_edges_attainable"].any()
    assert np.isnan(found["relation_accuracy"]).all()
    assert np.isnan(found["relation_best_accuracy"]).all()


def test_the_largest_of_rows_and_of_columns_the_first_of_equals() -> None:
    # Two words, one head, three columns: of rows 3 0 1 and 3 0 5.
    values = np.array([[[3.0, 0.0, 1.0]], [[3.0, 0.0, 5.0]]], np.float32)
    of_rows = Largest.of_rows(values, np.array([3, 2]))
    assert [part[:, 0].tolist() for part in of_rows] == [[3, 3], [0, 0], [1, 0]]
    among = Largest.among(values, np.array([0, 2, 3]), np.array([1, 2, 2]))
    assert [part[:, 0].tolist() for part in among] == [[1, 5], [2, 2], [0, 0]]
    columns, both = Largest.none(2, 1, 3), np.array([3, 3])
    # The second word goes on below, and is of the other map; the third row is passed over.
    find_in_columns(values, np.array([0, -1]), np.array([4, 5]), both, columns)
    find_in_columns(values, np.array([0, 1]), np.array([6, 7]), both, columns)
    assert [part[:, 0].tolist() for part in columns] == [
        [[3, 0, 1], [3, 0, 5]], [[4, 0, 4], [7, 0, 7]], [[3, 0, 1], [0, 0, 0]],
    ]  # fmt: skip
    assert columns.is_near_tie(1e-5)[:, 0].tolist() == [[True, False, True], [False, False, False]]
