"""A model that reads what a page asks for, and keeps the last texts: a layer's weights are made when it is shown."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from attnmetrics.errors import ViewError
from attnmetrics.views.text.content import as_steps, describe, null_of, require_neurons
from attnmetrics.views.text.instance import KINDS, present
from attnmetrics.views.text.special import departures, profiles, special

if TYPE_CHECKING:
    import xarray as xr

    from attnmetrics.model.load import Model
    from attnmetrics.model.reading import Attention, Reading

KEPT: Final = 2
"""Texts whose queries and keys are kept; those of 1,000 pieces are 140 MB for a model of 30 layers of 9 heads."""
USUAL_TEXTS: Final = 16
"""Of the run's texts, those that say how much a head's rows usually depart from its profile."""
LONGEST_USUAL: Final = 400
"""Characters of such a text."""
LONGEST_TEXT: Final = 20_000
"""Characters; what a model takes is far less for most."""

Asked = Mapping[str, str]
"""What a request says: `text`; where wanted `second` (text), `generate` (a number)."""


class Reader:
    """Answers with the content of a view, a layer's weights, its queries and keys, a token's weights in all heads."""

    def __init__(self, model: "Model", data: "xr.Dataset | None" = None, texts: Sequence[str] = ()) -> None:
        """A model; for what is special in a text, also the results of its run and some of the run's texts."""
        self.model = model
        self._found = lru_cache(KEPT)(self._read)
        self._profiles = None if data is None else profiles(data)
        self._texts = texts[:USUAL_TEXTS]
        self._usual: list[NDArray[np.float64]] = []

    def view(self, asked: Asked) -> dict[str, Any]:
        """What a page draws, but for its arrays, which it asks for as it says in `ask`.

        Args:
            asked: also `kind` (head, model, neuron), `layer`, `head` (numbers with commas between).

        Raises:
            ViewError: it asks for something else.
            ModelError: the model does not take the text.
        """
        kind = asked.get("kind", "")
        if kind not in KINDS:
            raise ViewError(f"expected a view head, model or neuron, found {kind!r}; ask for one of them")
        reading, found = self.read(asked)
        data = describe(self.model, reading, found, {})
        layer, heads = next(iter(numbers(asked, "layer")), None), numbers(asked, "head") or None
        chosen = {"head": (layer, heads), "neuron": (layer, heads[:1] if heads else None)}
        view = present(kind, data, {}, *chosen.get(kind, (None, None)))
        texts = {name: asked[name] for name in ("text", "second", "generate") if asked.get(name)}
        return view.data | {"ask": urlencode(texts)}

    def layer(self, asked: Asked) -> bytes:
        """A layer's weights as the page's whole numbers, [head, i, j] of 4 bytes.

        Args:
            asked: also `layer`, its place.

        Raises:
            ViewError: there is none.
        """
        _, found = self.read(asked)
        return as_steps(found.of_layer(_place(asked, found))).astype("<u4").tobytes()

    def neurons(self, asked: Asked) -> bytes:
        """A layer's queries and then its keys, each [head, i, width] of 4 bytes. Arguments and errors as of `layer`."""
        _, found = self.read(asked)
        require_neurons(self.model, found)
        place = _place(asked, found)
        return b"".join(one[place].astype("<f4").tobytes() for one in (found.query, found.key))

    def token(self, asked: Asked) -> bytes:
        """The weights of a word or piece in all heads, [layer, head, piece] of 4 bytes.

        Args:
            asked: also `side`, `left` for what it attends to, the mean of its pieces, `right` for what attends to it,
                their sum; `pieces`, its numbers.

        Raises:
            ViewError: there is none.
        """
        reading, found = self.read(asked)
        pieces, side = numbers(asked, "pieces"), asked.get("side")
        if not pieces or max(pieces) >= len(reading.ids) or side not in ("left", "right"):
            raise ViewError(f"expected pieces from 0 to {len(reading.ids) - 1} and a side left or right, found others")
        return of_token(found, side, pieces).astype("<f4").tobytes()  # type: ignore[arg-type]

    def special(self, asked: Asked) -> list[dict[str, Any]]:
        """The heads that do in a text what they do not over the corpus; none where the run does not tell."""
        if self._profiles is None or not self._texts:
            return []
        if not self._usual:
            self._usual = [self._departure({"text": text}) for text in self._texts]
        reading, found = self.read(asked)
        return special(found, null_of(self.model, reading, {}), *self._profiles, self._usual)

    def _departure(self, asked: Asked) -> NDArray[np.float64]:
        assert self._profiles is not None
        reading, found = self._read(asked["text"][:LONGEST_USUAL], "", 0)
        by_row, _ = departures(found, null_of(self.model, reading, {}), *self._profiles)
        mean: NDArray[np.float64] = by_row.mean(2)
        return mean

    def read(self, asked: Asked) -> tuple["Reading", "Attention"]:
        """A text as the model reads it.

        Raises:
            ViewError: it is too long.
            ModelError: the model does not take it.
        """
        text, second = asked.get("text", ""), asked.get("second", "")
        if (characters := len(text) + len(second)) > LONGEST_TEXT:
            raise ViewError(f"expected at most {LONGEST_TEXT:,} characters, found {characters:,}; give a shorter text")
        return self._found(text, second, next(iter(numbers(asked, "generate")), 0))

    def _read(self, text: str, second: str, generate: int) -> tuple["Reading", "Attention"]:
        from attnmetrics.model.reading import attend, read

        reading = read(self.model, (text, second) if second else text, generate)
        return reading, attend(self.model, reading)


def of_token(found: "Attention", side: Literal["left", "right"], pieces: Sequence[int]) -> NDArray[np.float64]:
    """[layer, head, piece] what pieces attend to, the mean of them, or, on the right, how much attends to them."""
    if side == "left":
        rows = found.of_rows(pieces)
        mean: NDArray[np.float64] = rows.mean(2)
        return mean
    layers = (found.of_layer(place) for place in range(len(found.layers)))
    return np.stack([one[:, :, list(pieces)].sum(2) for one in layers])


def numbers(asked: Asked, name: str) -> list[int]:
    """The numbers of a request.

    Raises:
        ViewError: there are others.
    """
    found = [part for part in asked.get(name, "").split(",") if part]
    if not all(part.isascii() and part.isdecimal() and len(part) < 7 for part in found):
        raise ViewError(f"expected numbers for {name}, found {asked[name]!r:.60}; give such as 3 or 3,5")
    return [int(part) for part in found]


def _place(asked: Asked, found: "Attention") -> int:
    place = next(iter(numbers(asked, "layer")), 0)
    if place >= len(found.layers):
        raise ViewError(f"expected the place of a layer from 0 to {len(found.layers) - 1}, found {place}")
    return place
