"""What one run measures: its labels and links, the names that they give, and all families that follow from them."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import blake2b
from math import prod
from typing import Any, Final

import numpy as np

from attnmetrics.errors import ConfigError
from attnmetrics.metrics import (
    coreference,
    corpus,
    distance,
    entropy,
    null,
    output,
    over_heads,
    scaling,
    similarity,
    sinks,
    spread,
    surface,
    syntax,
    variability,
)
from attnmetrics.metrics.family import (
    HEAD,
    MERGED,
    OFFSETS,
    PAIR_DISTANCES,
    Array,
    Family,
    Label,
    Link,
    Quantity,
    Result,
    Sum,
    Sums,
)
from attnmetrics.metrics.halves import HALVES
from attnmetrics.metrics.labels import label_family
from attnmetrics.metrics.links import link_family
from attnmetrics.metrics.pairs import count_pairs

EDGES: Final = ("attending_is_parent", "attended_is_parent")
"""The directions of a dependency."""

SPECIAL_LABEL: Final = Label("special", "piece.special", "kind of piece", "special")

LABELS: Final = (
    Label("pos", "word.pos", "part of speech", "pos"),
    Label("rel", "word.rel", "dependency relation", "dependency_type"),
    SPECIAL_LABEL,
)
"""Labels of every run."""

LINKS: Final = (
    Link("dependency", "word.head", "a word and its head", EDGES),
    Link("repeat", "piece.repeat", "a piece and the same piece before"),
    Link("induction", "piece.induction", "a piece and what followed the same piece before"),
)
"""Links of every run."""

COREFERENCE: Final = "word.coreference"
"""The source of a link between the head words of an entity's mentions."""
COREFERENT: Final = Link("coreference", COREFERENCE, "two mentions of an entity")
"""A link of runs whose corpus has mentions."""

SPECIAL: Final = ("first", "separator", "punctuation", "other")
"""Names of `piece.special`."""

DIMENSIONS: Final = frozenset(
    {"layer", "head", "direction", "edge", "offset", "pair_distance", "bound", "shard", "unit", "kind"}
    | {"attending", "neighbour", "half", "rule", "word_offset", "word_class", "side", "weight_bin"}
    | {"candidates", "anaphor_class", "mention_class", "heuristic"}
    | {"other_layer", "other_head", "axis", "head_pair"}
    | {"corpus", "heads", "layers", "pairs", "directions"}
)
"""Names that no label may have, for a table may have both as dimensions, or another table's file has the name."""

_OF_EVERY_RUN: Final = frozenset(
    [*(one.name for one in (*LABELS, *LINKS, COREFERENT)), *(label.stem for label in LABELS)]
)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_NAME_LENGTH: Final = 40


@dataclass(frozen=True, eq=False)
class Schema:
    """A run's labels, links and dimensions, and what follows from these: families, sums, results."""

    layers: tuple[int, ...]
    """layers measured, by their numbers in the model, from 0"""
    heads: int
    """heads a layer"""
    labels: tuple[Label, ...]
    links: tuple[Link, ...]
    names: Mapping[str, tuple[str, ...]]
    """the names of each label"""

    @property
    def sources(self) -> tuple[str, ...]:
        """What its labels and links are made from."""
        return (*(label.source for label in self.labels), *(link.source for link in self.links))

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """All families, in the order of their shelves."""
        return families_of(self.labels, self.links)

    @cached_property
    def sums(self) -> tuple[Sum, ...]:
        """What a shard sums up."""
        return tuple(one for family in self.families for one in family.sums if one.of not in MERGED)

    @cached_property
    def head_sums(self) -> tuple[Sum, ...]:
        """Those of them that kernels give."""
        return tuple(one for one in self.sums if one.dims[:2] == HEAD and one.of is not Quantity.MAPPED)

    @cached_property
    def mapped_sums(self) -> tuple[Sum, ...]:
        """Those that map families give, of whatever dimensions."""
        return tuple(one for one in self.sums if one.of is Quantity.MAPPED)

    @cached_property
    def text_sums(self) -> tuple[Sum, ...]:
        """Those that need no model."""
        return tuple(one for one in self.sums if one.dims[:2] != HEAD and one.of is not Quantity.MAPPED)

    @cached_property
    def groups(self) -> dict[str, slice]:
        """By link, its places among the groups of pairs whose weights kernels sum up: one a direction."""
        ends = np.cumsum([link.groups for link in self.links]).tolist()
        return {link.name: slice(end - link.groups, end) for link, end in zip(self.links, ends, strict=True)}

    @property
    def separators(self) -> int:
        """The place of the pairs of separators among these groups: the last."""
        return sum(link.groups for link in self.links)

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """All results, by-layer twins left out."""
        return tuple(result for family in self.families for result in family.results)

    @cached_property
    def coordinates(self) -> dict[str, Sequence[Any]]:
        """The labels of every dimension."""
        return {
            "layer": self.layers,
            "head": tuple(range(self.heads)),
            **{label.name: self.names[label.name] for label in self.labels},
            "direction": (*EDGES, "either"),
            "edge": EDGES,
            "offset": OFFSETS,
            "pair_distance": PAIR_DISTANCES,
            "attending": surface.ATTENDING,
            "neighbour": surface.NEIGHBOURS,
            "half": HALVES,
            "rule": syntax.RULES,
            "word_offset": syntax.WORD_OFFSETS,
            "word_class": syntax.word_classes(self.names["pos"]),
            "side": syntax.SIDES,
            "candidates": coreference.CANDIDATES,
            "anaphor_class": coreference.ANAPHOR_CLASSES,
            "mention_class": coreference.MENTION_CLASSES,
            "heuristic": coreference.HEURISTICS,
            "other_layer": self.layers,
            "other_head": tuple(range(self.heads)),
            "weight_bin": sinks.WEIGHT_BINS,
            "axis": scaling.AXES,
            "head_pair": range(count_pairs(len(self.layers) * self.heads)),
        }

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each sum of a shard, in order."""
        return {one.name: self.shape(one.dims) for one in self.sums}

    def shape(self, dims: tuple[str, ...]) -> tuple[int, ...]:
        """The shape of an array with these dimensions."""
        return tuple(len(self.coordinates[dim]) for dim in dims)

    @property
    def size(self) -> int:
        """Numbers in a shard's sums."""
        return sum(map(prod, self.shapes.values()))

    @cached_property
    def digest(self) -> str:
        """The same for runs whose sums may be added."""
        content = json.dumps([self.plain(), {name: list(shape) for name, shape in self.shapes.items()}])
        return blake2b(content.encode(), digest_size=16).hexdigest()

    def plain(self) -> dict[str, Any]:
        """For JSON; the inverse of `from_plain`."""
        return {
            "layers": list(self.layers),
            "heads": self.heads,
            "labels": [asdict(label) for label in self.labels],
            "links": [{**asdict(link), "edges": list(link.edges)} for link in self.links],
            "names": {label: list(names) for label, names in self.names.items()},
        }

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> "Schema":
        """The schema that `plain` wrote down."""
        return cls(
            layers=tuple(content["layers"]),
            heads=content["heads"],
            labels=tuple(Label(**label) for label in content["labels"]),
            links=tuple(Link(**{**link, "edges": tuple(link["edges"])}) for link in content["links"]),
            names={label: tuple(names) for label, names in content["names"].items()},
        )

    def compute(self, sums: Sums) -> dict[str, Array]:
        """Every result and its by-layer twin from a run's sums; leading dimensions, such as of shards, are free.

        Args:
            sums: a shard's or a run's, and those of `statistics.variability` that the merge adds.
        """
        each, together = self.of_each_head(sums), self.of_layers(sums)
        values = {result.name: result.compute(each) for result in self.results}
        values |= {f"{result.name}_by_layer": result.compute(together) for result in self.results if result.has_twin}
        return {result.name: values[result.name].astype(result.dtype) for result in self.with_twins()}

    def compute_some(self, sums: Sums, names: Collection[str]) -> dict[str, Array]:
        """These results of heads or of the corpus, from a run's sums; of those that the run has."""
        each = self.of_each_head(sums)
        return {result.name: result.compute(each) for result in self.results if result.name in names}

    def of_each_head(self, sums: Sums) -> dict[str, Array]:
        """What formulas of heads and of the corpus take."""
        return {**sums, "heads": np.ones(()), "layers": np.array(self.layers, np.float64)}

    def of_layers(self, sums: Sums) -> dict[str, Array]:
        """What formulas of by-layer twins take: […, layer, …] over the heads of a layer."""
        layers = np.array(self.layers, np.float64)
        return {**self._over_heads(sums), "heads": np.asarray(float(self.heads)), "layers": layers}

    def with_twins(self) -> tuple[Result, ...]:
        """All results, and then the by-layer twins."""
        of_heads = {result.name for result in self.results if result.per_head}
        return (*self.results, *(twin_of(result, of_heads) for result in self.results if result.has_twin))

    def _over_heads(self, sums: Sums) -> dict[str, Array]:
        """Sums of the heads of a layer: […, layer, …] from […, layer, head, …]."""
        every = [one for family in self.families for one in family.sums]
        return {
            one.name: sums[one.name].sum(axis=1 - len(one.dims)) if one.dims[:2] == HEAD else sums[one.name]
            for one in every
        }


def is_of_pieces(source: str) -> bool:
    """Whether a label or a link is made from pieces alone: it needs no annotation."""
    return source.startswith("piece.")


def is_of_units(source: str) -> bool:
    """Whether a label or a link is made when the units are: sentences alone do not say it."""
    return is_of_pieces(source) or source == COREFERENCE


def families_of(labels: Iterable[Label], links: Iterable[Link]) -> tuple[Family, ...]:
    """The families of a run with these labels and links."""
    links = tuple(links)
    return (
        null.FAMILY,
        *(label_family(label) for label in labels),
        *(link_family(link) for link in links),
        distance.FAMILY,
        entropy.FAMILY,
        spread.FAMILY,
        surface.FAMILY,
        sinks.FAMILY,
        variability.FAMILY,
        output.FAMILY,
        syntax.FAMILY,
        *([coreference.FAMILY] if COREFERENT in links else []),
        similarity.FAMILY,
        corpus.FAMILY,
        over_heads.FAMILY,
    )


def twin_of(result: Result, of_heads: Set[str]) -> Result:
    """The declaration of a result's by-layer twin, given the names of all results of heads."""

    def own(name: str) -> str:
        return f"{name}_by_layer" if name in of_heads else name

    return replace(
        result,
        name=f"{result.name}_by_layer",
        dims=("layer", *result.dims[2:]),
        title=f"{result.title}, by layer",
        formula=f"{result.formula}, from sums over the heads of a layer",
        chance=own(result.chance),
        excess=own(result.excess),
        beside=tuple(map(own, result.beside)),
    )


def declare(labels: Mapping[str, str], links: Mapping[str, str]) -> tuple[tuple[Label, ...], tuple[Link, ...]]:
    """The labels and links of a run: those of every run, and those of the user.

    Args:
        labels: name → source of each label of the user's.
        links: name → source of each link of the user's.

    Raises:
        ConfigError: a name that is none, or that a dimension, result, sum, label or link has.
    """
    own_labels = tuple(Label(name, source, name.replace("_", " "), name) for name, source in labels.items())
    own_links = tuple(Link(name, source, name.replace("_", " ")) for name, source in links.items())
    taken = _names_of(families_of(LABELS, (*LINKS, COREFERENT))) | DIMENSIONS | _OF_EVERY_RUN
    for own in own_labels:
        _check_name("label", own.name)
        taken |= _claim("label", own.name, label_family(own), taken)
    for own_link in own_links:
        _check_name("link", own_link.name)
        taken |= _claim("link", own_link.name, link_family(own_link), taken)
    return (*LABELS, *own_labels), (*LINKS, *own_links)


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _NAME_LENGTH:
        raise ConfigError(
            f"expected the name of a {kind} of letters a-z, digits and _, a letter first, at most {_NAME_LENGTH} "
            f"characters, found {name[:80]!r}; give the {kind} another name"
        )


def _claim(kind: str, name: str, family: Family, taken: Set[str]) -> Set[str]:
    """The names that a label or a link of the user's takes for itself."""
    names = _names_of([family]) | {name}
    if clash := sorted(names & taken, key=lambda taken_name: (taken_name != name, taken_name)):
        raise ConfigError(
            f"expected a {kind} with a name of its own, found {name!r}, and {clash[0]!r} is the name of a dimension, a "
            f"result, a label or a link already; give the {kind} another name"
        )
    return names


def _names_of(families: Iterable[Family]) -> Set[str]:
    """Names of these families' results, their twins and sums."""
    results = {result.name for family in families for result in family.results}
    sums = {one.name for family in families for one in family.sums}
    return results | {f"{name}_by_layer" for name in results} | sums
