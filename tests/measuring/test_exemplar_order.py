"""Exemplars of a whole run against attention that is float64 throughout, every sentence and every head."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import demo_config
from numpy.typing import NDArray
from reference_forward import attention_float64

import attnmetrics
from attnmetrics.annotation import cache
from attnmetrics.assets import MODELS
from attnmetrics.running.driver import run
from attnmetrics.running.plan import make_plan
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import locate

PLACES = 40
"""So many that weights of middle size are among them, where rounding shows most."""

ROUNDING = 5e-6
"""What float32 may do to a weight."""

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with many exemplars."""
    folder = tmp_path_factory.mktemp("order") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)
        run(demo_config(folder, exemplars=PLACES), Reporter(quiet=True))
    return folder


@dataclass(frozen=True)
class Of:
    """What float64 attention says of a text."""

    ids: list[int]
    peak: NDArray[np.float64]
    """[kind, layer, head] the largest F between two pieces, and from a piece to itself"""
    pair: NDArray[np.int64]
    """[kind, layer, head, 2] where it is"""
    current: NDArray[np.float64]
    """[layer, head] Σ α[i, i]"""


@pytest.fixture(scope="module")
def texts(many: Path) -> dict[str, Of]:
    """All of the run's texts."""
    return {text: read(text) for text in texts_of(many)}


@pytest.fixture(scope="module")
def kinds(texts: dict[str, Of]) -> NDArray[np.int64]:
    """[layer, head] which kind a head is shown by."""
    rows = sum(len(one.ids) for one in texts.values())
    return (sum(one.current for one in texts.values()) / rows > 0.5).astype(np.int64)


def strongest(folder: Path) -> pd.DataFrame:
    frame = attnmetrics.exemplars(folder)
    return frame[(frame["claim"] == "") & (frame["bucket"] == "top")]


def texts_of(folder: Path) -> Iterator[str]:
    facts = json.loads((folder / "run.json").read_text())
    for shard in make_plan(demo_config(folder)).shards:
        path = cache.annotation_path(locate(folder / "annotations"), facts["annotator"]["fingerprint"], shard.digest)
        yield from cache.read(path, []).text


def read(text: str) -> Of:
    attention = attention_float64(MODELS["demo"], text)
    alpha = attention.alpha
    weights = np.where(np.arange(alpha.shape[-1]) > 0, alpha, -np.inf)  # the first piece is null
    own = np.eye(alpha.shape[-1], dtype=bool)
    kinds = np.stack([np.where(own, -np.inf, weights), np.where(own, weights, -np.inf)])
    flat = kinds.reshape(*kinds.shape[:3], -1)
    pair = np.stack(np.divmod(flat.argmax(-1), alpha.shape[-1]), axis=-1)
    return Of(attention.ids, flat.max(-1), pair, np.einsum("lhii->lh", alpha))


def test_every_weight_is_that_of_float64_within_rounding(
    many: Path, texts: dict[str, Of], kinds: NDArray[np.int64]
) -> None:
    frame = strongest(many)
    errors = [
        abs(row.weight - texts[row.text].peak[kinds[row.layer, row.head], row.layer, row.head])
        for row in frame.itertuples()
    ]
    print(f"\nlargest error of {len(errors):,} weights: {max(errors):.1e}")
    assert max(errors) < ROUNDING
    assert (frame["i"] == frame["j"]).tolist() == [bool(kinds[row.layer, row.head]) for row in frame.itertuples()]


def test_the_order_is_that_of_all_pairs_of_pieces_but_for_weights_within_rounding(
    many: Path, texts: dict[str, Of], kinds: NDArray[np.int64]
) -> None:
    for (layer, head), rows in strongest(many).groupby(["layer", "head"]):
        at = kinds[layer, head], layer, head
        largest: dict[tuple[int, int], float] = {}
        for one in texts.values():
            ids = one.ids[one.pair[at][0]], one.ids[one.pair[at][1]]
            largest[ids] = max(largest.get(ids, -np.inf), one.peak[at])
        weights = sorted((weight for weight in largest.values() if np.isfinite(weight)), reverse=True)[:PLACES]
        np.testing.assert_allclose(rows["weight"], weights, rtol=0, atol=ROUNDING)
        own = np.array([texts[text].peak[at] for text in rows["text"]])
        assert np.all(np.diff(own) < ROUNDING)
        pairs = [(row.pieces[row.i], row.pieces[row.j]) for row in rows.itertuples()]
        assert len(set(pairs)) == len(pairs) == len(set(rows["text"]))


def test_the_pair_is_where_the_weight_is(many: Path) -> None:
    frame = strongest(many).query("rank % 10 == 1")
    for row in frame.itertuples():
        alpha = attention_float64(MODELS["demo"], row.text).alpha[row.layer, row.head]
        assert abs(alpha[row.i, row.j] - row.weight) < ROUNDING
        assert len(row.pieces) == len(alpha)
