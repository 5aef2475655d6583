"""What looks at α beside a GPU finds the same as in the forward pass, and what it raises is heard."""

from pathlib import Path
from threading import Thread

import pytest
import torch
from checks import assert_same_bits
from models import save_model, save_network
from shards import annotate, measure
from sweep.small import make

from attnmetrics.measuring import shard
from attnmetrics.measuring.beside import Onlooker, Room
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.modules.look import Layer
from attnmetrics.model.pack import Tile

TEXTS = ("Nobody knew.", '"We had nothing to lose," he said.', "It rains.", "The dog saw the dog.")
TILE = Tile(sentence=0, count=1, start=0, length=2, row=0, rows=2, measured=True)


PIECES = 400
"""More than the tokenizer has."""


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(str(save_model(tmp_path_factory.mktemp("model"), "gpt2", layers=2)), threads=3)


def layer_of(place: int) -> Layer:
    return Layer(place, None)


@pytest.mark.parametrize("waiting", [1, 1 << 30])
def test_beside_a_gpu_a_shard_has_the_same_bits(gpt2: Model, monkeypatch: pytest.MonkeyPatch, waiting: int) -> None:
    sentences = annotate(TEXTS)
    plain = measure(sentences, gpt2, batch_pieces=16)
    monkeypatch.setattr(shard, "_read", shard._read_beside)
    monkeypatch.setattr(shard, "Room", lambda: Room(waiting))
    assert plain.state["divergence_sum"].any()
    assert len(plain.claims)
    assert_same_bits(measure(sentences, gpt2, batch_pieces=16), plain)


@pytest.mark.parametrize("kind", ["gpt_oss", "bloom"])
def test_sinks_and_alibi_are_read_beside_a_gpu(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By threads in which a model's parameters have gradients."""
    network = make(kind)
    network.resize_token_embeddings(PIECES, mean_resizing=False)
    sentences, model = annotate(TEXTS), load_model(save_network(tmp_path, network), threads=2)
    plain = measure(sentences, model)
    monkeypatch.setattr(shard, "_read", shard._read_beside)
    assert_same_bits(measure(sentences, model), plain)


def test_tiles_are_looked_at_in_order_and_wait_for_room() -> None:
    seen: list[tuple[int, float]] = []
    room = Room(2 * torch.zeros(2, 2).nbytes)
    onlooker = Onlooker(lambda layer, _, weights: seen.append((layer.place, float(weights.sum()))), room)
    with onlooker.looking() as see:
        for place in range(50):
            see(layer_of(place), TILE, torch.full((2, 2), place / 4))
    onlooker.wait()
    assert seen == [(place, float(place)) for place in range(50)]


def test_what_is_raised_while_looking_is_raised_when_waited_for() -> None:
    def fail(layer: Layer, tile: Tile, weights: torch.Tensor) -> None:
        raise ValueError(f"layer {layer.place}")

    onlooker = Onlooker(fail, Room(1))
    with onlooker.looking() as see:
        for place in range(3):
            see(layer_of(place), TILE, torch.zeros(2, 2))
    with pytest.raises(ValueError, match="layer 0"):
        onlooker.wait()


def test_a_pass_that_fails_leaves_no_thread_behind() -> None:
    onlooker = Onlooker(lambda *_: None, Room())
    with pytest.raises(RuntimeError, match="of the model"), onlooker.looking():
        raise RuntimeError("of the model")
    onlooker.wait()


def test_room_is_waited_for() -> None:
    room = Room(10)
    room.take(25)  # more than there is, but nothing else is there
    waiting = Thread(target=room.take, args=[1])
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    room.give_back(25)
    waiting.join(5)
    assert not waiting.is_alive()
