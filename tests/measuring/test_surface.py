"""Attention whatever it means, and whole rows: the same by every kernel and null policy; NaN without evidence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from kernel_cases import with_triton
from models import TEXTS, save_model
from shards import annotate, measure, new_schema

from attnmetrics.annotation.sentence import Sentences
from attnmetrics.model.kernels.compiled import compiled
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel
from attnmetrics.model.load import Model, choose_attends, load_model
from attnmetrics.results.dataset import dataset
from attnmetrics.statistics.variability import deviations

NAMES = ("special_attention", "separator_attention", "neighbour_attention", "entropy_all", "entropy_summary",
         "peak_attention")  # fmt: skip
SENTENCES = annotate(TEXTS[:6])


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(str(save_model(tmp_path_factory.mktemp("model") / "bert", "bert", layers=1, sharp=True)))


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(str(save_model(tmp_path_factory.mktemp("model") / "gpt2", "gpt2", layers=2, sharp=True)))


def results(model: Model, kernel: Kernel | None = None, sentences: Sentences = SENTENCES) -> xr.Dataset:
    found = measure(sentences, model, kernel=kernel)
    return dataset(new_schema(model), found.state.sums | deviations(lambda: [found.blocks]))


def check_equal(found: xr.Dataset, expected: xr.Dataset) -> None:
    for name in NAMES:
        for spelled in (name, f"{name}_by_layer", f"{name}_uniform"):
            np.testing.assert_allclose(found[spelled], expected[spelled], rtol=2e-6, atol=1e-7, err_msg=spelled)


@pytest.mark.parametrize("null", ["special", "none"])
def test_both_kernels_of_a_cpu_give_the_same(bert: Model, null) -> None:
    model = replace(bert, attends=choose_attends(null, False, bert.template))
    expected = results(model, dense)
    assert expected["separator_attention"].max() > 0.1
    check_equal(results(model, compiled), expected)


@with_triton
def test_the_kernel_of_a_gpu_gives_the_same(bert: Model) -> None:
    from attnmetrics.model.kernels.fused import Fused

    short, model = annotate(("Go on.", "b")), bert
    expected = results(model, dense, short)
    for kernel in (Fused(), Fused(longest=0, side=16)):
        check_equal(results(model, kernel, short), expected)


def test_what_is_null_changes_nothing(bert: Model) -> None:
    expected = results(bert)
    for null in ("first", "none"):
        check_equal(results(replace(bert, attends=choose_attends(null, False, bert.template))), expected)
    for name in ("special_attention", "special_attention_by_layer", "special_attention_uniform"):
        np.testing.assert_allclose(expected[name].sum("special"), 1, rtol=0, atol=1e-12)


def test_a_causal_model_without_a_template_has_no_next_piece_and_no_separator(gpt2: Model) -> None:
    found = results(gpt2)
    assert np.isnan(found["separator_attention"]).all() and np.isnan(found["separator_attention_uniform"]).all()
    assert np.isnan(found["neighbour_attention"].sel(neighbour="next")).all()
    assert np.isfinite(found["neighbour_attention"].sel(neighbour=["previous", "current"])).all()
    assert np.isfinite(found["entropy_summary"]).all()
    first = found["special_attention"].sel(special="first")  # all of the first row, so more than one row's share
    assert (first > found["sentences"] / found["pieces"]).all()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "llama", "llama", layers=1, sharp=True)


def test_the_begin_of_text_piece_is_the_first_and_no_separator(folder: Path) -> None:
    found = results(load_model(str(folder)))
    assert np.isnan(found["separator_attention"]).all()
    assert (found["special_attention"].sel(special="separator") == 0).all()
