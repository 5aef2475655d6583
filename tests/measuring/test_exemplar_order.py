"""Exemplars of a whole run against attention that is float64 throughout, every sentence and every head."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
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


@pytest.fixture(scope="module")
def peaks(many: Path) -> dict[str, NDArray[np.float64]]:
    """Text → largest F of each head [layer, head], by float64 attention."""
    return {text: peak(text) for text in texts_of(many)}


def texts_of(folder: Path) -> Iterator[str]:
    facts = json.loads((folder / "run.json").read_text())
    for shard in make_plan(demo_config(folder)).shards:
        path = cache.annotation_path(locate(folder / "annotations"), facts["annotator"]["fingerprint"], shard.digest)
        yield from cache.read(path, []).text


def peak(text: str) -> NDArray[np.float64]:
    alpha = attention_float64(MODELS["demo"], text).alpha
    return alpha[:, :, :, 1:].max(axis=(2, 3), initial=-np.inf)


def test_every_weight_is_that_of_float64_within_rounding(many: Path, peaks: dict[str, NDArray[np.float64]]) -> None:
    frame = attnmetrics.exemplars(many)
    errors = [abs(row.weight - peaks[row.text][row.layer, row.head]) for row in frame.itertuples()]
    print(f"\nlargest error of {len(errors):,} weights: {max(errors):.1e}")
    assert max(errors) < ROUNDING


def test_the_order_is_that_of_all_sentences_but_for_weights_within_rounding(
    many: Path, peaks: dict[str, NDArray[np.float64]]
) -> None:
    for (layer, head), rows in attnmetrics.exemplars(many).groupby(["layer", "head"]):
        weights = sorted((found[layer, head] for found in peaks.values()), reverse=True)[:PLACES]
        np.testing.assert_allclose(rows["weight"], weights, rtol=0, atol=ROUNDING)
        own = np.array([peaks[text][layer, head] for text in rows["text"]])
        assert np.all(np.diff(own) < ROUNDING)


def test_the_pair_is_where_the_weight_is(many: Path) -> None:
    frame = attnmetrics.exemplars(many).query("rank % 10 == 1")
    for row in frame.itertuples():
        alpha = attention_float64(MODELS["demo"], row.text).alpha[row.layer, row.head]
        assert abs(alpha[row.i, row.j] - row.weight) < ROUNDING
        assert len(row.pieces) == len(alpha)
