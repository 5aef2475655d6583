"""A made-up run: random but plausible tables and exemplars, with the laws that real ones have (shares sum to 1)."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.metrics.clusters import find_clusters
from attnmetrics.metrics.schema import LABELS, LINKS, SPECIAL, Schema
from attnmetrics.results.dataset import dataset as results_of
from attnmetrics.statistics.states import State

POS = ("ADJ", "ADP", "ADV", "AUX", "DET", "NOUN", "NUM", "PRON", "PROPN", "PUNCT", "VERB", "_")
REL = ("amod", "aux", "cc", "det", "nmod:poss", "nsubj", "nsubj:pass", "obj", "punct", "root", "_")
HOSTILE = "<script>alert('x')</script> \"q\" & $a_b$ $ \x1b[31m [bold]red[/bold] \u202eshalom שלום 😀 漢 \x00"


def dataset(
    layers: int = 4,
    heads: int = 3,
    *,
    pos: tuple[str, ...] = POS,
    rel: tuple[str, ...] = REL,
    seed: int = 0,
    causal: bool = True,
    first_layer: int = 0,
    nan_heads: tuple[tuple[int, int], ...] = (),
) -> xr.Dataset:
    """Every result of a run with the labels and links of every run."""
    return _dataset(layers, heads, pos, rel, seed, causal, first_layer, nan_heads).copy(deep=True)


@cache
def _dataset(
    layers: int,
    heads: int,
    pos: tuple[str, ...],
    rel: tuple[str, ...],
    seed: int,
    causal: bool,
    first_layer: int,
    nan_heads: tuple[tuple[int, int], ...],
) -> xr.Dataset:
    names = {"pos": pos, "rel": rel, "special": SPECIAL}
    schema = Schema(tuple(range(first_layer, first_layer + layers)), heads, LABELS, LINKS, names)
    data = without_evidence(schema)
    make = _Maker(np.random.default_rng(seed), data, causal)
    for result in schema.results:
        value = make.value(result.name)
        for layer, head in nan_heads:
            if result.per_head and result.kind != "count" and result.name != "null_attention":
                value[layer, head] = np.nan
        data[result.name][...] = value
        if f"{result.name}_by_layer" in data:
            data[f"{result.name}_by_layer"][...] = _layer_mean(np.asarray(value))
    return data


def without_evidence(schema: Schema) -> xr.Dataset:
    """The results of no sentence: dimensions, labels and attributes are right."""
    grid = (len(schema.layers), schema.heads)
    state = State.zero(schema)
    merged = {"deviation_sum": np.zeros(grid), "prefix_sum": np.zeros(grid), "variability_sentences": np.array(0)}
    return results_of(schema, {**state.sums, **merged})


def intervals(data: xr.Dataset, width: float) -> xr.Dataset:
    """Made-up ones: from a value minus `width` times it to plus twice as much."""
    tables = {str(name): one for name, one in data.items() if one.attrs["kind"] != "count"}
    bounds = {
        name: ((*one.dims, "bound"), np.stack([one - width * abs(one), one + 2 * width * abs(one)], -1), {"groups": 64})
        for name, one in tables.items()
    }
    about = {"confidence": 0.95, "unsure_below": 20, "reason": ""}
    return xr.Dataset(bounds, {"bound": ["low", "high"]}, about)


ANIMACY = ("human", "<b>thing</b>", "=1+1", "_")


def made_up(layers: int = 2, heads: int = 3) -> xr.Dataset:
    """Tables that nothing declares: with chance levels, with two further dimensions, without attributes."""
    random = np.random.default_rng(5)
    sparkle = {
        "long_name": "Sparkle",
        "units": "stars",
        "kind": "mean",
        "formula": "Σ sparkle ÷ rows",
        "help": "Shiny.",
    }
    to = {"long_name": "Attention to animacy", "heading": "Attention to {} nouns", "units": "1", "kind": "share",
          "formula": "Σ F of the kind ÷ M", "chance": "animacy_to_uniform", "family": "Animacy"}  # fmt: skip
    shares = random.dirichlet(np.ones(len(ANIMACY)), (layers, heads))
    head = ("layer", "head")
    tables = {
        "sparkle": (head, 1 + random.random((layers, heads)), sparkle | {"chance": "sparkle_expected"}),
        "sparkle_expected": (head, np.full((layers, heads), 1.25), {"units": "stars", "kind": "mean"}),
        "animacy_to": ((*head, "animacy"), shares, to),
        "animacy_to_by_layer": (("layer", "animacy"), shares.mean(axis=1), to | {"twin_of": "animacy_to"}),
        "animacy_to_uniform": ("animacy", np.array([0.4, 0.3, 0.2, 0.1]), {"units": "1", "kind": "share"}),
        "animacy_rows": ("animacy", np.array([7, 1200, 3, 0]), {"units": "rows", "kind": "count"}),
        "rule_accuracy": ((*head, "rule", "animacy"), random.random((layers, heads, 2, 4)), {"kind": "share"}),
        "rule_edges": (("rule", "animacy"), np.arange(8).reshape(2, 4), {"units": "edges", "kind": "count"}),
        "sparkles": ((), 12345, {"long_name": "Sparkles seen", "units": "stars", "kind": "count"}),
        "<i>loud": (head, random.random((layers, heads)), {"long_name": "<i>Loud</i> [red]x[/red] \x1b[31m"}),
        "unsaid": (head, random.random((layers, heads))),
    }
    coords = {
        "layer": np.arange(layers),
        "head": np.arange(heads),
        "animacy": ("animacy", np.array(ANIMACY, object), {"long_name": "animacy of the noun"}),
        "rule": np.array(["row", "column"], object),
    }
    return xr.Dataset(tables, coords, {"unit": "sentence", "order": list(tables)})


def _layer_mean(value: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = ~np.isnan(value)
    number = kept.sum(axis=1)
    total = np.where(kept, value, 0).sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


_NUMBERS = {
    "variability_sentences": 300,
    "sentences": 321,
    "pieces": 8901,
    "pieces_per_sentence": 8901 / 321,
    "sentences_cut": 2,
    "pieces_unaligned": 3,
    "mean_dependency_distance": 3.9,
    "dependency_within_18": 0.99,
    "distance_entropy_r": 0.61,
    "distance_entropy_p": 1e-9,
    "distance_alignment_r": -0.73,
    "distance_alignment_p": 1e-12,
    "distance_sd": 3.6,
}


class _Maker:
    def __init__(self, random: np.random.Generator, data: xr.Dataset, causal: bool) -> None:
        self.random, self.data, self.causal = random, data, causal
        self.grid = (data.sizes["layer"], data.sizes["head"])
        self.depth = np.linspace(0, 1, self.grid[0])[:, None] * np.ones(self.grid)

    def value(self, name: str) -> Any:
        method = getattr(self, name, None)
        return method() if method else self.other(name)

    def other(self, name: str) -> Any:
        table = self.data[name]
        if name in _NUMBERS:
            return _NUMBERS[name]
        if name.endswith(("_to", "_from")):
            return self.shares(table.shape[2])
        if table.attrs["kind"] == "count":
            return np.asarray(self.random.integers(500, 9000, table.shape), float)
        return np.asarray(self.random.beta(2, 14, table.shape))

    def null_attention(self) -> NDArray[np.float64]:
        return self.random.beta(3, 2, self.grid)

    def attention_mass(self) -> NDArray[np.float64]:
        return self.random.uniform(1e3, 2e4, self.grid)

    def variability(self) -> NDArray[np.float64]:
        return self.random.beta(3, 5, self.grid)

    def distance(self) -> NDArray[np.float64]:
        return 2 + 6 * self.depth + self.random.gamma(1.5, 1, self.grid)

    def entropy(self) -> NDArray[np.float64]:
        return 0.5 + self.random.gamma(2, 0.4, self.grid)

    def shares(self, labels: int) -> NDArray[np.float64]:
        weight = self.random.gamma(0.6, 1, (*self.grid, labels)) + 1e-4
        weight /= weight.sum(-1, keepdims=True)
        return weight

    def dependency_alignment(self) -> NDArray[np.float64]:
        both = self.random.beta(2, 14, (*self.grid, 2))
        return np.concatenate([both, both.sum(-1, keepdims=True)], axis=-1)

    def dependency_excess(self) -> NDArray[np.float64]:
        """After the alignment and what is expected of it, as results are in order."""
        return np.asarray(self.data["dependency_alignment"] - self.data["dependency_expected"])

    def head_distance(self) -> NDArray[np.float64]:
        """Squared distances of points on a map."""
        self.points = self.random.normal(scale=0.15, size=(self.depth.size, 2)) + 0.2 * self.depth.ravel()[:, None]
        squared = ((self.points[:, None] - self.points) ** 2).sum(-1)
        return np.minimum(squared, np.log(2)).reshape(*self.grid, *self.grid)

    def head_map(self) -> NDArray[np.float64]:
        return (self.points - self.points.mean(0)).reshape(*self.grid, 2)

    def head_cluster(self) -> NDArray[np.float64]:
        distance = np.nan_to_num(self.data["head_distance"].to_numpy()).reshape(self.depth.size, self.depth.size)
        return find_clusters(np.sqrt(distance)).reshape(self.grid)

    def layer_distance(self) -> NDArray[np.float64]:
        return np.asarray(self.data["head_distance"].mean(("head", "other_head")))

    def dependency_baseline(self) -> NDArray[np.float64]:
        return np.array([0.06, 0.04, 0.1])

    def attention_at_offset(self) -> NDArray[np.float64]:
        offsets = self.data["offset"].values
        weight = np.exp(-np.abs(offsets) / 5) * self.random.gamma(0.7, 1, (*self.grid, len(offsets)))
        weight = weight * (offsets >= 0) if self.causal else weight
        return weight / weight.sum(-1, keepdims=True)

    def piece_pairs(self) -> NDArray[np.float64]:
        return np.round(9000 * np.exp(-np.arange(65) / 14.0)) + 1

    def dependency_pairs(self) -> NDArray[np.float64]:
        return np.round(self.piece_pairs() * self.dependency_probability())

    def dependency_probability(self) -> NDArray[np.float64]:
        distance = np.arange(65.0)
        probability = 0.45 * np.exp(-distance / 3)
        probability[0] = 0
        return probability


SENTENCE = "The Red Cross Society ( RCS ) was founded in Oslo , Norway , in 1892 ."


def exemplars(data: xr.Dataset, k: int = 6, *, hostile: bool = False, seed: int = 0) -> pd.DataFrame:
    """K sentences a head, byte-level pieces."""
    random = np.random.default_rng(seed)
    text = HOSTILE if hostile else SENTENCE
    pieces = byte_pieces(text)
    rows = []
    for layer in data["layer"].values.tolist():
        for head in data["head"].values.tolist():
            weights = np.sort(random.uniform(0.2, 1, k))[::-1]
            rows += [_row(layer, head, r + 1, float(weights[r]), text, pieces, random) for r in range(k)]
    return pd.DataFrame(rows)


def _row(
    layer: int, head: int, rank: int, weight: float, text: str, pieces: list[str], random: np.random.Generator
) -> dict[str, Any]:
    i = int(random.integers(1, len(pieces)))
    j = int(random.integers(0, i))
    return {
        "layer": layer,
        "head": head,
        "claim": "",
        "bucket": "top",
        "rank": rank,
        "weight": weight,
        "document": f"d{rank}.txt",
        "sentence": rank,
        "i": i,
        "j": j,
        "text": text,
        "pieces": pieces,
        "right": None,
    }


def attention(frame: pd.DataFrame, drawn: int = 5, seed: int = 0) -> pd.DataFrame:
    """The attention in the first exemplars: random rows that keep the exemplar's own weight; thin weights left out."""
    random = np.random.default_rng(seed)
    rows = []
    for one in frame[frame["rank"] <= drawn].itertuples():
        weights = np.tril(random.gamma(0.3, 1, (len(one.pieces),) * 2) + 1e-9)
        weights /= weights.sum(1, keepdims=True)
        weights[one.i] *= (1 - one.weight) / (1 - weights[one.i, one.j])
        weights[one.i, one.j] = one.weight
        i, j = np.nonzero(weights >= 0.002)
        at = (one.layer, one.head, one.claim, one.bucket, one.rank)
        rows.append((*at, len(one.pieces), i, j, weights[i, j].astype(np.float32)))
    names = ["layer", "head", "claim", "bucket", "rank", "pieces", "i", "j", "weight"]
    return pd.DataFrame(rows, columns=names)


def byte_pieces(text: str) -> list[str]:
    """Words as byte-level pieces; non-ASCII words one byte a piece."""
    from attnmetrics.views.pieces import _byte_of

    spelled = {byte: char for char, byte in _byte_of().items()}
    words = [word if n == 0 else f" {word}" for n, word in enumerate(text.split(" "))]
    pieces: list[str] = []
    for word in words:
        symbols = "".join(spelled[byte] for byte in word.encode())
        pieces += [symbols] if word.isascii() else list(symbols)
    return pieces


def facts() -> dict[str, Any]:
    """What run.json says, in part."""
    return {
        "attnmetrics": "0.1.0",
        "status": "finished",
        "started": "2026-11-27T02:49:18+00:00",
        "configuration": {"model": "demo", "corpus": ["demo.txt"], "dtype": "float32"},
        "model": {"layers": [0, 1, 2, 3], "heads": 3, "null": {"leading": 1, "trailing": 0}},
        "corpus": {"paths": ["demo.txt"], "documents": 12, "shards": 3},
        "annotator": {"name": "en_core_web_sm"},
        "counts": {"sentences": 321, "pieces": 8901},
        "left_out": {"documents_blank": 1, "sentences_blank": 2},
        "seconds": {"plan": 0.2, "annotate": 3.2, "measure": 5.1},
        "versions": {"attnmetrics": "0.1.0"},
    }
