"""The scores of TransformerLens' head detector, restated in plain loops, against results that they coincide with.

Its patterns are D[i, i − 1] (previous), D[i, j] of an earlier j with the same id (duplicate), and that one column to
the right, D[i, j + 1] (induction), in a text with the begin-of-text piece before it. Its measure `mul` is the share of
attention that is on the pattern, Σ A ∘ D ÷ Σ A, after column 0 (`exclude_bos`) or the diagonal
(`exclude_current_token`) is set to 0. In one text, with the begin-of-text piece as null:

| its score, `mul` | is |
|---|---|
| previous, exclude_bos | `attention_at_offset` at 1 |
| duplicate, exclude_bos | `repeat_alignment` |
| induction, both | `induction_alignment` ÷ (1 − `attention_at_offset` at 0) |
| any of these, exclude_current_token too | the same ÷ (1 − `attention_at_offset` at 0) |
| duplicate, nothing excluded | `repeat_alignment` × (1 − `null_attention`) |
| previous, nothing excluded | `neighbour_attention` to the previous piece × (rows − 1) ÷ rows |

What differs: where a piece repeats the one right before it, its induction pattern has the piece itself, and ours has
not. Of several texts it takes the mean of their shares, and we the share of their sums. Its default excludes nothing,
so that a head that rests on the begin-of-text piece has low scores of all patterns. Its measure `abs` compares A with
D as a whole, which the patterns of duplicate and induction cannot reach, for their rows do not sum to 1: it has no like
here.
"""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from models import save_model
from numpy.typing import NDArray
from reference_forward import attention_float64
from shards import annotate, measure, new_schema

from attnmetrics.model.load import Model, load_model
from attnmetrics.results.dataset import dataset
from attnmetrics.statistics.variability import deviations

APART = "The cat saw a dog. The dog saw a cat, and the cat ran."
DOUBLED = "The cat cat saw the the dog. No no no."
PATTERNS = ("previous", "duplicate", "induction")

Array = NDArray[np.float64]


def mul(alpha: Array, ids: list[int], pattern: str, bos: bool = False, current: bool = False) -> Array:
    """[layer, head] from α [layer, head, i, j] and the pieces' ids; whether column 0 and the diagonal are excluded."""
    on_pattern, everywhere = np.zeros((2, *alpha.shape[:2]))
    n = len(ids)
    for i in range(n):
        for j in range(i + 1):
            if (bos and j == 0) or (current and i == j):
                continue
            everywhere += alpha[:, :, i, j]
            on_pattern += alpha[:, :, i, j] * is_on(pattern, i, j, ids)
    return on_pattern / everywhere


def is_on(pattern: str, i: int, j: int, ids: list[int]) -> bool:
    if pattern == "previous":
        return j == i - 1
    if pattern == "duplicate":
        return j < i and ids[j] == ids[i]
    return 1 <= j <= i and ids[j - 1] == ids[i]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "llama", "llama", layers=2, sharp=True)


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(str(folder))


def results(model: Model, *texts: str) -> xr.Dataset:
    found = measure(annotate(texts), model)
    return dataset(new_schema(model), found.state.sums | deviations(lambda: [found.blocks]))


def attention(folder: Path, text: str) -> tuple[Array, list[int]]:
    found = attention_float64(folder, text)
    assert found.template == {0} and found.ids.count(found.ids[0]) == 1
    return found.alpha, list(found.ids)


def assert_same(found: xr.DataArray, expected: Array) -> None:
    assert expected.max() > 0.01
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("text", [APART, DOUBLED])
def test_where_definitions_coincide(folder: Path, model: Model, text: str) -> None:
    alpha, ids = attention(folder, text)
    found = results(model, text)
    previous, own = (found["attention_at_offset"].sel(offset=offset) for offset in (1, 0))
    repeat, induction = found["repeat_alignment"], found["induction_alignment"]
    assert_same(previous, mul(alpha, ids, "previous", bos=True))
    assert_same(repeat, mul(alpha, ids, "duplicate", bos=True))
    for share, pattern in zip((previous, repeat, induction), PATTERNS, strict=True):
        assert_same(share / (1 - own), mul(alpha, ids, pattern, bos=True, current=True))
    assert_same(repeat * (1 - found["null_attention"]), mul(alpha, ids, "duplicate"))
    to_previous = found["neighbour_attention"].sel(neighbour="previous")
    assert_same(to_previous * (len(ids) - 1) / len(ids), mul(alpha, ids, "previous"))


def test_induction_differs_by_the_diagonal_where_a_piece_repeats_the_one_before(folder: Path, model: Model) -> None:
    alpha, ids = attention(folder, APART)
    assert all(a != b for a, b in zip(ids[1:], ids, strict=False))
    assert_same(results(model, APART)["induction_alignment"], mul(alpha, ids, "induction", bos=True))
    alpha, ids = attention(folder, DOUBLED)
    doubled = [i for i in range(2, len(ids)) if ids[i] == ids[i - 1]]
    assert doubled
    own = sum(alpha[:, :, i, i] for i in doubled) / alpha[:, :, :, 1:].sum((2, 3))
    assert_same(results(model, DOUBLED)["induction_alignment"] + own, mul(alpha, ids, "induction", bos=True))


def test_of_several_texts_ours_is_the_share_of_sums(folder: Path, model: Model) -> None:
    maps = [attention(folder, text) for text in (APART, DOUBLED)]
    scores = [mul(alpha, ids, "duplicate", bos=True) for alpha, ids in maps]
    masses = [alpha[:, :, :, 1:].sum((2, 3)) for alpha, _ in maps]
    found = results(model, APART, DOUBLED)["repeat_alignment"]
    assert_same(found, np.average(scores, axis=0, weights=masses))
    assert np.abs(found - np.mean(scores, axis=0)).max() > 1e-3
