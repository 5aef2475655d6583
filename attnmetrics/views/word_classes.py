"""What the nearest word of a class finds of a relation: a simpler rule, where the best word offset is chance."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

from attnmetrics.describing.rules import Rule
from attnmetrics.views.certainty import stored_bounds
from attnmetrics.views.numbers import percent
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import labels_of, values

SCORE: Final = "relation_accuracy"
"""The result that it stands beside."""
CLASS: Final = "word_class"
"""The dimension of classes."""
NEEDS: Final = ("relation_class_baseline", "relation_class_accuracy")
_WORDS: Final = {
    "ADJ": "adjective", "ADP": "preposition", "ADV": "adverb", "AUX": "auxiliary", "CCONJ": "coordinating conjunction",
    "DET": "determiner", "INTJ": "interjection", "NOUN": "noun", "NUM": "number", "PART": "particle",
    "PRON": "pronoun", "PROPN": "proper noun", "PUNCT": "punctuation mark", "SCONJ": "subordinating conjunction",
    "SYM": "symbol", "VERB": "verb", "X": "other word", "_rest": "word of any other class",
    "nominal word": "noun, pronoun or number", "content word": "content word",
}  # fmt: skip
"""One word of a class."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The class and side whose nearest word finds most edges of a relation under a rule."""

    name: str
    """such as "coordinating conjunction after" """
    share: float
    """of the edges, on documents that did not choose the class; NaN with too little evidence"""
    low: float
    """lowest that it may be; NaN without intervals"""
    high: float

    @property
    def told(self) -> str:
        """In words: "nearest coordinating conjunction after 64%"."""
        return f"nearest {self.name} {percent(self.share)}"

    def remark(self, score: float, low: float) -> str:
        """What is to be said of a head whose score, or the lower end of its interval, is not above it; else ""."""
        is_above = (score if np.isnan(low) else low) > self.share
        return "" if is_above else f"no better than taking the nearest {self.name}"


class NearestWords:
    """Those of a run, read once for all relations."""

    def __init__(self, data: xr.Dataset) -> None:
        """Of a run; one that was measured without them has none."""
        self._known = all(name in data for name in NEEDS) and CLASS in data[NEEDS[1]].dims
        if not self._known:
            return
        share, by_class = (data[name] for name in NEEDS)
        self._share, self._by_class, self._bounds = values(share), values(by_class), stored_bounds(data, NEEDS[0])
        dims = ("rule", "rel", CLASS, "side")
        self._labels = {dim: list(map(str, labels_of(by_class, dim))) for dim in dims}

    def find(self, rule: str, rel: str) -> Nearest | None:
        """What finds most of a relation under a rule; None where nothing is known of it, or nothing finds an edge."""
        if not self._known:
            return None
        at = self._labels["rule"].index(rule), self._labels["rel"].index(rel)
        found = np.nan_to_num(self._by_class[at])
        if not found.any():
            return None
        best, side = np.unravel_index(found.argmax(), found.shape)
        name = self._labels[CLASS][int(best)]
        low, high = (np.nan, np.nan) if self._bounds is None else self._bounds[at].tolist()
        words = f"{_WORDS.get(name, visible(name))} {self._labels['side'][int(side)]}"
        return Nearest(words, float(self._share[at]), low, high)

    def beside(self, rule: Rule | None, label: str) -> Nearest | None:
        """What stands beside the score of a rule of roles at a label; None beside all but relations, or unknown."""
        if rule is None or rule.score.result != SCORE:
            return None
        found = self.find(str(rule.score.at["rule"]), label)
        return None if found is None or np.isnan(found.share) else found
