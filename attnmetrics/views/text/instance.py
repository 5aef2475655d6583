"""Attention in one text, to look at: the head view, the model view and the neuron view (Vig 2019).

views.head("gpt2", "The cat sat on the mat.")                    # shows itself in a notebook
views.model(model, "…", include_layers=[0, 1]).save("model.html")
views.head(outputs.attentions, tokens, layer=3, heads=[5])       # attention from anywhere
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import ceil
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Unpack

from attnmetrics.errors import ViewError
from attnmetrics.views.page import frame, render
from attnmetrics.views.text.content import Options, content, sides_of

if TYPE_CHECKING:
    from attnmetrics.model.load import Model

ROW_HEIGHT: Final = 24
TALLEST: Final = 720
"""Pixels of a view in a notebook; a longer one scrolls."""
Kind = Literal["head", "model", "neuron"]
KINDS: Final[dict[Kind, int]] = {"head": 130, "model": 150, "neuron": 190}
"""Pixels of each view's heading and controls."""
OPENED: Final = 8
"""With no more heads than these, a head view opens with all of them, else with the first `FEW`: many lines hide one
another."""
FEW: Final = 3


@dataclass(frozen=True, slots=True)
class View:
    """A drawing that shows itself in a notebook, gives its page, or saves it."""

    kind: Kind
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
        text: the text, or a pair of texts; with attention, its tokens. Of an encoder-decoder's pair, the second text is
            what the decoder reads; without it, what the model writes itself, up to `generate` pieces or 20.
        layer: shown at first; the first if unset.
        heads: chosen at first; if unset, all of up to 8, else the first 3.
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
    several = sides_of(encoder_attention, decoder_attention, cross_attention, encoder_tokens, decoder_tokens)
    data = content(source, text, several, options)
    return present("head", data, options, layer, heads, words)


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
    several = sides_of(encoder_attention, decoder_attention, cross_attention, encoder_tokens, decoder_tokens)
    data = content(source, text, several, options)
    return present("model", data, options, words=words)


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
    data = content(source, text, {}, options, neurons=True)
    count = len(data["sides"][0]["pieces"])
    if token is not None and not 0 <= token < count:
        raise ViewError(f"expected a token from 0 to {count - 1}, found {token}; the text has {count} pieces")
    heads = None if head is None else [head]
    view = present("neuron", data, options, layer, heads)
    view.data["preset"]["token"] = token
    return view


def present(
    kind: Kind, data: dict[str, Any], options: Options, layer: int | None = None, heads: Sequence[int] | None = None,
    words: bool = False,
) -> View:  # fmt: skip
    """A view of some content, as it opens.

    Raises:
        ViewError: there is no such layer, head or theme.
    """
    theme = options.get("theme", "auto")
    if theme not in ("auto", "light", "dark"):
        raise ViewError(f"expected a theme auto, light or dark, found {theme!r}")
    opened = data["heads"] if kind != "head" or len(data["heads"]) <= OPENED else data["heads"][:FEW]
    shown = opened if heads is None else list(heads)
    first = data["layers"][0] if layer is None else layer
    for what, found, known in (("layer", [first], data["layers"]), ("head", shown, data["heads"])):
        if wrong := [one for one in found if one not in known]:
            raise ViewError(f"expected a {what} that is shown, found {wrong[0]}; the view has {what}s {known}")
    data |= {"view": kind, "made": f"attnmetrics {version('attnmetrics')}", "preset": {
        "layer": first, "heads": shown, "words": words, "null": options.get("show_null", True), "token": None,
    }}  # fmt: skip
    title = f"{kind.capitalize()} view" + (f", {data['name']}" if data["name"] else "")
    return View(kind, title, data, min(TALLEST, KINDS[kind] + _drawing_height(kind, data)), theme)


def _drawing_height(kind: str, data: dict[str, Any]) -> int:
    longest = max(len(side["pieces"]) for side in data["sides"])
    if kind == "model":
        return len(data["layers"]) * (ceil(min(max(4 * longest, 44), 110)) + 6)
    return 40 + ROW_HEIGHT * longest
