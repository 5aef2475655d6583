"""What probes learn from, of tiny models: maps against loops over float64 attention, trees and vectors by hand."""

from pathlib import Path

import numpy as np
import pytest
from models import save_model
from numpy.typing import NDArray

from attnmetrics.annotation.conllu import ConlluAnnotator
from attnmetrics.annotation.sentence import Sentences
from attnmetrics.corpus import Document
from attnmetrics.errors import ConfigError
from attnmetrics.metrics.reference.probes import word_map
from attnmetrics.model.load import Model, attention_maps, load_model
from attnmetrics.model.randomise import randomise
from attnmetrics.pieces.align import align, tokenize
from attnmetrics.probing.features import extract
from attnmetrics.probing.vectors import WIDTH, open_vectors
from attnmetrics.statistics.sampling import sample_hash
from attnmetrics.statistics.word_features import NO_PLACE, WordFeatures
from attnmetrics.storage import locate

LONG = " ".join(f"unbelievable{number}" for number in range(30))
TREES = f"""1	Nobody	nobody	PRON	_	_	2	nsubj	_	_
2	knew	know	VERB	_	_	0	root	_	_
3	incomprehensible	_	ADJ	_	_	4	amod	_	_
4	Nobody	nobody	PRON	_	_	2	obj	_	_

1	Stop	stop	VERB	_	_	0	root	_	SpaceAfter=No
2	!	!	PUNCT	_	_	1	punct	_	_

# text = {LONG}
""" + "\n".join(f"{n + 1}	{word}	_	NOUN	_	_	{30 if n == 0 else 0 if n == 29 else 1}	dep	_	_"
                for n, word in enumerate(LONG.split())) + "\n"  # fmt: skip


def sentences() -> Sentences:
    return ConlluAnnotator({}).annotate([Document("d", TREES, True, "a.conllu", 1)]).sentences


@pytest.fixture(scope="module", params=["gpt2", "bert", "llama"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("models") / request.param
    return load_model(str(save_model(folder, request.param, sharp=True)), layers=(0, 2))


def expected_maps(model: Model, special: tuple[list[int], list[int]]) -> list[NDArray[np.float64]]:
    """[place, place, layer × head] of each sentence; `special` names a sentence's first and last special pieces."""
    found = sentences()
    pieces = tokenize(model.tokenizer, found.text, model.template, model.max_pieces)
    word, maps = align(found, pieces), []
    ids = [pieces.ids_of(np.array([row])).tolist() for row in range(len(found))]
    for row, alpha in enumerate(attention_maps(model, ids)):
        own = word[pieces.offsets[row] : pieces.offsets[row + 1]]
        words = [np.flatnonzero(own == one).tolist() for one in sorted(set(own.tolist()) - {-1})]
        ends = [*special[0], *(len(own) + piece for piece in special[1])]
        heads = [word_map(one, words, ends, ends) for layer in alpha for one in layer]
        maps.append(np.stack(heads, -1))
    return maps


def test_maps_are_those_of_loops_over_alpha(model: Model) -> None:
    features = extract(sentences(), model, seed=0, batch_pieces=40)
    special = ([0], []) if model.causal else ([0], [-1])
    assert features.special == sum(map(len, special))
    expected = expected_maps(model, special)
    groups = [group.maps[0] for group in features.groups(1)]
    assert len(groups) == len(expected) == 3
    for row, found in zip(features.row.tolist(), groups, strict=True):
        np.testing.assert_allclose(found, expected[row], rtol=1e-3, atol=1e-6)


def columns(features: WordFeatures, name: str) -> list[list[object]]:
    return [group.column(name)[0].tolist() for group in features.groups(1)]


def test_trees_are_those_of_the_text_and_words_that_are_cut_off_are_none(model: Model) -> None:
    features = extract(sentences(), model, seed=0)
    assert features.row.tolist() == [1, 0, 2]
    heads, positions = columns(features, "head"), columns(features, "position")
    assert heads[:2] == [[2, 0], [1, 4, 3, 1]] and positions[1] == [0, 1, 2, 3]
    assert columns(features, "relation")[:2] == [["root", "punct"], ["nsubj", "root", "amod", "obj"]]
    cut = int(features.without_piece[2])
    assert 0 < cut < 29 and len(heads[2]) == 30 - cut
    assert heads[2] == [NO_PLACE, *[0] * (29 - cut)]
    rules = columns(features, "rule")[1]
    assert rules[0] == rules[3] == sample_hash(0, "nobody") % 3


def test_vectors_are_embeddings_of_pieces_or_those_of_a_file(model: Model, tmp_path: Path) -> None:
    features = extract(sentences(), model, seed=0)
    vectors = dict(zip([(word, n) for n, words in enumerate(columns(features, "head")) for word in range(len(words))],
                       features.vectors, strict=True))  # fmt: skip
    assert features.vectors.shape[1] == WIDTH and features.has_vector.all()
    assert 0.3 < features.vectors.std() < 3 and not np.array_equal(vectors[0, 1], vectors[1, 1])
    path = tmp_path / "vectors.txt"
    path.write_text("nobody 1 2\nstop -1 0.5\nnobody 9 9\n")
    known = extract(sentences(), model, seed=0, vectors=open_vectors(locate(path)))
    assert columns(known, "vectors")[:2] == [[[-1, 0.5], [0, 0]], [[1, 2], [0, 0], [0, 0], [1, 2]]]
    assert known.has_vector[:6].tolist() == [True, False, True, False, False, True]


@pytest.mark.parametrize(
    ("text", "said"), [("", "found none"), ("the 1 2\nstop 1 x\n", "line 2"), (None, "No such file")]
)
def test_a_file_of_other_things_is_refused(text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        open_vectors(locate(path)).read({"stop"})


def test_a_random_model_keeps_its_embeddings_and_has_other_attention_the_same_for_a_seed(model: Model) -> None:
    trained = extract(sentences(), model, seed=0)
    one, again, other = (extract(sentences(), randomise(model, seed), seed=0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.maps, again.maps)
    np.testing.assert_array_equal(one.vectors, trained.vectors)
    assert np.abs(one.maps - trained.maps).max() > 0.1 < np.abs(other.maps - trained.maps).max()
    assert not np.array_equal(one.maps, other.maps)
    np.testing.assert_array_equal(extract(sentences(), model, seed=0).maps, trained.maps)
