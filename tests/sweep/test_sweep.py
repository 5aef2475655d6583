"""Architectures of transformers, as small models: a few of each kind, and, on demand, all of them."""

import pytest
import torch

from attnmetrics.errors import ModelError
from sweep.__main__ import _is_even, look, rows
from sweep.small import architectures, make

KINDS = {"gemma2": "fast", "gpt_oss": "fast", "bart": "equal lengths", "squeezebert": "own", "longt5": "own"}
MORE = {
    "llama": "fast", "modernbert": "fast", "gemma4_text": "fast", "granite_swa": "fast",
    "qwen4_exp_text": "own", "longformer": "own", "big_bird": "own", "neomme": "fast",
    "zaya": "equal lengths", "pegasus_x": "own", "fsmt": "own", "funnel": "own", "prophetnet": "own",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "how"), [*KINDS.items(), *(pytest.param(*each, marks=pytest.mark.soak) for each in MORE.items())]
)
def test_an_architecture_has_its_own_attention(kind: str, how: str) -> None:
    found = look(kind)
    assert (found.how, found.difference < 1e-5) == (how, True), found


def test_a_small_model_that_attends_evenly_shows_nothing() -> None:
    network = make("bert")
    assert not _is_even(network, [5, 6, 7, 8])
    with torch.no_grad():
        network.encoder.layer[1].attention.self.query.weight.zero_()
    assert _is_even(network, [5, 6, 7, 8])


def drift(kind: str) -> float:
    """How far a model of eager attention, which ours is compared with, is from what transformers runs by default."""
    ids = torch.arange(10, 40)[None]
    try:
        with torch.inference_mode():
            eager, default = (make(kind, attention=name)(input_ids=ids)[0] for name in ("eager", None))
    except (ModelError, ValueError):  # refused, or xLSTM, which fails with any text
        return 0.0
    return float((eager - default).abs().max() / default.abs().max())


@pytest.mark.parametrize("kind", ["falcon"])
def test_eager_attention_is_what_a_model_does(kind: str) -> None:
    assert drift(kind) < 1e-4


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_eager_attention_is_what_every_architecture_does() -> None:
    assert {kind: found for kind in architectures() if (found := drift(kind)) > 1e-4} == {}


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_architecture_is_measured_or_refused_for_a_reason() -> None:
    found = list(rows(architectures()))
    print("\n".join(map(str, found)))
    assert not [one for one in found if one.how in ("traceback", "not built")]
    assert not [one for one in found if one.difference > 1e-4]
    assert len([one for one in found if one.how == "refused"]) < 12
