"""Whether a head looks from a mention back to an earlier mention of the same entity.

Counts over anaphors of what is attended most among their candidates, beside what rules of thumb give. Counts are kept
by half of the corpus, so that the best head is chosen on one and scored on the other.
"""

from typing import Final

import numpy as np

from attnmetrics.metrics.family import HEAD, Array, Family, Quantity, Result, Sum, Sums
from attnmetrics.metrics.halves import LEAST, best_head, best_layer, held_out, of_all_heads
from attnmetrics.metrics.ratios import once_a_head, ratio, with_either

CANDIDATES: Final = ("mentions", "words")
"""Among what the antecedent is looked for: head words of earlier mentions, or all earlier words of the unit."""
ANAPHOR_CLASSES: Final = ("pronoun", "proper", "nominal", "other")
MENTION_CLASSES: Final = (*ANAPHOR_CLASSES, "all")
HEURISTICS: Final = ("nearest", "head_match", "sieves", "chance")

_SOURCE: Final = "Clark et al. 2019, section 4.3, Table 2"
_NAMED: Final = ("candidates", "mention_class")
_NONE: Final = f"No value where a half of the documents has under {LEAST} anaphors."


def _hits(sums: Sums) -> Array:
    """[layer, head, half, candidates, mention_class]"""
    return with_either(sums["coreference_hits"])


def _cases(sums: Sums) -> Array:
    """[half, 1, mention_class] anaphors, whatever the candidates."""
    return with_either(sums["coreference_anaphor_sum"])[..., None, :]


def _anaphors(sums: Sums) -> Array:
    """[mention_class]"""
    return with_either(sums["coreference_anaphor_sum"].sum(-2))


def _anaphors_known(sums: Sums) -> Array:
    """[candidates, mention_class] 1 where there are anaphors in either half, NaN where there are none."""
    anaphors = _anaphors(sums)[..., None, :]
    return np.repeat(ratio(anaphors, anaphors), len(CANDIDATES), axis=-2)


def _accuracy(sums: Sums) -> Array:
    return ratio(_hits(sums).sum(-3), once_a_head(_anaphors(sums)[..., None, :], sums, 2))


def _candidates(sums: Sums) -> Array:
    return ratio(with_either(sums["coreference_candidate_sum"]), _anaphors(sums))


def _heuristic(sums: Sums) -> Array:
    return ratio(with_either(sums["coreference_heuristic_sum"]), _anaphors(sums)[..., None, :])


def _best_accuracy(sums: Sums) -> Array:
    return held_out(of_all_heads(_hits(sums)), _cases(sums))


FAMILY: Final = Family(
    "coreference",
    "Coreference",
    sums=(
        Sum("coreference_hits", (*HEAD, "half", "candidates", "anaphor_class"), Quantity.MAPPED),
        Sum("coreference_near_ties", (*HEAD, "candidates", "anaphor_class"), Quantity.MAPPED),
        Sum("coreference_anaphor_sum", ("half", "anaphor_class"), Quantity.MAPPED),
        Sum("coreference_unreachable", ("anaphor_class",), Quantity.MAPPED),
        Sum("coreference_candidate_sum", ("anaphor_class",), Quantity.MAPPED),
        Sum("coreference_heuristic_sum", ("heuristic", "anaphor_class"), Quantity.MAPPED),
    ),
    results=(
        Result(
            "coreference_accuracy", (*HEAD, *_NAMED), "1", "share", "Antecedents found",
            "anaphors whose candidate with the largest A[anaphor, candidate] > 0, the first of equals, is an "
            "antecedent ÷ anaphors; A: attention between words", _accuracy, _SOURCE, heading="Antecedents found: {}",
            help="High: heads that look from a mention to an earlier mention of the same entity. Read it "
            "beside the heuristics: a head that finds no more than the nearest mention knows no more.",
        ),
        Result(
            "coreference_anaphors", ("mention_class",), "anaphors", "count", "Anaphors",
            "head words of mentions with an earlier mention of their entity in the sentence, of which some piece is "
            "not null", _anaphors, _SOURCE,
        ),
        Result(
            "coreference_unreachable", ("mention_class",), "anaphors", "count", "Antecedents out of reach",
            "head words of mentions with earlier mentions of their entity in the document, but none in the sentence "
            "with a piece that is not null", lambda sums: with_either(sums["coreference_unreachable"]), "",
            help="Longer units reach more of them.",
        ),
        Result(
            "coreference_candidates", ("mention_class",), "words", "mean", "Candidates of an anaphor",
            "mean number of head words of earlier mentions in the sentence, of entities with at least two mentions in "
            "the document", _candidates, "",
        ),
        Result(
            "coreference_heuristic", ("heuristic", "mention_class"), "1", "share", "Antecedents found without a model",
            "share of anaphors: nearest, of all candidates; head_match, of those with the same head word; sieves, of "
            "those with the same full string, or else head word, agreement, any; chance, mean of antecedents ÷ "
            "candidates", _heuristic, _SOURCE, heading="Antecedents found without a model: {}",
            help="Among head words of earlier mentions, the nearest that passes; none is a miss.",
        ),
        Result(
            "coreference_best_layer", _NAMED, "1", "score", "Best head for coreference: its layer",
            "layer of the head that finds most antecedents, the first of equals",
            lambda sums: best_layer(_hits(sums), _cases(sums), sums["layers"]), _SOURCE, help=_NONE,
            bounded=False,
        ),
        Result(
            "coreference_best_head", _NAMED, "1", "score", "Best head for coreference: its number in the layer",
            "head that finds most antecedents, the first of equals",
            lambda sums: best_head(_hits(sums), _cases(sums)), _SOURCE, help=_NONE, bounded=False,
        ),
        Result(
            "coreference_best_accuracy", _NAMED, "1", "share", "Best head for coreference: antecedents found",
            "hits on each half of the documents of the head with most hits on the other half ÷ anaphors",
            _best_accuracy, _SOURCE, heading="Best head for coreference: {}",
            help=f"The head is not chosen on the anaphors that it is scored on. {_NONE}",
            evidence=_anaphors_known,
        ),
        Result(
            "coreference_near_ties", (*HEAD, *_NAMED), "anaphors", "count", "Near ties",
            "anaphors whose largest A > 0 is larger than the second by 1e-5 of it at most (bfloat16: 1e-2)",
            lambda sums: with_either(sums["coreference_near_ties"]), "", heading="Near ties: {}", layered=False,
            help="Other processors, kernels or precisions may take the other word: so many hits may differ.",
        ),
    ),
)  # fmt: skip
