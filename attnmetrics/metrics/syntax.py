"""Dependency syntax: how often the word that gets most of a head's attention is the one that the tree asks for.

All is counted in maps between words, A[u, v]: the mean over the pieces of the attending word u of the sum of F over the
pieces of the attended word v. A *rule* says where a head's answer stands: in the row of the dependent (which word it
attends to most), in its column (which word attends to it most), or in the row of its parent. What is best, among heads,
among offsets or among classes of words, is chosen on each half of the documents and scored on the other.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from attnmetrics.metrics.family import HEAD, NO_LABEL, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.halves import LEAST, best, best_head, best_layer, held_out, of_all_heads
from attnmetrics.metrics.ratios import once_a_head, ratio

RULES: Final = ("row", "column", "parent_row")
WORD_OFFSET_LIMIT: Final = 10
WORD_OFFSETS: Final = tuple(offset for offset in range(-WORD_OFFSET_LIMIT, WORD_OFFSET_LIMIT + 1) if offset)
"""How many words to the right of a dependent its parent stands."""
SIDES: Final = ("before", "after")
"""Where the nearest word of a class is looked for: of the dependent, or by the rule parent_row of its parent."""
CLASSES_TOGETHER: Final[Mapping[str, frozenset[str]]] = {
    "nominal word": frozenset({"NOUN", "NUM", "PRON", "PROPN"}),
    "content word": frozenset({"ADJ", "ADV", "NOUN", "NUM", "PROPN", "VERB"}),
}
"""Parts of speech of Universal Dependencies that are one class of words, too: most relations lead to one of these."""
PUNCTUATION: Final = "punct"
"""The relation that is not parsed."""

CLARK: Final = "Clark et al. 2019"


def word_classes(tags: Iterable[str]) -> tuple[str, ...]:
    """The classes of words among which the nearest is taken: each part of speech, and those that are taken together."""
    return (*tags, *CLASSES_TOGETHER)


def _edges(sums: Sums) -> Array:
    """[half, rule, rel] attainable edges."""
    return sums["relation_attainable"]


def _edges_known(sums: Sums) -> Array:
    """[rule, rel] 1 where there are attainable edges in either half, NaN where there are none."""
    edges = sums["relation_attainable"].sum(-3)
    return ratio(edges, edges)


def _by_offset(sums: Sums) -> Array:
    """[candidate, half, rule, rel] edges of each offset."""
    return np.moveaxis(sums["relation_offset_hits"], -1, -4)


def _by_class(sums: Sums) -> Array:
    """[candidate, half, rule, rel] edges that the nearest word of each class on each side finds."""
    hits = sums["relation_class_hits"]
    return np.moveaxis(hits.reshape(*hits.shape[:-2], -1), -1, -4)


def _accuracy(sums: Sums) -> Array:
    edges = once_a_head(sums["relation_attainable"].sum(-3), sums, 2)
    return ratio(sums["relation_hits"].sum(-3), edges)


def _parse_accuracy(sums: Sums) -> Array:
    return ratio(sums["parse_hits"], once_a_head(sums["parse_attainable"], sums, 1))


def _accuracy_all(sums: Sums) -> Array:
    words = once_a_head(sums["relation_words"], sums, 0)
    return ratio(sums["relation_hits"].sum((-3, -1)), words[..., None])


def _offset_accuracy(sums: Sums) -> Array:
    edges = sums["relation_attainable"].sum(-3)
    return ratio(sums["relation_offset_hits"].sum(-4), edges[..., None])


def _class_accuracy(sums: Sums) -> Array:
    edges = sums["relation_attainable"].sum(-3)
    return ratio(sums["relation_class_hits"].sum(-5), edges[..., None, None])


_RULES: Final = (
    "From dependent: of all words, the dependent attends most to its head word (the rule row). From head word: of all "
    "words, the head word attends most to the dependent (parent_row). On dependent: of all words, it is the head word "
    "that attends most to the dependent (column)."
)
_CLASSES: Final = (
    "A class is one part of speech, or "
    + "; or ".join(f"{', '.join(sorted(tags))} together: a {name}" for name, tags in CLASSES_TOGETHER.items())
    + "."
)
_NAMED: Final = f"No value where a half of the documents has under {LEAST} attainable edges."

FAMILY: Final = Family(
    "syntax",
    "Dependency syntax",
    sums=(
        Sum("relation_hits", (*HEAD, "half", "rule", "rel"), Quantity.MAPPED),
        Sum("parse_hits", (*HEAD, "rule"), Quantity.MAPPED),
        Sum("near_ties", (*HEAD, "rule"), Quantity.MAPPED),
        Sum("relation_attainable", ("half", "rule", "rel"), Quantity.MAPPED),
        Sum("relation_offset_hits", ("half", "rule", "rel", "word_offset"), Quantity.MAPPED),
        Sum("relation_class_hits", ("half", "rule", "rel", "word_class", "side"), Quantity.MAPPED),
        Sum("parse_attainable", ("rule",), Quantity.MAPPED),
        Sum("relation_edges", ("rel",), Quantity.MAPPED),
        Sum("relation_unmeasured", ("rel",), Quantity.MAPPED),
        Sum("relation_words", (), Quantity.MAPPED),
        Sum("map_sentences", (), Quantity.MAPPED),
    ),
    results=(
        Result(
            "relation_accuracy", (*HEAD, "rule", "rel"), "1", "share", "Relations hit",
            "attainable edges whose word has the largest A > 0, the first of equals (row: argmax_v A[dependent, v] = "
            "parent; column: argmax_u A[u, dependent] = parent; parent_row: argmax_v A[parent, v] = dependent) "
            "÷ attainable edges",
            _accuracy, f"{CLARK}, section 4.2", heading="Relations hit: {}", chance="relation_baseline",
            counts="relation_edges_attainable",
            help=f"{_RULES} Read it beside the best word offset: a head that looks one word ahead finds the nouns of "
            "most determiners. Then beside the nearest word of a class: one that looks for the nearest conjunction "
            "finds those of most conjuncts. All words of the tree compete, but none with itself.",
        ),
        Result(
            "parse_accuracy", (*HEAD, "rule"), "1", "share", "Parents found",
            f"hits ÷ attainable edges, over all relations but {PUNCTUATION}", _parse_accuracy, "",
            heading="Parents found: {}", help=f"The share of a tree that one head gives. {_RULES}",
        ),
        Result(
            "relation_accuracy_all", (*HEAD, "rule"), "1", "share", "Parents found, of all words",
            "hits ÷ all words that have a piece", _accuracy_all, f"{CLARK}, Table 1",
            heading="Parents found, of all words: {}",
            help="Roots, which no word can hit, and punctuation are in; so are words whose parents are out of reach.",
        ),
        Result(
            "relation_best_layer", ("rule", "rel"), "1", "score", "Best head for a relation: its layer",
            "layer of the head with most hits, the first of equals",
            lambda sums: best_layer(sums["relation_hits"], _edges(sums), sums["layers"]), f"{CLARK}, Table 1",
            help=_NAMED, bounded=False,
        ),
        Result(
            "relation_best_head", ("rule", "rel"), "1", "score", "Best head for a relation: its number in the layer",
            "head with most hits, the first of equals",
            lambda sums: best_head(sums["relation_hits"], _edges(sums)), f"{CLARK}, Table 1", help=_NAMED,
            bounded=False,
        ),
        Result(
            "relation_best_accuracy", ("rule", "rel"), "1", "share", "Best head for a relation: edges hit",
            "hits on each half of the documents of the head with most hits on the other half ÷ attainable edges",
            lambda sums: held_out(of_all_heads(sums["relation_hits"]), _edges(sums)), f"{CLARK}, Table 1",
            chance="relation_baseline", help=f"The head is not chosen on the edges that it is scored on. {_NAMED}",
            evidence=_edges_known,
        ),
        Result(
            "relation_baseline", ("rule", "rel"), "1", "share", "Best word offset for a relation: edges hit",
            "edges of each half at the offset that most edges of the other half have ÷ attainable edges",
            lambda sums: held_out(_by_offset(sums), _edges(sums)), f"{CLARK}, Table 1",
            help=f"What one finds by always taking the word that stands so many words away. {_NAMED}",
            caption="best word offset", evidence=_edges_known,
        ),
        Result(
            "relation_best_offset", ("rule", "rel"), "words", "score", "Best word offset for a relation",
            "parent's position − dependent's of most attainable edges, the first of equals",
            lambda sums: best(_by_offset(sums), _edges(sums), np.array(WORD_OFFSETS, np.float64)), f"{CLARK}, Table 1",
            help=f"+1: the parent is the next word. {_NAMED}", evidence=_edges_known,
        ),
        Result(
            "relation_offset_accuracy", ("rule", "rel", "word_offset"), "1", "share", "Parents at each word offset",
            "attainable edges whose parent stands so many words to the right (+) of the dependent ÷ attainable edges",
            _offset_accuracy, f"{CLARK}, section 4.2", help="Edges that are longer still are in no offset.",
        ),
        Result(
            "relation_class_baseline", ("rule", "rel"), "1", "share",
            "Nearest word of the best class for a relation: edges hit",
            "edges of each half whose other word is the nearest of its class, before or after, for the class and side "
            "that find most edges of the other half ÷ attainable edges",
            lambda sums: held_out(_by_class(sums), _edges(sums)), "",
            help="What one finds by always taking the nearest word of one class before, or after: the dependent, or by "
            f"the rule parent_row its head word. {_CLASSES} {_NAMED}",
            caption="nearest word of a class", evidence=_edges_known,
        ),
        Result(
            "relation_class_accuracy", ("rule", "rel", "word_class", "side"), "1", "share",
            "Nearest words of each class that a relation leads to",
            "attainable edges whose other word is the nearest of this class before or after the dependent "
            "(parent_row: the parent) in the sentence, itself not counted ÷ attainable edges",
            _class_accuracy, "", help=f"{_CLASSES} Words without a tag ({NO_LABEL}) are of no class. The largest is "
            "the best class and side, the first of equals.",
        ),
        Result(
            "relation_edges", ("rel",), "edges", "count", "Edges measured",
            "edges whose two words have pieces in one of the sentences that are looked at",
            lambda sums: sums["relation_edges"], "", help="Roots have no edge.",
        ),
        Result(
            "relation_edges_attainable", ("rule", "rel"), "edges", "count", "Edges that attention can hit",
            "edges measured of which some pair of pieces is attendable (row: from dependent to parent; else back)",
            lambda sums: sums["relation_attainable"].sum(-3), "",
            help="A model that looks back only cannot attend to a word that is yet to come.",
        ),
        Result(
            "relation_unmeasured", ("rel",), "edges", "count", "Edges not measured",
            "edges of the text that is looked at of which no sentence has pieces of both words",
            lambda sums: sums["relation_unmeasured"], "", help="Cut off, or of words that another word's pieces hide.",
        ),
        Result(
            "near_ties", (*HEAD, "rule"), "edges", "count", "Near ties",
            "attainable edges whose largest A > 0 is larger than the second by 1e-5 of it at most (bfloat16: 1e-2)",
            lambda sums: sums["near_ties"], "", heading="Near ties: {}", layered=False,
            help="Other processors, kernels or precisions may take the other word: so many hits may differ.",
        ),
        Result(
            "map_sentences", (), "sentences", "count", "Sentences behind relations",
            "number of sentences of which maps between words are made", lambda sums: sums["map_sentences"], "",
        ),
    ),
)  # fmt: skip
