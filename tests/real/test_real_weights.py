"""Real pretrained weights: every metric of every head against float64, and what is known of these models' heads.

`make real` fetches the models (see `fetch.py`) and shows the largest errors, as shares of what is allowed.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
import xarray as xr
from agreement import WEIGHT, check_exemplars, measured, referred, worst_ratios
from check_cards import check_page
from gold import corpus
from pages import needs_chromium

import attnmetrics
from attnmetrics.assets import CORPORA

pytestmark = pytest.mark.real
MODELS = Path(os.environ.get("ATTNMETRICS_REAL_MODELS", "runs/real-models"))
SENTENCES = {"minilm": 60, "smollm2": 24}
SHOWN = 10
TIES = 2
"""Rounding decides which of a head's argmaxes are near ties where the margin is that of one."""


def folder_of(name: str) -> Path:
    folder = MODELS / name
    assert folder.is_dir(), f"expected the model {name} in {MODELS}, found none; `make real` fetches it"
    return folder


@pytest.mark.parametrize("name", SENTENCES)
def test_every_metric_of_every_head_agrees_with_float64(name: str) -> None:
    articles = [json.loads(line)["text"] for line in CORPORA["demo"].read_text(encoding="utf-8").splitlines()]
    texts = [f"{sentence}." for article in articles for sentence in article.split(". ")[:4]][: SENTENCES[name]]
    sentences = corpus(texts)
    found, exemplars, *_ = measured(folder_of(name), sentences, None)
    expected, maps = referred(folder_of(name), sentences, None)
    ratios = worst_ratios(found, expected)
    weight = check_exemplars(exemplars, expected, maps)
    largest = sorted(ratios, key=ratios.__getitem__, reverse=True)[:SHOWN]
    print(f"\n{name}, {len(sentences)} sentences, torch {torch.__version__}, transformers {transformers.__version__}:")
    print(f"weights of exemplars {weight / WEIGHT:.2f};", ", ".join(f"{one} {ratios[one]:.2f}" for one in largest))
    ties = np.abs(found["near_ties"].to_numpy() - expected.results()["near_ties"])
    assert ties.max() <= TIES
    del ratios["near_ties"]
    assert max(ratios.values()) <= 1, {one: ratio for one, ratio in ratios.items() if ratio > 1}
    assert weight <= WEIGHT


@pytest.fixture(scope="module")
def measured_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a run over six documents of the demo corpus, each model once."""
    runs = tmp_path_factory.mktemp("runs")

    def folder(name: str) -> Path:
        if not (runs / name).exists():
            attnmetrics.run(model=folder_of(name), corpus="demo", max_documents=6, engine="inline", out=runs / name)
        return runs / name

    return folder


@pytest.fixture(scope="module")
def run(measured_in: Callable[[str], Path]) -> Callable[[str], xr.Dataset]:
    """Its results."""
    return lambda name: attnmetrics.load(measured_in(name))


@needs_chromium
@pytest.mark.parametrize("name", SENTENCES)
def test_the_sentences_behind_every_card_show_it(name: str, measured_in: Callable[[str], Path]) -> None:
    folder = measured_in(name)
    verdicts = check_page(folder / "report" / "index.html", folder / "annotations")
    print(f"\n{name}: {sum(one.is_right for one in verdicts)} of {len(verdicts)} cards")
    assert len(verdicts) >= 12
    assert [one for one in verdicts if not one.is_right] == []


@pytest.mark.parametrize(("name", "layer", "head", "least"), [("minilm", 0, 2, 0.99), ("smollm2", 16, 0, 0.8)])
def test_the_previous_token_head(
    name: str, layer: int, head: int, least: float, run: Callable[[str], xr.Dataset]
) -> None:
    previous = run(name)["attention_at_offset"].sel(offset=1).to_numpy()
    assert np.unravel_index(previous.argmax(), previous.shape) == (layer, head)
    assert previous[layer, head] > least


def test_an_induction_head_follows_what_came_before(run: Callable[[str], xr.Dataset]) -> None:
    data = run("smollm2")
    induction = data["induction_attention"].to_numpy()
    assert np.unravel_index(induction.argmax(), induction.shape) == (17, 5)
    assert induction[17, 5] > 4 * float(data["induction_attention_uniform"])


def test_half_of_a_decoder_rests_on_the_first_piece(run: Callable[[str], xr.Dataset]) -> None:
    null = run("smollm2")["null_attention"]
    assert 0.4 < float(null.median()) < 0.7
    assert float(null.max()) > 0.99
    assert float(null.sel(layer=[0, 1]).median()) < 0.2
