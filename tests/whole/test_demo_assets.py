"""The model, the pipeline and the corpus in the package show what they are there to show."""

import json
from pathlib import Path

import numpy as np
import pytest

import attnmetrics
from attnmetrics.assets import ASSETS, CORPORA, MODELS, PIPELINES
from attnmetrics.model.load import Model, attention_maps, load_model

SPAN = 30
"""Random pieces that come twice."""


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(str(MODELS["demo"]), device="cpu", threads=1)


def test_a_head_looks_at_the_previous_piece(demo_run: Path) -> None:
    at_previous = attnmetrics.load(demo_run)["attention_at_offset"].sel(offset=1)
    assert float(at_previous.max()) > 0.8


def test_heads_rest_on_the_first_piece(demo_run: Path) -> None:
    null = attnmetrics.load(demo_run)["null_attention"]
    assert float(null.max()) > 0.8
    assert float(null.min()) < 0.2


def test_the_head_that_looks_back_to_a_repetition_is_the_induction_head(model: Model, demo_run: Path) -> None:
    """In random pieces that come twice: from a piece to the one after its earlier occurrence. In natural text it is the
    first by its attention to such pieces over what even attention would give, of what it leaves off null.
    """
    random = np.random.default_rng(0)
    spans = random.integers(300, 4000, (20, SPAN))
    maps = attention_maps(model, [np.tile(span, 2).tolist() for span in spans])
    rows = np.arange(SPAN, 2 * SPAN - 1)
    looked = np.mean([alpha[:, :, rows, rows - SPAN + 1].mean(-1) for alpha in maps], axis=0)
    assert looked.max() > 0.5
    data = attnmetrics.load(demo_run)
    even = data["induction_attention_uniform"] * (1 - data["null_attention"])
    score = (data["induction_attention"] / even).values
    first = np.unravel_index(looked.argmax(), looked.shape)
    assert first == np.unravel_index(score.argmax(), score.shape) == (1, 4)
    assert score[first] > 20


def test_the_corpus_is_large_enough(demo_run: Path) -> None:
    records = [json.loads(line) for line in CORPORA["demo"].read_text().splitlines()]
    assert len({record["id"] for record in records}) == len(records) > 30
    assert sum(record["text"].count(". ") + 1 for record in records) >= 300


def test_everything_is_small_and_has_a_card() -> None:
    files = [path for path in ASSETS.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 40e6
    for card in (MODELS["demo"] / "README.md", PIPELINES["en_ud_core"] / "README.md", ASSETS / "corpus.README.md"):
        text = card.read_text()
        assert "CC" in text
        assert "licence" in text.lower()
