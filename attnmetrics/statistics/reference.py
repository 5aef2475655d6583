"""Every result once more, in plain float64 loops over one sentence at a time: slow, and meant to be obviously right.

Nothing is shared with the code that it checks. Two things stay arrays, [layer, head], since every head has the same
pieces: a weight α[i,j] and a sum over such weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PREFIX = 10
FARTHEST_OFFSET = 32
FARTHEST_PAIR = 64
ENTROPY_CUT = 0.9
NEAR_CUT = 1e-6
NEAR = 18
QUADRATURE_NODES = 200


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence."""

    start: int
    """first character in the sentence's text"""
    end: int
    """one past the last"""
    pos: str
    rel: str
    head: int
    """index of the head within the sentence; −1 for a root"""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its attention."""

    text: str
    words: Sequence[Word]
    spans: Sequence[tuple[int, int]]
    """first and one past the last character of every piece; leading white space may be part of it"""
    template: frozenset[int]
    """pieces that the tokenizer's template added"""
    null: frozenset[int]
    """null columns"""
    alpha: Array
    """[layer, head, piece, piece] α[i,j]"""
    cut: bool = False
    """whether it lost pieces"""
    document_index: int = 0
    sentence: int = 0


@dataclass(frozen=True, slots=True)
class NearRow:
    """A row so near the entropy cut that float32 may see it on the other side."""

    layer: int
    head: int
    entropy: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest F[i,j] of a sentence in one head."""

    weight: float
    document_index: int
    sentence: int
    i: int
    j: int


def word_of(span: tuple[int, int], text: str, words: Sequence[Word]) -> int | None:
    """The word that a piece overlaps most in characters, the first of equals; None if it overlaps none."""
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    best, most = None, 0
    for index, word in enumerate(words):
        overlap = min(end, word.end) - max(start, word.start)
        if overlap > most:
            best, most = index, overlap
    return best


def is_parent(parent: int | None, child: int | None, words: Sequence[Word]) -> bool:
    """Whether one word is the head of the other."""
    return parent is not None and child is not None and words[child].head == parent


@dataclass
class Reference:
    """Sums over the sentences added so far, and the results from them."""

    layers: int
    heads: int
    pos: tuple[str, ...]
    rel: tuple[str, ...]
    causal: bool
    sums: dict[str, Array] = field(init=False)
    near_rows: list[NearRow] = field(default_factory=list, init=False)
    _prefixes: list[tuple[int, frozenset[int], Array]] = field(default_factory=list, init=False)
    _peaks: list[tuple[str, int, int, Array, Array, Array]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        per_head = {
            "all": (), "null": (), "mass": (), "span": (), "entropy": (), "entropy_rows": (),
            "to_pos": (len(self.pos),), "from_pos": (len(self.pos),), "to_rel": (len(self.rel),),
            "along": (3,), "offset": (2 * FARTHEST_OFFSET + 1,),
        }  # fmt: skip
        corpus = {
            "sentences": (), "pieces": (), "sentences_cut": (), "pieces_unaligned": (),
            "pairs": (FARTHEST_PAIR + 1,), "dependencies": (FARTHEST_PAIR + 1,), "dependency_distance": (),
            "near_dependencies": (), "attendable": (), "attendable_along": (3,),
        }  # fmt: skip
        self.sums = {name: np.zeros((self.layers, self.heads, *shape)) for name, shape in per_head.items()}
        self.sums |= {name: np.zeros(shape) for name, shape in corpus.items()}

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums.

        Raises:
            ValueError: the attention does not have the expected shape, looks ahead in a causal model, or has rows
                that do not sum to 1.
        """
        self._check(sentence)
        word = [
            None if piece in sentence.template else word_of(span, sentence.text, sentence.words)
            for piece, span in enumerate(sentence.spans)
        ]
        n = len(sentence.spans)
        self.sums["sentences"] += 1
        self.sums["pieces"] += n
        self.sums["sentences_cut"] += sentence.cut
        self.sums["pieces_unaligned"] += sum(word[i] is None and i not in sentence.template for i in range(n))
        for i in range(n):
            for j in range(n):
                self._add_weight(i, j, word, sentence)
                self._count_pair(i, j, word, sentence)
            self._add_entropy(i, sentence)
        self._prefixes.append((n, sentence.null, sentence.alpha[:, :, :PREFIX, :PREFIX].copy()))
        self._add_peak(sentence)

    def attendable(self, i: int, j: int, null: frozenset[int]) -> bool:
        """Whether the model may attend from i to j, and j is not null."""
        return (j <= i or not self.causal) and j not in null

    def results(self) -> dict[str, Array]:
        """Every result under its name, the by-layer ones too."""
        s = self.sums
        found = self._per_head(lambda of_heads: of_heads)
        by_layer = self._per_head(lambda of_heads: of_heads.sum(axis=1))
        r_entropy, p_entropy = _pearson(found["distance"].ravel(), found["entropy"].ravel())
        r_alignment, p_alignment = _pearson(found["distance"].ravel(), found["dependency_alignment"][:, :, 2].ravel())
        corpus = {
            "sentences": s["sentences"],
            "pieces": s["pieces"],
            "pieces_per_sentence": _over(s["pieces"], s["sentences"]),
            "sentences_cut": s["sentences_cut"],
            "pieces_unaligned": s["pieces_unaligned"],
            "piece_pairs": s["pairs"],
            "dependency_pairs": s["dependencies"],
            "dependency_probability": _over(s["dependencies"], s["pairs"]),
            "mean_dependency_distance": _over(s["dependency_distance"], s["dependencies"].sum()),
            "dependency_within_18": _over(s["near_dependencies"], s["dependencies"].sum()),
            "dependency_baseline": _over(s["attendable_along"], s["attendable"]),
            "variability_sentences": s["sentences"],
            "distance_entropy_r": r_entropy,
            "distance_entropy_p": p_entropy,
            "distance_alignment_r": r_alignment,
            "distance_alignment_p": p_alignment,
            "distance_sd": _deviation(found["distance"].ravel()),
        }
        named = {**found, **{f"{name}_by_layer": value for name, value in by_layer.items()}, **corpus}
        return {name: np.asarray(value, np.float64) for name, value in named.items()}

    def exemplars(self, layer: int, head: int) -> list[Peak]:
        """All sentences with an attendable pair, largest weight first; each text once, as its first occurrence."""
        seen: set[str] = set()
        peaks: list[Peak] = []
        for text, document_index, sentence, weight, i, j in sorted(self._peaks, key=lambda peak: peak[1:3]):
            if text not in seen:
                seen.add(text)
                at = (layer, head)
                peaks.append(Peak(float(weight[at]), document_index, sentence, int(i[at]), int(j[at])))
        return sorted(peaks, key=lambda peak: (-peak.weight, peak.document_index, peak.sentence))

    def _check(self, sentence: Sentence) -> None:
        n = len(sentence.spans)
        shape = (self.layers, self.heads, n, n)
        if sentence.alpha.shape != shape or sentence.alpha.dtype != np.float64:
            raise ValueError(
                f"expected float64 α of shape {shape}, found {sentence.alpha.dtype} {sentence.alpha.shape}"
            )
        if self.causal and np.triu(sentence.alpha, 1).any():
            raise ValueError("expected no attention to later pieces in a causal model, found some")
        if not np.allclose(sentence.alpha.sum(axis=-1), 1, rtol=0, atol=1e-12):
            raise ValueError("expected rows of α that sum to 1")

    def _add_weight(self, i: int, j: int, word: Sequence[int | None], sentence: Sentence) -> None:
        """One α[i,j] into every sum over weights."""
        s, words = self.sums, sentence.words
        alpha = sentence.alpha[:, :, i, j]
        s["all"] += alpha
        if j in sentence.null:
            s["null"] += alpha
            return
        s["mass"] += alpha
        s["span"] += alpha * abs(i - j)
        s["to_pos"][:, :, self._tag(self.pos, "pos", word[j], words)] += alpha
        s["from_pos"][:, :, self._tag(self.pos, "pos", word[i], words)] += alpha
        s["to_rel"][:, :, self._tag(self.rel, "rel", word[j], words)] += alpha
        s["offset"][:, :, max(-FARTHEST_OFFSET, min(FARTHEST_OFFSET, i - j)) + FARTHEST_OFFSET] += alpha
        for direction, holds in enumerate(_directions(word[i], word[j], words)):
            if holds:
                s["along"][:, :, direction] += alpha

    def _count_pair(self, i: int, j: int, word: Sequence[int | None], sentence: Sentence) -> None:
        """The pair (i, j) into the counts, whatever attention it has."""
        s = self.sums
        along = _directions(word[i], word[j], sentence.words)
        if self.attendable(i, j, sentence.null):
            s["attendable"] += 1
            s["attendable_along"] += along
        if j > i or j in sentence.null:
            return
        s["pairs"][min(i - j, FARTHEST_PAIR)] += 1
        if along[2]:
            s["dependencies"][min(i - j, FARTHEST_PAIR)] += 1
            s["dependency_distance"] += i - j
            s["near_dependencies"] += i - j <= NEAR

    def _add_entropy(self, i: int, sentence: Sentence) -> None:
        """Row i of every head into the entropies, unless nearly all of it is on null columns."""
        columns = range(len(sentence.spans))
        for layer in range(self.layers):
            for head in range(self.heads):
                row = sentence.alpha[layer, head, i].tolist()
                on_null = sum(row[j] for j in columns if j in sentence.null)
                left = sum(row[j] for j in columns if j not in sentence.null)
                if left <= 0:
                    continue
                shares = [row[j] / left for j in columns if j not in sentence.null and row[j] > 0]
                entropy = -sum(p * log(p) for p in shares)
                kept = on_null <= ENTROPY_CUT
                if abs(on_null - ENTROPY_CUT) < NEAR_CUT:
                    self.near_rows.append(NearRow(layer, head, entropy, kept))
                if kept:
                    self.sums["entropy"][layer, head] += entropy
                    self.sums["entropy_rows"][layer, head] += 1

    def _add_peak(self, sentence: Sentence) -> None:
        """The largest F[i,j] of every head, with the smallest (i, j) of equals."""
        weight = np.full((self.layers, self.heads), -np.inf)
        best_i = np.full((self.layers, self.heads), -1)
        best_j = np.full((self.layers, self.heads), -1)
        for i in range(len(sentence.spans)):
            for j in range(len(sentence.spans)):
                if self.attendable(i, j, sentence.null):
                    larger = sentence.alpha[:, :, i, j] > weight
                    weight[larger] = sentence.alpha[:, :, i, j][larger]
                    best_i[larger], best_j[larger] = i, j
        if np.isfinite(weight).all():
            key = (sentence.text, sentence.document_index, sentence.sentence)
            self._peaks.append((*key, weight, best_i, best_j))

    def _tag(self, labels: tuple[str, ...], kind: str, word: int | None, words: Sequence[Word]) -> int:
        return labels.index("_" if word is None else getattr(words[word], kind))

    def _per_head(self, gather: Callable[[Array], Array]) -> dict[str, Array]:
        """Results per head; or per layer, where `gather` sums over heads."""
        s = {name: gather(value) for name, value in self.sums.items() if value.ndim >= 2}
        deviation, prefix_mass = (gather(value) for value in self._prefix_sums())
        mass = s["mass"]
        return {
            "null_attention": _over(s["null"], s["all"]),
            "attention_mass": mass,
            "pos_to": _over(s["to_pos"], mass[..., None]),
            "pos_from": _over(s["from_pos"], mass[..., None]),
            "dependency_alignment": _over(s["along"], mass[..., None]),
            "dependency_type_to": _over(s["to_rel"], mass[..., None]),
            "variability": _over(deviation, 2 * prefix_mass),
            "distance": _over(s["span"], mass),
            "entropy": _over(s["entropy"], s["entropy_rows"]),
            "entropy_rows": s["entropy_rows"],
            "attention_at_offset": _over(s["offset"], mass[..., None]),
        }

    def _prefix_sums(self) -> tuple[Array, Array]:
        """Σ |F − F̄| and Σ F over the first pieces of all sentences, [layer, head]."""
        deviation = np.zeros((self.layers, self.heads))
        mass = np.zeros((self.layers, self.heads))
        for i in range(PREFIX):
            for j in range(PREFIX):
                weights = [
                    block[:, :, i, j]
                    for n, null, block in self._prefixes
                    if i < n and j < n and self.attendable(i, j, null)
                ]
                if not weights:
                    continue
                mean = sum(weights, np.zeros_like(mass)) / len(weights)
                for weight in weights:
                    deviation += abs(weight - mean)
                    mass += weight
        return deviation, mass


def _directions(i: int | None, j: int | None, words: Sequence[Word]) -> tuple[bool, bool, bool]:
    """(attending is parent, attended is parent, either) of attending word i and attended word j."""
    attending, attended = is_parent(i, j, words), is_parent(j, i, words)
    return attending, attended, attending or attended


def _over(numerator: Array, denominator: Array) -> Array:
    """A quotient; NaN where there is no evidence."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, np.divide(numerator, denominator), np.nan)


def _pearson(x: Array, y: Array) -> tuple[float, float]:
    """Pearson's r over the heads that have both, and its two-sided p."""
    both = np.isfinite(x) & np.isfinite(y)
    n = int(np.count_nonzero(both))
    if n < 3:
        return np.nan, np.nan
    dx, dy = x[both] - x[both].mean(), y[both] - y[both].mean()
    if not dx.any() or not dy.any():
        return np.nan, np.nan
    r = float((dx * dy).sum() / np.sqrt((dx**2).sum() * (dy**2).sum()))
    return r, _tail(abs(r), n) / _tail(0.0, n)


def _tail(r: float, n: int) -> float:
    """∫ from r to 1 of (1 − t²)^((n − 4) ÷ 2) dt: without correlation, the density of r, up to a factor.

    With t = sin θ the integrand is cos^(n − 3) θ, smooth for every n ≥ 3.
    """
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    low, high = np.arcsin(min(r, 1.0)), np.pi / 2
    theta = low + (high - low) * (nodes + 1) / 2
    return float((weights * np.cos(theta) ** (n - 3)).sum() * (high - low) / 2)


def _deviation(x: Array) -> float:
    """Standard deviation with n − 1 over the heads that have a value."""
    finite = x[np.isfinite(x)]
    if len(finite) < 2:
        return np.nan
    return float(np.sqrt(((finite - finite.mean()) ** 2).sum() / (len(finite) - 1)))
