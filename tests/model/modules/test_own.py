"""Attention as a model itself gives it: what is read of it, and how sentences share a batch."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checks import assert_same_bits
from models import TEXTS, save_network
from shards import annotate, measure
from sweep.small import make
from transformers import (
    BigBirdConfig,
    FSMTConfig,
    FSMTModel,
    OpenAIGPTConfig,
    OpenAIGPTModel,
    ReformerConfig,
    T5Config,
    T5Model,
    XmodConfig,
    XmodModel,
)

from attnmetrics.errors import ModelError, ViewError
from attnmetrics.model.blocks import read_whole
from attnmetrics.model.kernels.reductions import Reductions, want_nothing
from attnmetrics.model.language import load_language_model
from attnmetrics.model.load import Model, attention_maps, load_model
from attnmetrics.model.modules.capture import Pass
from attnmetrics.model.modules.own import _spread, find_sinks, given_by
from attnmetrics.model.modules.stacks import Stack, take_stack
from attnmetrics.model.pack import pack
from attnmetrics.model.reading import attend, read
from attnmetrics.model.trials.numbering import number_layers
from attnmetrics.model.trials.probe import Layout, Probe, capture_maps, find_first_position, probe
from attnmetrics.model.trials.windows import length_in
from attnmetrics.pieces.align import Template
from attnmetrics.views.text.content import require_neurons

CPU = torch.device("cpu")
LENGTHS = (1, 2, 9, 9, 30)


def sentences_of(largest: int) -> list[list[int]]:
    random = np.random.default_rng(0)
    return [random.integers(3, largest, length).tolist() for length in LENGTHS]


def probed(kind: str, stack: Stack = "encoder") -> tuple[torch.nn.Module, Probe]:
    network = make(kind, stack)
    return network, probe(network, [ids[:12] for ids in sentences_of(290)], CPU)


@pytest.mark.parametrize("kind", ["openai-gpt", "deberta-v2", pytest.param("mpnet", marks=pytest.mark.soak), "t5"])
def test_a_batch_has_what_transformers_gives_each_sentence_in_float64(kind: str) -> None:
    network, found = probed(kind)
    assert found.layout.own
    exact = deepcopy(network).double()
    maps, _ = capture_maps(network, found.layout, sentences_of(290), found.causal, tuple(range(found.layers)), CPU)
    for ids, ours in zip(sentences_of(290), maps, strict=True):
        with torch.inference_mode():
            theirs = torch.cat(exact(input_ids=torch.tensor([ids]), output_attentions=True).attentions)
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=2e-5)


def test_weights_of_a_band_are_put_at_their_columns() -> None:
    config = type("Config", (), {"attention_window": [4]})()
    band = torch.rand(2, 3, 7, 5)
    expected = torch.zeros(2, 3, 7, 7)
    for i in range(7):
        for k in range(5):
            if 0 <= i + k - 2 < 7:
                expected[:, :, i, i + k - 2] = band[:, :, i, k]
    assert torch.equal(_spread(config, band, 7), expected)
    assert _spread(config, expected, 7) is expected


def test_weights_of_blocks_are_put_at_their_columns() -> None:
    config = type("Config", (), {"local_radius": 2})()
    blocks = torch.rand(2, 3, 4, 3, 9)
    expected = torch.zeros(2, 4, 8, 8)
    for i in range(8):
        for place in range(9):
            if 0 <= (j := 3 * (i // 3 - 1) + place) < 8:
                expected[:, :, i, j] = blocks[:, i // 3, :, i % 3, place]
    assert torch.equal(_spread(config, blocks, 8), expected)
    assert _spread(type("Other", (), {})(), blocks, 8) is blocks


def test_blocks_are_those_of_the_formula() -> None:
    """Of LongT5's first layer: softmax of q·k and a bias of distance, over pieces at most `local_radius` away."""
    network, ids = make("longt5"), torch.arange(10, 30)[None]
    network.config.local_radius = 4
    attention, norm = network.block[0].layer[0].LocalSelfAttention, network.block[0].layer[0].layer_norm
    attention.block_len = network.block_len = 5
    i = torch.arange(20)
    with torch.inference_mode():
        read = norm(network.embed_tokens(ids))
        query, key = (side(read).view(20, 4, -1).transpose(0, 1) for side in (attention.q, attention.k))
        buckets = attention._relative_position_bucket(i - i[:, None], True, 32, 128)
        scores = query @ key.mT + attention.relative_attention_bias(buckets).permute(2, 0, 1)
    expected = scores.masked_fill((i - i[:, None]).abs() > 4, -torch.inf).softmax(-1)
    for layer in network.block[1:]:
        layer.layer[0].LocalSelfAttention.block_len = 5
    np.testing.assert_allclose(given_by(network, ids)[0][0], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["squeezebert", "prophetnet"])
def test_scores_that_a_model_gives_become_shares(kind: str) -> None:
    network, ids = make(kind), torch.tensor([[5, 6, 7, 8, 9]])
    with torch.inference_mode():
        scores = torch.cat(network(input_ids=ids, output_attentions=True).attentions)
    powers = np.exp(scores.double().numpy() - scores.double().numpy().max(-1, keepdims=True))
    assert scores.min() < 0
    np.testing.assert_allclose(torch.cat(given_by(network, ids)), powers / powers.sum(-1, keepdims=True), atol=1e-6)


def test_an_encoder_that_is_no_model_by_itself_is_read() -> None:
    config = FSMTConfig(src_vocab_size=60, tgt_vocab_size=60, d_model=16, encoder_layers=2, decoder_layers=1,
                        encoder_ffn_dim=16, decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2,
                        max_position_embeddings=20)  # fmt: skip
    network, ids = FSMTModel(config).eval(), torch.tensor([[5, 6, 7, 8, 9]])
    with torch.inference_mode():
        expected = torch.cat(network(ids, output_attentions=True).encoder_attentions)
    found = given_by(take_stack(network, "encoder", Template()), ids)
    np.testing.assert_allclose(torch.cat(found), expected, atol=1e-6)


def test_the_decoder_of_prophetnet_reads_its_longest_sentence() -> None:
    network = make("prophetnet", "decoder")
    longest = 140 - find_first_position(network) - network.beside
    assert len(given_by(network, torch.full((1, longest), 7))) == 2
    with pytest.raises(ModelError, match="ProphetNetModel can't run on text alone: IndexError"):
        given_by(network, torch.full((1, longest + 1), 7))


def test_models_of_blocks_are_read_whole_up_to_their_blocks() -> None:
    bird = BigBirdConfig(block_size=2, num_random_blocks=1)
    read_whole(bird)
    assert (bird.attention_type, bird.longest_whole) == ("original_full", 14)
    whole = BigBirdConfig(attention_type="original_full")
    read_whole(whole)
    assert not hasattr(whole, "longest_whole")
    reformer = ReformerConfig(lsh_attn_chunk_length=6, local_attn_chunk_length=4)
    read_whole(reformer)
    assert length_in(reformer, "longest_whole") == 4


def test_layers_that_pool_pieces_keep_their_numbers() -> None:
    network, ids = make("funnel"), [5, 6, 7, 8, 9]
    found = number_layers(network, Layout(True, own="it gives its own"), ids, False, 4, CPU)
    assert found.attending == (0, 1, 4, 5)
    assert dict(found.others) == {"no attention between all pieces": (2, 3)}


def test_a_window_that_layers_differ_in_is_the_smallest() -> None:
    config = make("neomme").config
    windows = [config.per_layer_config[layer].sliding_window for layer in range(config.num_hidden_layers)]
    assert length_in(config, "sliding_window") == min(window for window in windows if window)
    assert len(set(windows)) > 1
    assert length_in(config, "no_such_length") == 0


def test_a_model_with_weights_of_each_language_is_told_which(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = XmodConfig(vocab_size=400, languages=("en_XX", "de_DE"), **sizes)
    folder = save_network(tmp_path, XmodModel(config))
    with pytest.raises(ModelError, match=r"expected default_language in config.json .* one of en_XX, de_DE"):
        load_model(folder)


def test_what_rows_lack_is_on_a_sink_where_there_is_one() -> None:
    rows = [np.full((1, 1, 2, 2), 0.4)]
    with_sink = torch.nn.ParameterDict({"sinks": torch.ones(1)})
    assert find_sinks(with_sink, rows)
    assert not find_sinks(with_sink, [np.full((1, 1, 2, 2), 0.5)])
    with pytest.raises(ModelError, match=r"expected rows of attention that sum to 1 .* sums from 0\.8 to 0\.8 and no"):
        find_sinks(torch.nn.Linear(1, 1), rows)


def test_a_sink_is_null_and_no_piece() -> None:
    """Row 0 has 0.4 of itself, row 1 has 0.3 and 0.1 of the two; what is left is on the sink."""
    (batch,) = pack(np.array([2]), np.ones(1, np.bool_), 9, 9, equal_lengths=True)
    seen: list[Reductions] = []
    current = Pass(lambda *_: (None, None), want_nothing(batch, True, CPU), (0,), lambda _, found: seen.append(found))
    weights = torch.tensor([[[[0.4, 0.0], [0.3, 0.1]]]], dtype=torch.float64)
    current.take(weights, 1 - weights.sum(-1))
    (found,) = seen
    np.testing.assert_allclose(found.sink, [[0.6], [0.6]])
    np.testing.assert_allclose(found.null, [[0.6], [0.6]])
    np.testing.assert_allclose(found.given, [[0.4], [0.4]])
    np.testing.assert_allclose(found.received, [[0.7], [0.1]])
    shares = np.array([0.3, 0.1, 0.6])
    np.testing.assert_allclose(found.entropy_all[1], -(shares * np.log(shares)).sum())
    np.testing.assert_allclose(found.entropy[1], -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    np.testing.assert_allclose(found.largest, [[0.4], [0.3]])


def test_shares_beside_a_sink_are_compared_as_shares() -> None:
    """Granite gives softmax over pieces, and multiplies what it mixes with what a sink leaves."""
    network, found = probed("granite_swa")
    with torch.no_grad():
        for layer in network.layers:
            layer.self_attn.sinks.normal_(0, 2)
    ids = sentences_of(290)[2]
    ((ours,), _) = capture_maps(network, found.layout, [ids], True, (0, 1), CPU)
    network.set_attn_implementation("eager")
    given = torch.cat(given_by(network, torch.tensor([ids])[:, :9])).numpy()[:2]
    left = ours.sum(-1, keepdims=True)
    assert left.min() < 0.5
    np.testing.assert_allclose(ours, given * left, atol=1e-5)
    assert not found.layout.own


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("glm_moe_dsa", "an indexer chooses a few pieces that each piece attends to"),
        pytest.param("ibert", "IBertModel computes attention in code of its own", marks=pytest.mark.soak),
    ],
)
def test_the_reason_is_the_reason(kind: str, reason: str) -> None:
    assert reason in probed(kind)[1].layout.own


def test_attention_of_several_softmaxes_is_refused() -> None:
    with pytest.raises(ModelError, match=r"expected one softmax .* of DiffLlamaModel, found 8 in 4 layers"):
        probed("diffllama")


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> Model:
    config = OpenAIGPTConfig(vocab_size=400, n_embd=32, n_layer=3, n_head=4)
    return load_model(save_network(tmp_path_factory.mktemp("gpt"), OpenAIGPTModel(config)), layers=(0, 2), threads=1)


def test_it_says_why_and_keeps_the_numbers_of_layers(gpt: Model) -> None:
    facts = gpt.describe()
    assert (facts["kernel"], facts["layers"], facts["causal"]) == ("own", [0, 2], True)
    assert "OpenAIGPTModel computes attention in code of its own" in facts["own_attention"]
    assert facts["layers_without_norm"] == [0, 2]
    every, some = gpt.numbering.attending, attention_maps(gpt, [[5, 6, 7]])[0]
    assert every == (0, 1, 2)
    assert some.shape == (2, 4, 3, 3)


def test_batches_are_bounded_by_pairs() -> None:
    lengths = np.array([4, 4, 4, 4, 9, 9])
    found = [batch.rows.tolist() for batch in pack(lengths, np.ones(6, np.bool_), 100, 1000, True, most_pairs=40)]
    assert found == [[0, 1], [2, 3], [4], [5]]


def test_threads_change_no_bit(gpt: Model) -> None:
    sentences = annotate(TEXTS[:8])
    one, three = (measure(sentences, replace(gpt, threads=threads), batch_pieces=60) for threads in (1, 3))
    assert_same_bits(one, three)


def test_a_view_shows_what_the_model_gives(gpt: Model) -> None:
    reading = read(gpt, "The river rises in the hills.")
    found = attend(gpt, reading)
    np.testing.assert_array_equal(found.weights, attention_maps(gpt, [reading.ids.tolist()])[0])
    np.testing.assert_array_equal(found.of_rows([2]), found.weights[:, :, [2]])
    with pytest.raises(ViewError, match="expected attention that is made of queries and keys alone"):
        require_neurons(gpt, found)


def test_gradients_of_it_are_refused(gpt: Model) -> None:
    with pytest.raises(ModelError, match="whose attention can be computed for it, found OpenAIGPTModel"):
        load_language_model(gpt)


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    config = T5Config(vocab_size=400, d_model=32, d_kv=8, d_ff=32, num_layers=2, num_heads=4, decoder_start_token_id=0)
    yield save_network(tmp_path_factory.mktemp("t5"), T5Model(config))


def test_a_decoder_reads_the_text_of_its_encoder(t5: str) -> None:
    model = load_model(t5, stack="decoder")
    assert (model.causal, model.template.before, model.attends.leading) == (True, (0,), 1)
    ids = model.tokenizer.encode("Nobody knew.").ids
    assert ids[0] == 0
    whole = T5Model.from_pretrained(t5, attn_implementation="eager").eval()
    with torch.inference_mode():
        found = whole(torch.tensor([ids[1:]]), decoder_input_ids=torch.tensor([ids]), output_attentions=True)
    expected = torch.cat(found.decoder_attentions).numpy()
    np.testing.assert_allclose(attention_maps(model, [ids, ids])[1], expected, rtol=0, atol=1e-5)


def test_the_encoder_is_measured_unless_the_decoder_is_asked_for(t5: str, gpt: Model) -> None:
    model = load_model(t5)
    assert (type(model.network).__name__, model.causal, model.layers) == ("T5Stack", False, (0, 1))
    with pytest.raises(ModelError, match=r"for --stack decoder, found .* which has one stack"):
        load_model(str(Path(gpt.name)), stack="decoder")
