"""The paper's own training: scores by hand, with and without its ROOT bug; a tree that one head holds is learned."""

import numpy as np
import pytest
import torch
from test_probes import HEADS, RELATIONS, SPECIAL, WIDTH, features, planted, trees

from attnmetrics.probing.clark import Recipe, Sentence, count_right, read_sentences, score_heads, train


@pytest.mark.parametrize("bug", [False, True])
def test_scores_are_those_of_loops(bug: bool) -> None:
    (sentence,) = read_sentences(iter([features([[1, 3, 1]])]))
    random = torch.Generator().manual_seed(0)
    heads = torch.rand(2, HEADS, 1 + 2 * WIDTH, generator=random, dtype=torch.float64)
    special = torch.tensor([0.5, -2.0], dtype=torch.float64)
    found = score_heads(Recipe(True, bug), heads, special, sentence)
    v, nothing = sentence.vectors.tolist(), [0.0] * WIDTH
    met = [v[1], v[2], nothing, v[0]] if bug else [*v, nothing]
    for j in range(3):
        for c in range(4):
            score = 0.0
            for k in range(HEADS):
                of = sentence.maps[..., k].tolist()
                there, back = (of[c][j], of[j][c]) if c < 3 else (
                    0.5 * of[3][j] - 2 * of[4][j], 0.5 * of[j][3] - 2 * of[j][4])  # fmt: skip
                for direction, attention in enumerate((there, back)):
                    weights, both = heads[direction, k].tolist(), [1.0, *met[c], *v[j]]
                    score += attention * sum(w * x for w, x in zip(weights, both, strict=True))
            assert found[j, c] == pytest.approx(score)


def test_one_epoch_learns_a_tree_that_one_head_holds_the_same_from_a_seed() -> None:
    found = features(trees(120), planted)
    one, again, other = (train(iter([found]), Recipe(False), HEADS, SPECIAL, WIDTH, seed) for seed in (0, 0, 1))
    right, roots = count_right(iter([found]), one, RELATIONS)
    assert right.sum() / len(found.head) > 0.7 and roots > 0
    assert torch.equal(again.heads, one.heads) and one.size == 2 * HEADS + SPECIAL
    assert not torch.equal(other.heads, one.heads)


def test_sentences_come_in_corpus_order() -> None:
    found = features([[1, 2], [1, 3, 1]])
    found.row[:] = [1, 0]
    assert [len(sentence.head) for sentence in read_sentences(iter([found]))] == [3, 2]
    assert isinstance(next(read_sentences(iter([found]))), Sentence) and np.array_equal(found.words, [2, 3])
