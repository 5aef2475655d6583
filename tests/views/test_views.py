"""What the head, model and neuron views hold: attention as transformers computes it, and errors that help."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import FAMILIES, TEXTS, make_tokenizer, save_model
from numpy.typing import NDArray
from pages import page_data
from scipy.special import softmax
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BartConfig,
    BartForConditionalGeneration,
    PreTrainedModel,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.modeling_outputs import BaseModelOutput, BaseModelOutputWithPastAndCrossAttentions, Seq2SeqModelOutput

from attnmetrics import views
from attnmetrics.assets import MODELS
from attnmetrics.errors import AttnmetricsError, ModelError, ViewError
from attnmetrics.model.load import Model, load_model
from attnmetrics.views.page import Packed
from attnmetrics.views.pieces import is_unseen, readable
from attnmetrics.views.text.words import group_words

TEXT = TEXTS[1]
PAIR = (TEXTS[4], TEXTS[9])
TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / request.param, request.param, sharp=True)


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Model:
    return load_model(str(folder))


@pytest.fixture(scope="module")
def demo() -> Model:
    return load_model(str(MODELS["demo"]))


def unpack(packed: Packed, kind: str, *shape: int) -> NDArray[Any]:
    return np.frombuffer(packed.content, dtype=kind).reshape(shape)


def weights(view: views.View, place: int = 0) -> NDArray[np.float64]:
    """[layer, head, i, j] as a page holds them."""
    found = view.data["maps"][place]
    sides = (len(view.data["sides"][found[side]]["pieces"]) for side in ("rows", "columns"))
    packed = unpack(found["weights"], "<u4", len(view.data["layers"]), len(view.data["heads"]), *sides)
    return packed.astype(np.float64) / 2**20


def eager(folder: Path, *texts: str) -> tuple[NDArray[np.float64], tuple[Any, ...]]:
    network = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    arguments = tokenizer(*texts, return_tensors="pt", return_token_type_ids=len(texts) == 2)
    with torch.inference_mode():
        found = network(**arguments, output_attentions=True)
    return torch.stack(found.attentions)[:, 0].double().numpy(), found.attentions


@pytest.mark.parametrize("view", [views.head, views.model])
def test_weights_are_those_of_eager_attention(view: Callable[..., views.View], folder: Path, loaded: Model) -> None:
    expected, _ = eager(folder, TEXT)
    assert expected.max() > 0.9
    np.testing.assert_allclose(weights(view(loaded, TEXT)), expected, rtol=0, atol=TOLERANCE)


def test_queries_and_keys_give_the_same_softmax(folder: Path, loaded: Model) -> None:
    expected, _ = eager(folder, TEXT)
    found = views.neuron(loaded, TEXT).data["neuron"]
    layers, heads, n, _ = expected.shape
    query, key = (unpack(found[name], "<f4", layers, heads, n, found["width"]) for name in ("query", "key"))
    scores = np.einsum("lhid,lhjd->lhij", query.astype(np.float64), key) * np.reshape(found["scaling"], (-1, 1, 1, 1))
    if loaded.causal:
        scores[..., np.triu(np.ones((n, n), dtype=bool), 1)] = -np.inf
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    np.testing.assert_allclose(powers / powers.sum(-1, keepdims=True), expected, rtol=0, atol=TOLERANCE)


def test_a_pair_is_read_with_its_segments(tmp_path: Path) -> None:
    bert = save_model(tmp_path / "bert", "bert", sharp=True)
    expected, _ = eager(bert, *PAIR)
    view = views.head(str(bert), PAIR)
    np.testing.assert_allclose(weights(view), expected, rtol=0, atol=TOLERANCE)
    side = view.data["sides"][0]
    marks = [place for place, piece in enumerate(side["pieces"]) if piece in ("[CLS]", "[SEP]")]
    assert len(marks) == 3
    assert side["second"] == marks[1] + 1
    assert [place for place, null in enumerate(side["null"]) if null] == marks
    assert side["words"][side["second"]] > side["words"][side["second"] - 1]


def test_a_subset_of_layers_and_heads(folder: Path, loaded: Model) -> None:
    expected, _ = eager(folder, TEXT)
    view = views.model(loaded, TEXT, include_layers=[2, 1], include_heads=[0, 3])
    assert (view.data["layers"], view.data["heads"]) == ([1, 2], [0, 3])
    np.testing.assert_allclose(weights(view), expected[1:][:, [0, 3]], rtol=0, atol=TOLERANCE)


def test_bare_tensors_and_arrays_are_drawn(folder: Path) -> None:
    expected, tensors = eager(folder, TEXT)
    tokens = [f"t{place}" for place in range(expected.shape[-1])]
    for attention in (tensors, expected, list(expected), [layer.to(torch.float64) for layer in tensors]):
        view = views.head(attention, tokens, layer=1, heads=[2], null=[0], second=3)
        np.testing.assert_allclose(weights(view), expected, rtol=0, atol=TOLERANCE)
    assert view.data["sides"][0]["pieces"] == tokens
    assert view.data["sides"][0]["null"] == [True] + [False] * (len(tokens) - 1)
    assert view.data["preset"] | {"layer": 1, "heads": [2]} == view.data["preset"]


def even(*shape: int) -> NDArray[np.float64]:
    return np.full(shape, 1 / shape[-1])


def test_encoder_decoder_and_cross_attention() -> None:
    view = views.head(
        encoder_attention=even(2, 3, 4, 4), decoder_attention=even(2, 3, 2, 2), cross_attention=even(2, 3, 2, 4),
        encoder_tokens=["a", "b", "c", "d"], decoder_tokens=["x", "y"],
    )  # fmt: skip
    assert [found["name"] for found in view.data["maps"]] == ["Encoder", "Decoder", "Cross"]
    assert weights(view, 2).shape == (2, 3, 2, 4)
    assert view.data["sides"][view.data["maps"][2]["rows"]]["pieces"] == ["x", "y"]


def test_generated_text_is_the_likeliest_and_looked_at_as_a_whole(demo: Model) -> None:
    prompt, added = "The river rises in the hills", 5
    tokenizer = AutoTokenizer.from_pretrained(MODELS["demo"])
    network = AutoModelForCausalLM.from_pretrained(MODELS["demo"], attn_implementation="eager").eval()
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        for _ in range(added):
            ids = torch.cat([ids, network(ids).logits[:, -1:].argmax(-1)], dim=1)
        expected = torch.stack(network(ids, output_attentions=True).attentions)[:, 0]
    view = views.head(demo, prompt, generate=added)
    np.testing.assert_allclose(weights(view), expected.double().numpy(), rtol=0, atol=TOLERANCE)
    assert view.data["sides"][0]["generated"] == added


def test_words_join_the_pieces_of_letters_and_digits() -> None:
    def words(pieces: list[str], text: str) -> list[int]:
        return group_words(readable(pieces, text))

    assert words(["The", "Ġri", "ver", "'s", "Ġname", ",", "Ġ19", "94"], "The river's name, 1994") == [
        0,
        1,
        1,
        2,
        3,
        4,
        5,
        5,
    ]
    assert words(["[CLS]", "em", "##bed", "-", "ding", "[SEP]"], "Embed-ding") == [0, 1, 1, 2, 3, 4]
    assert words([], "") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("الطبيب وصل", ["الطبيب", "␣", "وصل"]),
        ("a 👩‍👧‍👦 b", ["a", "␣", "👩‍👧‍👦", "b"]),
        ("🇵🇱 ☂️ x", ["🇵🇱", "☂️", "␣", "x"]),
        ("Müller's unbelievable naïveté", ["Müller", "'s", "unbelievable", "naïveté"]),
    ],
)
def test_a_word_is_written_as_its_text_has_it(demo: Model, text: str, expected: list[str]) -> None:
    side = views.head(demo, text).data["sides"][0]
    assert side["texts"] == expected
    assert len(side["pieces"]) == len(side["words"]) > len(expected)
    assert not [piece for piece in side["pieces"] if piece != "␣" and all(map(is_unseen, piece))]


def test_a_view_of_many_heads_opens_with_a_few() -> None:
    assert views.head(even(1, 8, 2, 2), ["a", "b"]).data["preset"]["heads"] == list(range(8))
    assert views.head(even(1, 9, 2, 2), ["a", "b"]).data["preset"]["heads"] == [0, 1, 2]
    assert views.head(even(1, 9, 2, 2), ["a", "b"], heads=[4, 8]).data["preset"]["heads"] == [4, 8]


def test_a_view_is_a_page_or_a_frame(demo: Model, tmp_path: Path) -> None:
    view = views.neuron(demo, "The cat sat.", layer=1, head=2, token=3, theme="dark")
    page = view.save(tmp_path / "neuron.html").read_text(encoding="utf-8")
    assert page == view.html()
    assert 'data-theme="dark"' in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert page_data(page)[0]["sides"] == view.data["sides"]
    assert view.data["preset"]["token"] == 3
    numpy = views.head(demo, "The cat.", include_layers=np.array([1, 2]), layer=np.int64(2), heads=np.arange(2))
    assert views.head(demo, "The cat.", include_layers=[1, 2], layer=2, heads=[0, 1]).html() == numpy.html()
    shown = view._repr_html_()
    assert shown.startswith("<iframe srcdoc=") and 'sandbox="allow-scripts allow-downloads"' in shown
    assert repr(view) == "<Neuron view, demo: 6 layers, 6 heads>"


NOTHING: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("source", "text", "options", "message"),
    [
        (even(1, 2, 3, 3), ["a"], NOTHING, "attention is between 3 and 3 tokens, found 1 and 1 tokens"),
        (even(1, 2, 3, 3), "abc", NOTHING, "expected a list of tokens"),
        ([None], ["a"], NOTHING, "attn_implementation='eager'"),
        (even(2, 2, 2, 3, 3), ["a"] * 3, NOTHING, r"expected \[head, i, j\] in layer 0"),
        ([even(1, 2, 2), even(2, 2, 2)], ["a"] * 2, NOTHING, "layers of one shape"),
        (even(1, 1, 2, 2) * -1, ["a"] * 2, NOTHING, "weights from 0 to 1"),
        (even(1, 1, 2, 2) * np.nan, ["a"] * 2, NOTHING, "weights from 0 to 1"),
        (even(1, 1, 2, 2), ["a"] * 2, {"layer": 4}, "expected a layer that is shown, found 4"),
        (even(1, 1, 2, 2), ["a"] * 2, {"heads": [4]}, "expected a head that is shown, found 4"),
        (even(1, 1, 2, 2), ["a"] * 2, {"include_heads": [1]}, "expected heads from 0 to 0"),
        (even(1, 1, 2, 2), ["a"] * 2, {"null": [2]}, "null pieces from 0 to 1, found 2"),
        (even(1, 1, 2, 2), ["a"] * 2, {"second": 2}, "second text to start"),
        (even(1, 1, 2, 2), ["a"] * 2, {"theme": "pink"}, "theme auto, light or dark"),
        (even(1, 1, 2, 2), ["a"] * 2, {"layers": 1}, "expected options among include_layers, .*, found 'layers'"),
        (even(1, 1, 2, 2), ["a"] * 2, {"generate": 2}, "only a model can generate"),
        (even(1, 1, 2, 2), None, NOTHING, "attention and its tokens"),
        (None, None, NOTHING, "attention and its tokens"),
        (None, ["a"], NOTHING, "found None; load the model with attn_implementation='eager'"),
        ((), ["a"], NOTHING, "at least one layer of attention, found none; load the model with attn_impl"),
        (BaseModelOutput(last_hidden_state=torch.zeros(1)), ["a"], NOTHING, "found last_hidden_state; load the model"),
        (BaseModelOutput(attentions=()), ["a"], NOTHING, "expected at least one layer of attention"),
        (
            Seq2SeqModelOutput(encoder_attentions=(), cross_attentions=()),
            ["a"],
            NOTHING,
            "give cross_attention=output.cross_attentions, encoder_attention=output.encoder_attentions",
        ),
        (None, None, {"cross_attention": even(1, 1, 2, 2), "encoder_tokens": ["a", "b"]}, "needs decoder_tokens"),
        (
            np.broadcast_to(0.5, (50, 20, 300, 300)),
            ["a"] * 300,
            NOTHING,
            r"more than browsers take .* with include_layers and include_heads \(--include-layers, --include-heads\)",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(source: Any, text: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ViewError, match=message):
        views.head(source, text, **options)


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("", NOTHING, ModelError, "at least one piece"),
        ("word " * 400, NOTHING, ModelError, "at most 256 pieces"),
        ("The", {"generate": 300}, ModelError, "and 300 to generate"),
        ("The", {"generate": -1}, ModelError, "give 0 or more"),
        ("a \ud800", NOTHING, ModelError, "valid Unicode"),
        (("a", "b", "c"), NOTHING, ModelError, "found 3 texts"),
        ("The", {"include_layers": [6]}, ModelError, "expected layers among"),
        ("The", {"include_layers": []}, ModelError, "expected layers among"),
        ("The", {"token": 1}, ViewError, "a token from 0 to 0, found 1"),
    ],
)
def test_what_a_model_cannot_read_is_refused(
    demo: Model, text: Any, options: dict[str, Any], error: type[AttnmetricsError], message: str
) -> None:
    with pytest.raises(error, match=message):
        views.neuron(demo, text, **options)


def test_only_what_has_queries_has_neurons_and_only_causal_models_go_on(tmp_path: Path) -> None:
    with pytest.raises(ViewError, match="give a model"):
        views.neuron(even(1, 1, 2, 2), ["a", "b"])  # type: ignore[arg-type]
    bert = save_model(tmp_path / "bert", "bert")
    with pytest.raises(ModelError, match="expected a causal model"):
        views.head(str(bert), TEXT, generate=2)


def test_a_model_in_memory_is_told_what_to_give_instead(folder: Path) -> None:
    network = AutoModel.from_pretrained(folder)
    with pytest.raises(ViewError, match=r"found a \w+Model in memory; save it and its tokenizer"):
        views.head(network, TEXT)


def save_encoder_decoder(folder: Path, family: str) -> Path:
    """A small random model that reads one text and writes another."""
    tokenizer = make_tokenizer("bert")
    tokenizer.save_pretrained(folder)
    shared = {"vocab_size": len(tokenizer), "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
    if family == "t5":
        config = T5Config(d_model=32, d_kv=8, d_ff=32, num_layers=2, num_heads=4, **shared)
        network: PreTrainedModel = T5ForConditionalGeneration(config)
    else:
        sizes = {"layers": 2, "attention_heads": 4, "ffn_dim": 32}
        sides = {f"{side}_{what}": size for side in ("encoder", "decoder") for what, size in sizes.items()}
        network = BartForConditionalGeneration(BartConfig(d_model=32, max_position_embeddings=64, **sides, **shared))
    network.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", ["t5", "bart"])
def test_an_encoder_decoder_is_drawn_by_its_name(tmp_path: Path, family: str) -> None:
    torch.manual_seed(3)
    saved = save_encoder_decoder(tmp_path / family, family)
    source, target = TEXTS[4], TEXTS[9]
    view = views.head(str(saved), (source, target))
    network = AutoModelForSeq2SeqLM.from_pretrained(saved, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(saved)
    ids, labels = (tokenizer(text, return_tensors="pt")["input_ids"] for text in (source, target))
    with torch.inference_mode():
        found = network(input_ids=ids, labels=labels, output_attentions=True)
    assert [one["name"] for one in view.data["maps"]] == ["Encoder", "Decoder", "Cross"]
    for place, expected in enumerate((found.encoder_attentions, found.decoder_attentions, found.cross_attentions)):
        stacked = torch.stack(expected)[:, 0].double().numpy()
        np.testing.assert_allclose(weights(view, place), stacked, rtol=0, atol=TOLERANCE)
    encoder, decoder = view.data["sides"]
    assert encoder["null"] == [True, *[False] * (len(encoder["pieces"]) - 2), True]
    assert encoder["texts"][1:-1] == ["Nobody", "knew", "."]
    assert decoder["null"] == [True] + [False] * (len(decoder["pieces"]) - 1)
    written = views.model(str(saved), source, generate=5).data["sides"][1]
    assert len(written["pieces"]) == 1 + written["generated"] <= 6
    with pytest.raises(ViewError, match="is an encoder-decoder: expected the head or the model view"):
        views.neuron(str(saved), source)


def test_the_whole_output_of_a_model_is_drawn() -> None:
    attention = torch.from_numpy(even(2, 1, 3, 2, 2))
    expected = views.head(tuple(attention), ["a", "b"]).html()
    assert views.head(BaseModelOutput(attentions=tuple(attention)), ["a", "b"]).html() == expected
    of_gpt2 = BaseModelOutputWithPastAndCrossAttentions(attentions=tuple(attention), cross_attentions=())
    assert views.head(of_gpt2, ["a", "b"]).html() == expected


def test_a_page_of_a_layer_of_500_pieces_is_small() -> None:
    scores = np.random.default_rng(0).normal(scale=3, size=(1, 12, 500, 500))
    assert len(views.head(softmax(scores, axis=-1), ["piece"] * 500).html()) < 10_000_000


def test_a_view_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(ViewError, match="expected to write the view to"):
        views.head(even(1, 1, 2, 2), ["a", "b"]).save(tmp_path / "missing" / "head.html")
