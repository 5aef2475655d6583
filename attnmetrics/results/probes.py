"""What probes found, as a labelled Dataset that describes itself: `probe.zarr`.

Its variables say of themselves what those of `results.zarr` do (see `results.dataset`, which writes and reads it).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.errors import StoreError
from attnmetrics.metrics.family import HEAD, Array
from attnmetrics.metrics.ratios import ratio
from attnmetrics.results.dataset import load
from attnmetrics.storage import Location

FILE: Final = "probe.zarr"
"""In a run's folder."""

CLARK: Final = "Clark et al. 2019, section 5"
CLARK_STEPS: Final = 36_160
"""Sentences that the released code trains on, each one step of one epoch."""
TABLE: Final = "Clark et al. 2019, Table 3"
CONTROL: Final = "Hewitt and Liang 2019"
NOT_SCORED: Final = "punct"
"""Words with this relation are learned from, and count in no accuracy."""

TITLES: Final = {
    "right_branching": "the next word is the head",
    "best_offset": "the head is at the best word offset",
    "distances": "distances",
    "words": "word vectors",
    "distances_and_words": "distances and word vectors",
    "attention_random": "attention of a model with random weights",
    "attention_and_words_random": "attention of a model with random weights, and word vectors",
    "attention": "attention",
    "attention_and_words": "attention and word vectors",
    "attention_clark": "attention, trained as the paper did",
    "attention_and_words_clark": "attention and word vectors, trained as the paper did",
    "attention_and_words_clark_root_bug": "attention and word vectors, trained as the paper did, with its ROOT bug",
}
"""Probes, in the order in which they are shown."""

RECIPE_END: Final = "_clark"
"""Ends the names of probes that were trained as the paper's code trains."""

PUBLISHED: Final = {
    "right_branching": 0.26,
    "distances_and_words": 0.58,
    "attention_and_words_random": 0.30,
    "attention": 0.61,
    "attention_and_words": 0.77,
    "attention_clark": 0.61,
    "attention_and_words_clark_root_bug": 0.77,
}
"""UAS of bert-base-uncased on the Penn Treebank, with GloVe; 58 and 77 were had with the ROOT bug."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How a probe did on the test sentences."""

    right: Array
    """[rel] words whose head it found"""
    roots: float
    """of these, roots"""
    loss: float = np.nan
    """mean loss of a word that it learned from, in nats"""
    iterations: int = 0
    converged: bool = True
    weights: Array | None = None
    """[direction, map, component] (see `probing.probes.Shape`)"""


@dataclass(frozen=True, slots=True)
class Found:
    """All that is known after the last probe."""

    layers: Sequence[int]
    heads: int
    special: Sequence[str]
    """names of the special pieces"""
    directions: Sequence[str]
    relations: Sequence[str]
    tried: Mapping[str, Sequence[Tried]]
    """by probe; of models with random weights one a seed"""
    controls: Mapping[str, Tried]
    """by probe, how well it learns the control task"""
    train: Mapping[str, Array]
    """what there was to learn from (see `probing.sums.Count`)"""
    test: Mapping[str, Array]
    best_offset: int
    about: Mapping[str, Any] = field(default_factory=dict)
    """attributes of the whole"""

    @property
    def scored(self) -> NDArray[np.bool_]:
        """[rel] which relations count."""
        return np.array([relation != NOT_SCORED for relation in self.relations])


Variable = tuple[tuple[str, ...], Any, dict[str, str]]


def probe_dataset(found: Found) -> xr.Dataset:
    """Every number of the probes, labelled."""
    names = [name for name in TITLES if name in found.tried]
    variables = {**_accuracies(found, names), **_fits(found, names), **_counts(found), **_weights(found)}
    whole = {"title": "Probes: trees read off attention", "order": list(variables), **found.about}
    return xr.Dataset(variables, _coordinates(found, names, variables), whole)


def load_probe(run: Location) -> xr.Dataset:
    """What the last probe of a run found.

    Raises:
        StoreError: the run was not probed, or the file cannot be read.
    """
    if not (run / FILE).exists():
        raise StoreError(
            f"expected probes at {run / FILE}, found none; make them: "
            f"attnmetrics probe {run} --treebank TRAIN --test TEST"
        )
    return load(run / FILE)


def _accuracies(found: Found, names: Sequence[str]) -> dict[str, Variable]:
    scored, words = found.scored, found.test["words"]
    every = words[scored].sum()
    uas = {name: [ratio(one.right[scored].sum(), every) for one in found.tried[name]] for name in names}
    control = {name: ratio(one.right[scored].sum(), every) for name, one in found.controls.items()}
    means = np.array([np.mean(uas[name]) for name in names])
    of_control = np.array([control.get(name, np.nan) for name in names])
    seeds = max(len(values) for values in uas.values())
    by_seed = np.array([[*(uas[name] if len(uas[name]) > 1 else []), *[np.nan] * seeds][:seeds] for name in names])
    right = np.array([np.mean([one.right for one in found.tried[name]], 0) for name in names])
    roots = np.array([np.mean([one.roots for one in found.tried[name]]) for name in names])
    what = "words whose most probable head is theirs ÷ words that have a piece, punctuation left out, roots in"
    return {
        "uas": _share(("probe",), means, "Unlabelled attachment score", what, TABLE,
                      help="How much of the trees can be read off, word by word. Read it against the baselines.",
                      heading="Attachment: {}"),
        "uas_published": _share(("probe",), np.array([PUBLISHED.get(name, np.nan) for name in names]),
                                "Published attachment score", "as printed: BERT base, Penn Treebank, GloVe", TABLE,
                                help="Another treebank, other relations and vectors: a neighbour, no target. "
                                "Those with word vectors were had with a bug that cost about 3 points."),
        "uas_by_seed": _share(("probe", "seed"), by_seed, "Attachment score by random model", what, ""),
        "uas_by_relation": _share(("probe", "rel"), ratio(right, words), "Attachment by relation",
                                  "words with the relation whose most probable head is theirs ÷ words with it", "",
                                  heading="Attachment of {}"),
        "root_accuracy": _share(("probe",), ratio(roots, found.test["roots"]), "Roots found",
                                "roots whose most probable head is the root ÷ roots", ""),
        "control_accuracy": _share(("probe",), of_control, "Control task",
                                   "words whose head in the control task is found ÷ words, punctuation left out; every "
                                   "form has one of three rules by hash: itself, the first or the last word", CONTROL,
                                   help="What the probe learns by heart: there is no tree in this task. A word may "
                                   "be its own head in it."),
        "selectivity": (("probe",), means - of_control,
                        _about("Selectivity", "1", "score", "attachment score − control task", CONTROL,
                               help="Low where the probe is strong enough to learn anything.")),
    }  # fmt: skip


def _fits(found: Found, names: Sequence[str]) -> dict[str, Variable]:
    def mean(name: str) -> Array:
        return np.array([np.mean([getattr(one, name) for one in found.tried[probe]]) for probe in names])

    sizes = [next((one.weights.size for one in found.tried[name] if one.weights is not None), 0) for name in names]
    return {
        "loss": (("probe",), mean("loss"),
                 _about("Mean loss of training", "nats", "mean", "Σ −log p(head) ÷ words, without the penalty", CLARK)),
        "iterations": (("probe",), mean("iterations"),
                       _about("Iterations of the fit", "iterations", "mean", "L-BFGS, or epochs of Adam", "")),
        "converged": _share(("probe",), mean("converged"), "Fits that ended at the minimum",
                            "1 where the gradient or the change of the loss fell below its limit", ""),
        "parameters": (("probe",), np.array(sizes, np.int64),
                       _about("Weights of the probe", "weights", "count", "number", "")),
    }  # fmt: skip


def _counts(found: Found) -> dict[str, Variable]:
    titles = {
        "sentences": ("Sentences", "sentences"), "roots": ("Roots", "words"),
        "without_head": ("Words whose head has no piece: never right, and not learned from", "words"),
        "without_piece": ("Words without a piece: neither learned from nor scored", "words"),
        "without_vector": ("Words without a known vector: zeros stand for it", "words"),
    }  # fmt: skip
    counts: dict[str, Variable] = {}
    for part, sums in (("train", found.train), ("test", found.test)):
        for name, (title, unit) in titles.items():
            about = _about(f"{title} ({part})", unit, "count", "number", "")
            counts[f"{part}_{name}"] = ((), np.int64(sums[name]), about)
        about = _about(f"Words by relation ({part})", "words", "count", "number, with a piece", "")
        counts[f"{part}_words"] = (("rel",), sums["words"].astype(np.int64), about)
    about = _about("Best word offset", "words", "score", "offset with the most right heads in training", "",
                   help="Positive: the head stands so many words to the right.")  # fmt: skip
    return {**counts, "best_offset": ((), np.int64(found.best_offset), about)}


def _weights(found: Found) -> dict[str, Variable]:
    """Weights of heads, of the probes that were fitted to the model's own attention."""
    variables: dict[str, Variable] = {}
    for name in ("attention", "attention_and_words"):
        for one in found.tried.get(name, ())[:1]:
            if one.weights is not None:
                variables |= _weights_of(found, name, one.weights)
    return variables


def _weights_of(found: Found, name: str, weights: Array) -> dict[str, Variable]:
    # [layer, head, direction, component]: of any word, of each special piece, then of the two words' vectors.
    by_head = np.moveaxis(weights, 0, 1).reshape(len(found.layers), found.heads, 2, -1)
    special = len(found.special)
    vectors = by_head[..., 1 + special :]
    dims, title = (*HEAD, "direction"), TITLES[name]
    read = "High: attention of this head, in this direction, speaks for (or against) a dependency."
    variables: dict[str, Variable] = {
        f"{name}_weight": (dims, by_head[..., 0],
                           _about(f"Weight of heads: {title}", "1", "score",
                                  "w[k] of A[k][candidate, dependent], u[k] of A[k][dependent, candidate]", CLARK,
                                  help=read, heading="Weight of heads: {}")),
        f"{name}_root_weight": ((*dims, "special_piece"), by_head[..., 1 : 1 + special],
                                _about(f"Weight of heads for the root: {title}", "1", "score",
                                       "weight of α between the dependent and a special piece, for the root", "",
                                       help=read, heading="Weight for the root: {}")),
    }  # fmt: skip
    if vectors.shape[-1]:
        both = vectors.reshape(*by_head.shape[:3], 2, -1)
        variables[f"{name}_vector_weight"] = (
            (*dims, "word", "component"), both,
            _about(f"Weight of heads by word vector: {title}", "1", "score", "p[k] and q[k] of the score",
                   CLARK))  # fmt: skip
        norm = np.sqrt(np.square(by_head[..., :1]).sum(-1) + np.square(vectors).sum(-1))
        variables[f"{name}_weight_norm"] = (
            dims, norm,
            _about(f"Strength of heads: {title}", "1", "score", "√(w[k]² + ‖p[k]‖² + ‖q[k]‖²)", "",
                   help="How much this head's attention can speak for any word.",
                   heading="Strength of heads: {}"))  # fmt: skip
    return variables


def _coordinates(found: Found, names: Sequence[str], variables: Mapping[str, Variable]) -> dict[str, xr.Variable]:
    seeds = variables["uas_by_seed"][1].shape[1]
    about: dict[str, tuple[Any, str, str]] = {
        "probe": (names, "probe", "; ".join(f"{name}: {TITLES[name]}" for name in names)),
        "seed": (np.arange(seeds), "random model", "seed of its weights"),
        "rel": (found.relations, "relation", "of a word to its head"),
        "layer": (np.array(found.layers), "layer", "of the model, from 0"),
        "head": (np.arange(found.heads), "head", "of the layer, from 0"),
        "direction": (found.directions, "direction", "who attends to whom"),
        "special_piece": (found.special, "special piece", "by its place in the sentence"),
        "word": (("candidate", "dependent"), "word", "whose vector it is"),
        "component": (np.arange(_width(variables)), "component", "of word vectors"),
    }
    used = {dim for dims, _, _ in variables.values() for dim in dims}
    return {
        dim: xr.Variable(dim, _labels(labels), {"long_name": title, "help": meaning, "units": "1"})
        for dim, (labels, title, meaning) in about.items()
        if dim in used
    }


def _width(variables: Mapping[str, Variable]) -> int:
    return next((values.shape[-1] for dims, values, _ in variables.values() if dims[-1:] == ("component",)), 0)


def _labels(labels: Any) -> NDArray[Any]:
    return labels if isinstance(labels, np.ndarray) else np.array([str(label) for label in labels], dtype=object)


def _share(dims: tuple[str, ...], values: Array, title: str, formula: str, source: str, **more: str) -> Variable:
    return dims, np.asarray(values, np.float64), _about(title, "1", "share", formula, source, **more)


def _about(title: str, unit: str, kind: str, formula: str, source: str, **more: str) -> dict[str, str]:
    described = {"long_name": title, "units": unit, "kind": kind, "formula": formula, "source": source}
    return {**described, "family": "Probes", "help": "", **more}


def told(data: xr.Dataset) -> list[str]:
    """What a probe learned from and was tried on, and how long the paper's own training took where it was done.

    Args:
        data: what `load_probe` gives.
    """
    learned, tried = (f"{int(data[f'{part}_words'].sum()):,} words" for part in ("train", "test"))
    return [
        f"{data.attrs['model']}: learned from {learned} of {data.attrs['treebank']}",
        f"tried on {tried} of {data.attrs['test']}",
        f"word vectors: {data.attrs['word_vectors']}",
        f"best word offset: {int(data['best_offset']):+}",
        *_recipe(data),
    ]


def _recipe(data: xr.Dataset) -> list[str]:
    """The paper's own training ends wherever it is after one epoch."""
    steps = int(data["train_sentences"])
    few = f"{steps:,} steps, {CLARK_STEPS:,} in the paper: fewer leave weights near where they began"
    trained = any(RECIPE_END in str(name) for name in data["probe"].values)
    return [f"clark: trained as the paper did, one epoch of Adam, a sentence a step; {few}"] if trained else []
