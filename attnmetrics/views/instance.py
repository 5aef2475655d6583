"""Attention in one text, to look at: the head view, the model view and the neuron view (Vig 2019).

views.head("gpt2", "The cat sat on the mat.")                    # shows itself in a notebook
views.model(model, "…", include_layers=[0, 1]).save("model.html")
views.head(outputs.attentions, tokens, layer=3, heads=[5])       # attention from anywhere
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from attnmetrics.assets import MODELS
from attnmetrics.errors import ViewError
from attnmetrics.views.page import frame, pack, render
from attnmetrics.views.pieces import Piece, group_words, readable

if TYPE_CHECKING:
    from attnmetrics.model.load import Model
    from attnmetrics.model.reading import Attention, Reading

ROW_HEIGHT: Final = 24
TALLEST: Final = 720
"""Pixels of a view in a notebook; a longer one scrolls."""
STEPS: Final = 1 << 20
"""Weights travel as whole numbers of this part, an error of at most 5·10⁻⁷, and so deflate well."""
_EAGER: Final = (
    "load the model with attn_implementation='eager' and call it with output_attentions=True, "
    "or give its name and a text"
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


@dataclass(frozen=True, slots=True)
class View:
    """A drawing that shows itself in a notebook, gives its page, or saves it."""

    kind: Literal["head", "model", "neuron"]
    title: str
    data: dict[str, Any]
    """what the page's script draws"""
    height: int
    """pixels in a notebook"""
    theme: str

    def html(self) -> str:
        """A whole page that needs nothing else: no network, no other file."""
        return render(self.data, self.title, self.theme)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page.

        Raises:
            ViewError: it cannot be written.
        """
        target = Path(path)
        try:
            target.write_text(self.html(), encoding="utf-8", newline="\n")
        except OSError as error:
            raise ViewError(f"expected to write the view to {target}, found: {error.strerror or error}") from error
        return target

    def _repr_html_(self) -> str:
        return frame(self.html(), self.title, self.height)

    def __repr__(self) -> str:
        return f"<{self.title}: {len(self.data['layers'])} layers, {len(self.data['heads'])} heads>"


def head(
    source: "str | Model | Any | None" = None,
    text: str | Sequence[str] | None = None,
    *,
    layer: int | None = None,
    heads: Sequence[int] | None = None,
    words: bool = False,
    encoder_attention: Any = None,
    decoder_attention: Any = None,
    cross_attention: Any = None,
    encoder_tokens: Sequence[str] | None = None,
    decoder_tokens: Sequence[str] | None = None,
    **options: Unpack[Options],
) -> View:
    """The heads of a layer as lines between tokens.

    Args:
        source: a model's name or folder, a loaded model, attention: for each layer [head, i, j] or [1, head, i, j], or
            the whole output of a model of transformers that holds it.
        text: the text, or a pair of texts; with attention, its tokens.
        layer: shown at first; the first if unset.
        heads: chosen at first; all if unset.
        words: whether to show words instead of pieces at first. From a word goes the mean of its pieces' attention, to
            a word their sum.
        encoder_attention: of an encoder-decoder, instead of `source`: for each layer [head, encoder, encoder].
        decoder_attention: for each layer [head, decoder, decoder].
        cross_attention: for each layer [head, decoder, encoder].
        encoder_tokens: tokens of the encoder.
        decoder_tokens: tokens of the decoder.
        **options: see `Options`.

    Raises:
        ViewError: these cannot be drawn together.
        attnmetrics.errors.ModelError: the model cannot be loaded, or does not take the text.
    """
    several = _sides(encoder_attention, decoder_attention, cross_attention, encoder_tokens, decoder_tokens)
    data = _data(source, text, several, options)
    return _view("head", data, options, layer, heads, words, 130)


def model(
    source: "str | Model | Any | None" = None,
    text: str | Sequence[str] | None = None,
    *,
    words: bool = False,
    encoder_attention: Any = None,
    decoder_attention: Any = None,
    cross_attention: Any = None,
    encoder_tokens: Sequence[str] | None = None,
    decoder_tokens: Sequence[str] | None = None,
    **options: Unpack[Options],
) -> View:
    """All heads of all layers as thumbnails; a click enlarges one. Arguments and errors are those of `head`."""
    several = _sides(encoder_attention, decoder_attention, cross_attention, encoder_tokens, decoder_tokens)
    data = _data(source, text, several, options)
    return _view("model", data, options, None, None, words, 150)


def neuron(
    source: "str | Model",
    text: str | Sequence[str],
    *,
    layer: int | None = None,
    head: int | None = None,
    token: int | None = None,
    **options: Unpack[Options],
) -> View:
    """How one head's attention comes about: query, key, their product element by element, its scaled sum, the softmax.

    Queries and keys are those that enter the dot product: rotary positions included, shared keys repeated.

    Args:
        source: a model's name or folder, or a loaded model.
        text: the text, or a pair of texts.
        layer: shown at first; the first if unset.
        head: shown at first; the first if unset.
        token: the attending piece that is expanded at first; none if unset.
        **options: see `Options`.

    Raises:
        ViewError: these cannot be drawn together.
        attnmetrics.errors.ModelError: the model cannot be loaded, or does not take the text.
    """
    data = _data(source, text, {}, options, neurons=True)
    count = len(data["sides"][0]["pieces"])
    if token is not None and not 0 <= token < count:
        raise ViewError(f"expected a token from 0 to {count - 1}, found {token}; the text has {count} pieces")
    heads = None if head is None else [head]
    view = _view("neuron", data, options, layer, heads, False, 190)
    view.data["preset"]["token"] = token
    return view


# ---- from a model or from bare attention to what a page draws

Map = tuple[str, Any, int, int]
"""A kind of attention: its name, [layer][head, i, j], and which sides its rows and columns are."""


def _sides(
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


def _data(source: Any, text: Any, several: dict[str, Any], options: Options, neurons: bool = False) -> dict[str, Any]:
    if unknown := set(options) - set(Options.__annotations__):
        raise ViewError(f"expected options among {', '.join(Options.__annotations__)}, found {min(unknown)!r}")
    if source is None and text is not None:
        raise ViewError(f"expected a model, or attention, beside the text, found None; {_EAGER}")
    if (source is None) != (text is None) or (source is None) == (not several):
        raise ViewError("expected a model and a text, or attention and its tokens; give both, and only one of the two")
    if isinstance(source, (str, PathLike)) or hasattr(source, "tokenizer"):
        return _from_model(source, text, options, neurons)
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
    if kinds := [key for key in source if key in ("encoder_attentions", "decoder_attentions", "cross_attentions")]:
        given = ", ".join(f"{kind.removesuffix('s')}=output.{kind}" for kind in kinds)
        raise ViewError(f"expected the output of a model with one stack, found {', '.join(kinds)}; give {given}")
    if source.get("attentions") is None:
        raise ViewError(f"expected an output with attentions, found {', '.join(source)}; {_EAGER}")
    return source["attentions"]


def _from_model(source: "str | Model", text: Any, options: Options, neurons: bool) -> dict[str, Any]:
    from attnmetrics.model.load import Model, load_model
    from attnmetrics.model.reading import attend, read

    loaded = source if isinstance(source, Model) else load_model(str(MODELS.get(str(source), source)))
    reading = read(loaded, text, options.get("generate", 0))
    wanted = options.get("include_layers")
    found = attend(loaded, reading, wanted)
    heads = _included("heads", options.get("include_heads"), loaded.heads)
    side = _side(
        readable(reading.names, reading.text), _null(loaded, reading, options), reading.second, reading.generated
    )
    data = _assemble(
        [{"name": "Attention", "rows": 0, "columns": 0, "causal": loaded.causal}],
        [found.weights[:, heads]], [side], list(found.layers), heads, _short(loaded.name),
    )  # fmt: skip
    if neurons:
        data["neuron"] = _neurons(found, heads)
    return data


def _short(name: str) -> str:
    """A model's name on the Hub, or the last part of its folder's."""
    known = {str(folder): short for short, folder in MODELS.items()}
    return known.get(name) or (Path(name).resolve().name if Path(name).is_dir() else name)


def _neurons(found: "Attention", heads: list[int]) -> dict[str, Any]:
    query, key = found.query[:, heads], found.key[:, heads]
    _check_size(query.nbytes + key.nbytes)
    return {"query": pack(query), "key": pack(key), "scaling": list(found.scaling), "width": query.shape[-1]}


def _null(loaded: "Model", reading: "Reading", options: Options) -> NDArray[np.bool_]:
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


def _side(pieces: list[Piece], null: NDArray[np.bool_], second: int | None, generated: int) -> dict[str, Any]:
    words = group_words(pieces[:second])
    if second is not None:
        words += [words[-1] + 1 + word for word in group_words(pieces[second:])]
    return {
        "pieces": [piece.text for piece in pieces],
        "words": words,
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
        described["weights"] = pack(np.rint(np.minimum(array, 1) * STEPS).astype(np.uint32))
    return {"name": name, "layers": layers, "heads": heads, "sides": sides, "maps": maps}


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise ViewError(
            f"a page would hold {size / 1e6:,.0f} MB, more than browsers take ({LARGEST / 1e6:,.0f} MB); choose some "
            "layers and heads with include_layers and include_heads (--layers and --heads), or a shorter text"
        )


def _included(what: str, wanted: Sequence[int] | None, count: int) -> list[int]:
    chosen = list(range(count)) if wanted is None else sorted(set(wanted))
    if not chosen or not all(0 <= one < count for one in chosen):
        raise ViewError(f"expected {what} from 0 to {count - 1}, found {list(wanted or ())}; choose some that exist")
    return chosen


def _view(
    kind: Literal["head", "model", "neuron"], data: dict[str, Any], options: Options, layer: int | None,
    heads: Sequence[int] | None, words: bool, chrome: int,
) -> View:  # fmt: skip
    theme = options.get("theme", "auto")
    if theme not in ("auto", "light", "dark"):
        raise ViewError(f"expected a theme auto, light or dark, found {theme!r}")
    shown = data["heads"] if heads is None else list(heads)
    first = data["layers"][0] if layer is None else layer
    for what, found, known in (("layer", [first], data["layers"]), ("head", shown, data["heads"])):
        if wrong := [one for one in found if one not in known]:
            raise ViewError(f"expected a {what} that is shown, found {wrong[0]}; the view has {what}s {known}")
    data |= {"view": kind, "preset": {
        "layer": first, "heads": shown, "words": words, "null": options.get("show_null", True), "token": None,
    }}  # fmt: skip
    title = f"{kind.capitalize()} view" + (f", {data['name']}" if data["name"] else "")
    return View(kind, title, data, min(TALLEST, chrome + _drawing_height(kind, data)), theme)


def _drawing_height(kind: str, data: dict[str, Any]) -> int:
    longest = max(len(side["pieces"]) for side in data["sides"])
    if kind == "model":
        return len(data["layers"]) * (ceil(min(max(4 * longest, 44), 110)) + 6)
    return 40 + ROW_HEIGHT * longest
