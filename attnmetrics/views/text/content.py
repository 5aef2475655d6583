"""What the page of a view draws: from a model and a text, or from attention and its tokens."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from attnmetrics.assets import MODELS
from attnmetrics.errors import ViewError
from attnmetrics.views.page import pack
from attnmetrics.views.pieces import Piece, readable
from attnmetrics.views.text.words import Span, group_words, spell_words

if TYPE_CHECKING:
    from attnmetrics.model.load import Model
    from attnmetrics.model.reading import Attention, Reading

STEPS: Final = 1 << 20
"""Weights travel as whole numbers of this part, an error of at most 5·10⁻⁷, and so deflate well."""
_EAGER: Final = (
    "load the model with attn_implementation='eager' and call it with output_attentions=True, "
    "or give its name and a text"
)
_IN_MEMORY: Final = (
    "save it and its tokenizer with save_pretrained into one folder, and give that; or its attention and the tokens: "
    "model.set_attn_implementation('eager'), model(**inputs, output_attentions=True), "
    "tokenizer.convert_ids_to_tokens(inputs['input_ids'][0])"
)
LARGEST: Final = 200_000_000
"""Bytes of arrays in a page before they are deflated; browsers and notebooks give up on more."""


class Options(TypedDict, total=False):
    """What all views take, by keyword."""

    include_layers: Sequence[int]
    """layers to show; all if unset"""
    include_heads: Sequence[int]
    """heads to show; all if unset"""
    null: Sequence[int]
    """positions of null pieces; unset, those of the model's null policy, and none for bare attention"""
    show_null: bool
    """whether attention to null pieces is shown at first; true if unset"""
    generate: int
    """pieces that a causal model adds to the text before it is looked at, each the likeliest"""
    second: int
    """where the second of two texts starts in the tokens of bare attention"""
    theme: Literal["auto", "light", "dark"]
    """`auto` follows the reader's system"""


Map = tuple[str, Any, int, int]
"""A kind of attention: its name, [layer][head, i, j], and which sides its rows and columns are."""


def sides_of(
    encoder: Any, decoder: Any, cross: Any, encoder_tokens: Sequence[str] | None, decoder_tokens: Sequence[str] | None
) -> dict[str, Any]:
    """The maps and tokens of an encoder-decoder; nothing where there is none."""
    if encoder is None and decoder is None and cross is None:
        return {}
    known = {"encoder_tokens": encoder_tokens, "decoder_tokens": decoder_tokens}
    sides = {name: list(tokens) for name, tokens in known.items() if tokens is not None}
    maps: list[Map] = []
    for name, attention, rows, columns in (
        ("Encoder", encoder, "encoder_tokens", "encoder_tokens"),
        ("Decoder", decoder, "decoder_tokens", "decoder_tokens"),
        ("Cross", cross, "decoder_tokens", "encoder_tokens"),
    ):
        if attention is None:
            continue
        if missing := {rows, columns} - set(sides):
            raise ViewError(f"{name.lower()}_attention needs {' and '.join(sorted(missing))}; give the tokens too")
        maps.append((name, attention, list(sides).index(rows), list(sides).index(columns)))
    return {"maps": maps, "sides": list(sides.values())}


def content(source: Any, text: Any, several: dict[str, Any], options: Options, neurons: bool = False) -> dict[str, Any]:
    """What a page draws of a model and a text, or of attention and its tokens.

    Args:
        source: as `views.head` takes it.
        text: likewise.
        several: what `sides_of` gives.
        options: of all views.
        neurons: whether queries and keys are wanted instead of weights.

    Raises:
        ViewError: these cannot be drawn together.
        attnmetrics.errors.ModelError: the model cannot be loaded, or does not take the text.
    """
    if unknown := set(options) - set(Options.__annotations__):
        raise ViewError(f"expected options among {', '.join(Options.__annotations__)}, found {min(unknown)!r}")
    if source is None and text is not None:
        raise ViewError(f"expected a model, or attention, beside the text, found None; {_EAGER}")
    if (source is None) != (text is None) or (source is None) == (not several):
        raise ViewError("expected a model and a text, or attention and its tokens; give both, and only one of the two")
    if isinstance(source, (str, PathLike)) or hasattr(source, "tokenizer"):
        return _from_model(source, text, options, neurons)
    if hasattr(source, "get_input_embeddings"):
        raise ViewError(f"expected a model's name or folder, found a {type(source).__name__} in memory; {_IN_MEMORY}")
    if neurons:
        raise ViewError("the neuron view shows queries and keys, which attention does not have; give a model")
    if "generate" in options:
        raise ViewError("only a model can generate text; leave out generate, or give a model and a text")
    maps: list[Map] = several["maps"] if several else [("Attention", _attention_in(source), 0, 0)]
    sides = [_bare_side(tokens, options) for tokens in (several["sides"] if several else [text])]
    return _from_attention(maps, sides, options)


def _attention_in(source: Any) -> Any:
    """The attention in a model's whole output; what is no such output is attention itself."""
    if not hasattr(source, "keys"):
        return source
    every = [key for key in source if key in ("encoder_attentions", "decoder_attentions", "cross_attentions")]
    # GPT-2, which may be given an encoder, says that it has no attention to one.
    if kinds := [key for key in every if source[key] or "attentions" not in source]:
        given = ", ".join(f"{kind.removesuffix('s')}=output.{kind}" for kind in kinds)
        raise ViewError(f"expected the output of a model with one stack, found {', '.join(kinds)}; give {given}")
    if source.get("attentions") is None:
        raise ViewError(f"expected an output with attentions, found {', '.join(source)}; {_EAGER}")
    return source["attentions"]


def _from_model(source: "str | Model", text: Any, options: Options, neurons: bool) -> dict[str, Any]:
    from attnmetrics.model.encoder_decoder import is_encoder_decoder
    from attnmetrics.model.load import Model, load_model
    from attnmetrics.model.reading import attend, read

    if not isinstance(source, Model):
        name = str(MODELS.get(str(source), source))
        if is_encoder_decoder(name):
            return _from_encoder_decoder(name, text, options, neurons)
        source = load_model(name)
    reading = read(source, text, options.get("generate", 0))
    found = attend(source, reading, options.get("include_layers"))
    data, heads = describe(source, reading, found, options), _heads_of(source, options)
    if neurons:
        require_neurons(source, found)
        query, key = found.query[:, heads], found.key[:, heads]
        _check_size(query.nbytes + key.nbytes)
        data["neuron"] |= {"query": pack(query), "key": pack(key)}
        return data
    _check_size(4 * len(found.layers) * len(heads) * len(reading.ids) ** 2)
    data["maps"][0]["weights"] = pack(as_steps(found.weights[:, heads]))
    return data


def describe(model: "Model", reading: "Reading", found: "Attention", options: Options) -> dict[str, Any]:
    """What a page says of a text that a model has read, without weights, queries and keys."""
    side = _side(
        readable(reading.names, reading.text), null_of(model, reading, options), reading.second, reading.generated,
        reading.spans, reading.text,
    )  # fmt: skip
    return {
        "name": _short(model.name),
        "layers": list(found.layers),
        "heads": _heads_of(model, options),
        "sides": [side],
        "maps": [{"name": "Attention", "rows": 0, "columns": 0, "causal": model.causal}],
        "neuron": {"scaling": list(found.scaling), "width": found.query.shape[-1]},
    }


def require_neurons(model: "Model", found: "Attention") -> None:
    """Refuse attention that is not made of queries and keys alone.

    Raises:
        ViewError: it is made of more.
    """
    if found.given is not None:
        raise ViewError(
            f"expected attention that is made of queries and keys alone, found that of {_short(model.name)}: "
            "scores are capped, cut to a window, beside a sink or known to it alone; take the head or the model view"
        )


def _heads_of(model: "Model", options: Options) -> list[int]:
    return _included("heads", options.get("include_heads"), model.heads)


def as_steps(weights: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Weights as they travel."""
    steps: NDArray[np.uint32] = np.rint(np.minimum(weights, 1) * STEPS).astype(np.uint32)
    return steps


def _short(name: str) -> str:
    """A model's name on the Hub, or the last part of its folder's."""
    known = {str(folder): short for short, folder in MODELS.items()}
    return known.get(name) or (Path(name).resolve().name if Path(name).is_dir() else name)


def _from_encoder_decoder(name: str, text: Any, options: Options, neurons: bool) -> dict[str, Any]:
    """Of an encoder-decoder's name; the second of two texts is what the decoder reads."""
    from attnmetrics.model.encoder_decoder import cross

    texts = (text,) if isinstance(text, str) else tuple(text)
    if neurons or len(texts) > 2:
        raise ViewError(
            f"{_short(name)} is an encoder-decoder: expected the head or the model view, and a text with one for the "
            f"decoder or none, found {'the neuron view' if neurons else f'{len(texts)} texts'}; ask for one of these"
        )
    found = cross(name, texts[0], texts[1] if len(texts) > 1 else None, options.get("generate", 0))
    sides = [
        _side(readable(one.names, one.text), one.null, None, one.generated, one.spans, one.text)
        for one in (found.encoder, found.decoder)
    ]
    maps: list[Map] = [
        ("Encoder", found.read, 0, 0), ("Decoder", found.written, 1, 1), ("Cross", found.crossed, 1, 0),
    ]  # fmt: skip
    return _from_attention(maps, sides, options) | {"name": _short(name)}


def null_of(loaded: "Model", reading: "Reading", options: Options) -> NDArray[np.bool_]:
    """Which pieces are null: as in a run, and with a pair the piece between the two texts as well."""
    if "null" in options:
        return _marked(options["null"], len(reading.ids))
    if loaded.attends.trailing:
        return ~reading.in_text
    return np.arange(len(reading.ids)) < loaded.attends.leading


def _bare_side(tokens: Sequence[str], options: Options) -> dict[str, Any]:
    if isinstance(tokens, str) or not all(isinstance(token, str) for token in tokens):
        raise ViewError(f"expected a list of tokens beside the attention, found {tokens!r:.60}; give one text a token")
    second = options.get("second")
    if second is not None and not 0 < second < len(tokens):
        raise ViewError(f"expected the second text to start at a token from 1 to {len(tokens) - 1}, found {second}")
    return _side(readable(tokens, ""), _marked(options.get("null", ()), len(tokens)), second, 0)


def _side(
    pieces: list[Piece], null: NDArray[np.bool_], second: int | None, generated: int, spans: Sequence[Span] = (),
    text: str = "",
) -> dict[str, Any]:  # fmt: skip
    words = group_words(pieces, spans, text, second)
    return {
        "pieces": [piece.text for piece in pieces],
        "words": words,
        "texts": spell_words(pieces, words, spans, text),
        "null": null.tolist(),
        "second": second,
        "generated": generated,
    }


def _marked(places: Sequence[int], count: int) -> NDArray[np.bool_]:
    if wrong := [place for place in places if not 0 <= place < count]:
        raise ViewError(f"expected null pieces from 0 to {count - 1}, found {wrong[0]}; the text has {count} pieces")
    return np.isin(np.arange(count), list(places))


def _from_attention(maps: list[Map], sides: list[dict[str, Any]], options: Options) -> dict[str, Any]:
    arrays = [_array(name, attention) for name, attention, _, _ in maps]
    for (name, _, rows, columns), array in zip(maps, arrays, strict=True):
        expected = len(sides[rows]["pieces"]), len(sides[columns]["pieces"])
        if array.shape[2:] != expected:
            raise ViewError(
                f"{_named(name)} is between {array.shape[2]} and {array.shape[3]} tokens, found "
                f"{expected[0]} and {expected[1]} tokens; give the tokens that the attention is of"
            )
    if len({array.shape[:2] for array in arrays}) > 1:
        raise ViewError(
            f"expected as many layers and heads in each attention, found {[array.shape[:2] for array in arrays]}; "
            "draw them one by one"
        )
    layers = _included("layers", options.get("include_layers"), arrays[0].shape[0])
    heads = _included("heads", options.get("include_heads"), arrays[0].shape[1])
    described = [
        {"name": name, "rows": rows, "columns": columns, "causal": rows == columns and not np.triu(array, 1).any()}
        for (name, _, rows, columns), array in zip(maps, arrays, strict=True)
    ]
    return _assemble(described, [array[layers][:, heads] for array in arrays], sides, layers, heads, "")


def _array(name: str, attention: Any) -> NDArray[np.float64]:
    """[layer, head, i, j] of anything that holds a map of each layer."""
    layers = [_layer(name, place, weights) for place, weights in enumerate(attention)]
    if not layers:
        raise ViewError(f"expected at least one layer of {_named(name)}, found none; {_EAGER}")
    shapes = sorted({layer.shape for layer in layers})
    if len(shapes) != 1:
        raise ViewError(f"expected layers of one shape in {_named(name)}, found {shapes}")
    return np.stack(layers)


def _named(name: str) -> str:
    """A map in a sentence: "attention", "cross attention"."""
    return "attention" if name == "Attention" else f"{name.lower()} attention"


def _layer(name: str, place: int, weights: Any) -> NDArray[np.float64]:
    where = f"layer {place} of {_named(name)}"
    if weights is None:
        raise ViewError(f"expected weights in {where}, found None; {_EAGER}")
    array = np.asarray(weights.detach().cpu().double() if hasattr(weights, "detach") else weights, dtype=np.float64)
    array = array[0] if array.ndim == 4 and len(array) == 1 else array
    if array.ndim != 3:
        raise ViewError(f"expected [head, i, j] in {where}, found shape {array.shape}; give one text")
    if not (array.min(initial=0) >= 0 and array.max(initial=0) <= 1 + 1e-3):
        raise ViewError(f"expected weights from 0 to 1 in {where}, found others; give attention after its softmax")
    return array


def _assemble(
    maps: list[dict[str, Any]], arrays: list[NDArray[np.float64]], sides: list[dict[str, Any]], layers: list[int],
    heads: list[int], name: str,
) -> dict[str, Any]:  # fmt: skip
    _check_size(sum(4 * array.size for array in arrays))
    for described, array in zip(maps, arrays, strict=True):
        described["weights"] = pack(as_steps(array))
    return {"name": name, "layers": layers, "heads": heads, "sides": sides, "maps": maps}


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise ViewError(
            f"a page would hold {size / 1e6:,.0f} MB, more than browsers take ({LARGEST / 1e6:,.0f} MB); choose some "
            "layers and heads with include_layers and include_heads (--include-layers, --include-heads), or a shorter "
            "text, or serve a run of the model: a served page asks for a layer when it is shown"
        )


def _included(what: str, wanted: Sequence[int] | None, count: int) -> list[int]:
    chosen = list(range(count)) if wanted is None else sorted(set(wanted))
    if not chosen or not all(0 <= one < count for one in chosen):
        raise ViewError(f"expected {what} from 0 to {count - 1}, found {list(wanted or ())}; choose some that exist")
    return chosen
