"""Every metric of every head, measured in float32, against a reference that is float64 from the weights on.

The reference takes nothing from the package but the definitions: its own tokenising, forward pass, alignment and sums.
Run with `-s` to see the largest error of each metric, as a share of what is allowed.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from models import FAMILIES, TEXTS, save_model
from reference_forward import attention_float64
from transformers import AutoModel

from attnmetrics.annotation.sentence import Column, Sentences
from attnmetrics.assets import CORPORA, MODELS
from attnmetrics.measuring.shard import measure
from attnmetrics.model.load import load_model
from attnmetrics.model.units import read_sentences
from attnmetrics.results.dataset import dataset
from attnmetrics.statistics import reference
from attnmetrics.statistics.exemplars import Exemplars, merge_all
from attnmetrics.statistics.reference import NearRow, Peak, Reference, Word
from attnmetrics.statistics.schema import PER_HEAD, RESULTS
from attnmetrics.statistics.variability import deviations

RELATIVE, ABSOLUTE, WEIGHT = 1e-5, 1e-7, 1e-6
CORRELATION = 10
"""A correlation near 0 over a dozen heads magnifies their errors: so many times more are allowed there."""
SHARE_TABLES = ("pos_to", "pos_from", "dependency_type_to", "attention_at_offset")
POS = ("ADJ", "ADP", "AUX", "DET", "NOUN", "PRON", "PROPN", "PUNCT", "VERB", "_")
REL = ("amod", "aux", "case", "conj", "det", "nmod", "nsubj", "nsubj:pass", "obj", "obl", "punct", "root", "_")
K = 8

GOLD = {
    "Vamos al río.": [  # the words "a" and "el" do not spell "al": both cover it
        (0, 5, "VERB", "root", -1), (6, 8, "ADP", "case", 3), (6, 8, "DET", "det", 3), (9, 12, "NOUN", "obl", 0),
        (12, 13, "PUNCT", "punct", 0),
    ],
    "Don't!": [(0, 2, "AUX", "root", -1), (2, 5, "ADJ", "amod", 0), (5, 6, "PUNCT", "punct", 0)],
    "The 🦉 ate 🍰🍰 .": [
        (0, 3, "DET", "det", 1), (4, 5, "NOUN", "nsubj", 2), (6, 9, "VERB", "root", -1), (10, 12, "NOUN", "obj", 2),
        (13, 14, "PUNCT", "punct", 2),
    ],
    "A": [(0, 1, "DET", "root", -1)],
    "Go on": [(0, 2, "VERB", "root", -1), (3, 5, "ADP", "case", 0)],
    "white\tspace   inside": [(0, 5, "ADJ", "amod", 1), (6, 11, "NOUN", "root", -1), (14, 20, "ADP", "case", 1)],
    "b  a": [  # white space that is a word, as spaCy has it: the piece " a" overlaps it as much as the word "a"
        (0, 1, "NOUN", "nsubj", 2), (2, 3, "_", "_", 0), (3, 4, "VERB", "root", -1),
    ],
    "half of it": [(0, 4, "NOUN", "root", -1)],  # pieces that overlap no word
    "[SEP] is <s>": [(0, 5, "NOUN", "nsubj", 1), (6, 8, "VERB", "root", -1), (9, 12, "NOUN", "obj", 1)],
}  # fmt: skip


@dataclass(frozen=True)
class Annotated:
    text: str
    words: tuple[Word, ...]
    document: int
    sentence: int


def corpus(texts: Sequence[str]) -> list[Annotated]:
    """The gold sentences, then these texts with random tags and trees; the first two texts once more at the end."""
    random = np.random.default_rng(0)
    sentences = [(text, tuple(Word(*word) for word in words)) for text, words in GOLD.items()]
    sentences += [(text, random_words(text, random)) for text in texts]
    sentences += sentences[len(GOLD) : len(GOLD) + 2]
    return [Annotated(text, words, *divmod(place, 5)) for place, (text, words) in enumerate(sentences)]


def random_words(text: str, random: np.random.Generator) -> tuple[Word, ...]:
    """What stands between spaces, cut before a last comma or full stop, in a random tree."""
    spans, start = [], 0
    for token in text.split(" "):
        end = start + len(token)
        cut = end - 1 if len(token) > 1 and token[-1] in ".,;!" else end
        spans += [span for span in ((start, cut), (cut, end)) if span[0] < span[1]]
        start = end + 1
    order = random.permutation(len(spans))
    heads = {int(word): int(order[random.integers(place)]) if place else -1 for place, word in enumerate(order)}
    return tuple(
        Word(*span, str(random.choice(POS[:-1])), str(random.choice(REL[:-1])), heads[place])
        for place, span in enumerate(spans)
    )


def columns(sentences: Sequence[Annotated]) -> Sentences:
    """As the package takes them."""
    words = [word for sentence in sentences for word in sentence.words]
    return Sentences(
        document=tuple(f"document {sentence.document}" for sentence in sentences),
        document_index=np.array([sentence.document for sentence in sentences]),
        sentence=np.array([sentence.sentence for sentence in sentences]),
        text=tuple(sentence.text for sentence in sentences),
        word_offsets=np.cumsum([0, *(len(sentence.words) for sentence in sentences)]),
        word_start=np.array([word.start for word in words]),
        word_end=np.array([word.end for word in words]),
        word_head=np.array([word.head for word in words]),
        columns={
            "pos": Column(POS, np.array([POS.index(word.pos) for word in words])),
            "rel": Column(REL, np.array([REL.index(word.rel) for word in words])),
        },
    )


def measured(folder: Path, sentences: Sequence[Annotated], null: str | None) -> tuple[xr.Dataset, Exemplars]:
    """Everything the package says, from three shards."""
    model = load_model(str(folder), device="cpu", null_tokens=null)
    bounds = [0, len(sentences) // 3, len(sentences) // 2, len(sentences)]
    shards = [columns(sentences[begin:end]) for begin, end in pairwise(bounds)]
    parts = [measure(read_sentences(shard, model), model, batch_pieces=300, exemplars=K) for shard in shards]
    state = parts[0].state.merge(parts[1].state).merge(parts[2].state)
    spread = deviations(lambda: (part.blocks for part in parts))
    return dataset(state, *spread), merge_all(part.exemplars for part in parts)


def referred(folder: Path, sentences: Sequence[Annotated], null: str | None) -> tuple[Reference, dict]:
    """Everything the reference says, and every α by (document, sentence)."""
    found: Reference | None = None
    maps = {}
    for sentence in sentences:
        attention = attention_float64(folder, sentence.text)
        layers, heads = attention.alpha.shape[:2]
        causal = json.loads((folder / "config.json").read_text())["model_type"] != "bert"
        found = found or Reference(layers, heads, POS, REL, causal)
        chosen = null or ("first" if causal else "special")
        found.add(
            reference.Sentence(
                text=sentence.text,
                words=sentence.words,
                spans=attention.spans,
                template=attention.template,
                null={"first": frozenset({0}), "special": attention.template, "none": frozenset()}[chosen],
                alpha=attention.alpha,
                cut=attention.cut,
                document_index=sentence.document,
                sentence=sentence.sentence,
            )
        )
        maps[sentence.document, sentence.sentence] = attention.alpha
    assert found is not None
    return found, maps


def allowed_ratio(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Error as a share of what is allowed; ∞ where only one is NaN."""
    error = np.abs(found - expected) / (RELATIVE * np.abs(expected) + ABSOLUTE)
    return np.where(np.isnan(found) & np.isnan(expected), 0, np.where(np.isnan(error), np.inf, error))


def entropy_ratio(found: xr.Dataset, expected: Reference, layer: int, heads: Sequence[int], suffix: str) -> float:
    """Error of one head's (or layer's) entropy; rows near the cut may fall either way."""
    near = [row for row in expected.near_rows if row.layer == layer and row.head in heads]
    sums = [expected.sums[name][layer, list(heads)].sum() for name in ("entropy", "entropy_rows")]
    total = sums[0] - sum(row.entropy for row in near if row.kept)
    rows = sums[1] - sum(row.kept for row in near)
    at = (layer,) if suffix else (layer, heads[0])
    value, number = (found[f"{name}{suffix}"].to_numpy()[at] for name in ("entropy", "entropy_rows"))
    return min(_choice_ratio(value, number, total, rows, chosen) for chosen in _subsets(near))


def _subsets(rows: list[NearRow]) -> list[tuple[NearRow, ...]]:
    return list(chain.from_iterable(combinations(rows, size) for size in range(len(rows) + 1)))


def _choice_ratio(value: float, number: int, total: float, rows: float, chosen: tuple[NearRow, ...]) -> float:
    count = rows + len(chosen)
    if number != count:
        return np.inf
    mean = (total + sum(row.entropy for row in chosen)) / count if count else np.nan
    return float(allowed_ratio(np.asarray(value), np.asarray(mean)))


def worst_ratios(found: xr.Dataset, expected: Reference) -> dict[str, float]:
    """The largest error of each result, as a share of what is allowed."""
    values = expected.results()
    assert set(values) == set(found.data_vars)
    ratios = {
        name: float(allowed_ratio(found[name].to_numpy(), value).max())
        for name, value in values.items()
        if not name.startswith(("entropy", "distance_entropy"))
    }
    layers, heads = range(expected.layers), range(expected.heads)
    ratios["entropy"] = max(entropy_ratio(found, expected, layer, [head], "") for layer in layers for head in heads)
    ratios["entropy_by_layer"] = max(entropy_ratio(found, expected, layer, heads, "_by_layer") for layer in layers)
    if not expected.near_rows:
        for name in ("distance_entropy_r", "distance_entropy_p"):
            ratios[name] = float(allowed_ratio(found[name].to_numpy(), values[name]))
    return {name: ratio / CORRELATION if name.endswith(("_r", "_p")) else ratio for name, ratio in ratios.items()}


def check_exemplars(found: Exemplars, expected: Reference, maps: dict) -> float:
    """Every rank of every head; returns the largest error of a weight."""
    worst = 0.0
    for layer in range(expected.layers):
        for head in range(expected.heads):
            ranking = expected.exemplars(layer, head)
            columns = (found.weight, found.document_index, found.sentence, found.i, found.j)
            rows = [Peak(*row) for row in zip(*(c[layer, head].tolist() for c in columns), strict=True)]
            kept = [row for row in rows if row.document_index >= 0]
            assert len(kept) == min(K, len(ranking))
            worst = max([worst, *(_check_rank(row, k, ranking, maps, (layer, head)) for k, row in enumerate(kept))])
    return worst


def _check_rank(row: Peak, rank: int, ranking: list[Peak], maps: dict, head: tuple[int, int]) -> float:
    """The sentence is the expected one or one as heavy; so are its i and j."""
    own = next(p for p in ranking if (p.document_index, p.sentence) == (row.document_index, row.sentence))
    assert own == ranking[rank] or abs(own.weight - ranking[rank].weight) < WEIGHT
    at_place = maps[row.document_index, row.sentence][head][row.i, row.j]
    assert (row.i, row.j) == (own.i, own.j) or own.weight - at_place < WEIGHT
    return abs(row.weight - own.weight)


def check(folder: Path, texts: Sequence[str], null: str | None = None) -> None:
    sentences = corpus(texts)
    found, exemplars = measured(folder, sentences, null)
    expected, maps = referred(folder, sentences, null)
    ratios = worst_ratios(found, expected)
    weight = check_exemplars(exemplars, expected, maps)
    order = sorted(ratios, key=ratios.__getitem__, reverse=True)
    print(f"\n{folder.name}, null {null}: exemplar weights {weight:.1e};", end=" ")
    print(", ".join(f"{name} {ratios[name]:.3f}" for name in order if ratios[name] > 1e-3))
    assert max(ratios.values()) <= 1, {name: ratio for name, ratio in ratios.items() if ratio > 1}
    assert weight <= WEIGHT
    for table in chain.from_iterable((name, f"{name}_by_layer") for name in SHARE_TABLES):
        np.testing.assert_allclose(found[table].to_numpy().sum(axis=-1), 1, rtol=0, atol=1e-9)
    assert found["sentences_cut"] == expected.sums["sentences_cut"] > 0


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
    check(folder, RANDOM_TEXTS)


@pytest.mark.parametrize(
    ("family", "null"),
    [("gpt2", "none"), ("gpt2", "special"), ("bert", "first"), ("bert", "none"), ("llama", "special")],
)
def test_other_null_tokens_agree_with_the_reference(family, null, models):
    check(models(family, False), RANDOM_TEXTS, null)


def test_the_trained_model_agrees_with_the_reference():
    articles = [json.loads(line)["text"] for line in CORPORA["demo"].read_text(encoding="utf-8").splitlines()]
    texts = [f"{sentence}." for article in articles[:4] for sentence in article.split(". ")[:6]]
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


def test_every_result_is_compared():
    names = {result.name for result in RESULTS} | {f"{result.name}_by_layer" for result in PER_HEAD}
    empty = Reference(1, 1, POS, REL, causal=True)
    empty.add(reference.Sentence("", (), ((0, 0),), frozenset(), frozenset({0}), np.ones((1, 1, 1, 1))))
    assert set(empty.results()) == names


@pytest.mark.parametrize("kept", [False, True])
def test_a_row_near_the_entropy_cut_may_fall_either_way(kept):
    expected = Reference(1, 1, POS, REL, causal=True)
    alpha = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.9 - 1e-9, 0.05, 0.05 + 1e-9, 0], [0.2, 0.3, 0.3, 0.2]])
    spans = ((0, 0),) * 4
    expected.add(reference.Sentence("", (), spans, frozenset(), frozenset({0}), alpha[None, None]))
    values = {result.name: (result.dims, expected.results()[result.name]) for result in PER_HEAD}
    found = xr.Dataset(values)
    if not kept:
        other = -(0.75 * np.log(0.375) + 0.25 * np.log(0.25)) / 2
        found = found.assign(entropy=(("layer", "head"), [[other]]), entropy_rows=(("layer", "head"), [[2]]))
    assert entropy_ratio(found, expected, 0, [0], "") < 1e-6
    assert entropy_ratio(found.assign(entropy=found["entropy"] * 1.001), expected, 0, [0], "") > 1
