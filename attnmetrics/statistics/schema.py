"""Every statistic and every result, declared once: name, dimensions, unit, formula, source.

A *statistic* is additive: it is summed over sentences, then over shards. A *result* is a formula over merged
statistics. Tables, attributes, reports and plots read their names, units and formulas here.
"""

from dataclasses import dataclass
from typing import Final

DIRECTIONS: Final = ("attending_is_parent", "attended_is_parent", "either")
EDGES: Final = DIRECTIONS[:2]
"""The directions that statistics keep apart; `either` is their sum, since no pair is both."""

OFFSET_LIMIT: Final = 32
OFFSETS: Final = tuple(range(-OFFSET_LIMIT, OFFSET_LIMIT + 1))
"""i − j, from later to earlier attended pieces; both ends hold everything beyond."""

PAIR_DISTANCE_LIMIT: Final = 64
PAIR_DISTANCES: Final = tuple(range(PAIR_DISTANCE_LIMIT + 1))
"""i − j of pairs with j ≤ i; the last holds everything beyond."""

PREFIX_PIECES: Final = 10
"""N of Eq. 5: variability looks at the first N pieces of a sentence."""

ENTROPY_NULL_LIMIT: Final = 0.9
"""Rows with more than this share of attention on null columns have no entropy."""

NEAR_DISTANCE: Final = 18
"""The distance of `dependency_within_18`, in pieces."""

NO_LABEL: Final = "_"
"""Tag and relation of a piece that overlaps no word."""

HEAD: Final = ("layer", "head")
PAPER: Final = "Vig and Belinkov 2019"


@dataclass(frozen=True, slots=True)
class Statistic:
    """An additive quantity."""

    name: str
    dims: tuple[str, ...]
    """Dimensions in order; `edge` has the labels of `EDGES`."""
    description: str


STATISTICS: Final = (
    Statistic("null_sum", HEAD, "Σ α over null columns"),
    Statistic("given_sum", HEAD, "Σ F over all pairs, from row sums"),
    Statistic("given_by_pos", (*HEAD, "pos"), "row sums of F by the tag of the attending piece"),
    Statistic("received_by_pos", (*HEAD, "pos"), "column sums of F by the tag of the attended piece"),
    Statistic("received_by_rel", (*HEAD, "rel"), "column sums of F by the relation of the attended piece"),
    Statistic("dependency_sum", (*HEAD, "edge"), "Σ F over pairs in a dependency, by direction"),
    Statistic("span_sum", HEAD, "Σ F·|i − j|"),
    Statistic("entropy_sum", HEAD, "Σ of row entropies in nats, over kept rows"),
    Statistic("entropy_rows", HEAD, "number of kept rows"),
    Statistic("offset_sum", (*HEAD, "offset"), "Σ F by i − j"),
    Statistic("sentences", (), "number of sentences measured"),
    Statistic("pieces", (), "number of word pieces, template pieces included"),
    Statistic("sentences_cut", (), "number of sentences that lost pieces"),
    Statistic("pieces_unaligned", (), "number of text pieces that overlap no word"),
    Statistic("piece_pairs", ("pair_distance",), "number of pairs j ≤ i with j not null, by distance"),
    Statistic("dependency_pairs", ("pair_distance",), "number of those pairs in a dependency, by distance"),
    Statistic("dependency_distance_sum", (), "Σ (i − j) over those dependency pairs"),
    Statistic("attendable_pairs", (), "number of attendable pairs"),
    Statistic("attendable_dependency_pairs", ("edge",), "number of attendable pairs in a dependency"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """A final table."""

    name: str
    dims: tuple[str, ...]
    unit: str
    """`1` for shares and other pure numbers."""
    title: str
    formula: str
    source: str = PAPER
    dtype: str = "float64"
    """`int64` for counts, which are never NaN."""
    help: str = ""
    """How to read a map of it, for results of heads."""
    kind: str = "score"
    """`share` of a whole, `mean`, `count`, or `score`."""
    family: str = ""
    """The shelf that it stands on."""
    heading: str = ""
    """What it is called at a label, with `{}` for the label."""
    chance: str = ""
    """The result that holds its chance level."""


RESULTS: Final = (
    Result(
        "null_attention",
        HEAD,
        "1",
        "Attention to null pieces",
        "Σ α over null columns ÷ Σ α",
        f"{PAPER}, Fig. 5",
        help="Strong colour: heads that rest on null pieces instead of the text.",
        kind="share",
        family="Null attention",
    ),
    Result(
        "attention_mass",
        HEAD,
        "pieces",
        "Attention mass M",
        "M = Σ_x Σ_i Σ_j F[i,j]",
        help="How much attention a head pays to anything that is measured.",
        family="Null attention",
    ),
    Result(
        "pos_to",
        (*HEAD, "pos"),
        "1",
        "Attention to a part of speech",
        "Σ F[i,j]·1(pos(j)=tag) ÷ M",
        f"{PAPER}, Eq. 3, Fig. 6, A.1",
        help="Strong colour: heads that look at pieces of this part of speech.",
        kind="share",
        family="Parts of speech",
        heading="Attention to {}",
    ),
    Result(
        "pos_from",
        (*HEAD, "pos"),
        "1",
        "Attention from a part of speech",
        "Σ F[i,j]·1(pos(i)=tag) ÷ M",
        f"{PAPER}, Fig. 7, A.2",
        help="Strong colour: heads that do their looking from pieces of this part of speech.",
        kind="share",
        family="Parts of speech",
        heading="Attention from {}",
    ),
    Result(
        "dependency_alignment",
        (*HEAD, "direction"),
        "1",
        "Attention along dependencies",
        "Σ F[i,j]·dep(i,j) ÷ M",
        f"{PAPER}, Eq. 4, Fig. 8",
        help="Bars beyond the orange line follow syntax more often than pairs do by chance.",
        kind="share",
        family="Dependencies",
        heading="Along dependencies, {}",
    ),
    Result(
        "dependency_type_to",
        (*HEAD, "rel"),
        "1",
        "Attention to a dependency relation",
        "Σ F[i,j]·1(deprel(j)=rel) ÷ M",
        f"{PAPER}, Fig. 9",
        help="Strong colour: heads that look at words in this relation to their parent.",
        kind="share",
        family="Dependencies",
        heading="Attention to relation {}",
    ),
    Result(
        "variability",
        HEAD,
        "1",
        "Attention variability",
        "Σ_x Σ_{i,j<N, attendable} |F − F̄[i,j]| ÷ (2 Σ_x Σ_{i,j<N} F), N = 10",
        f"{PAPER}, Eq. 5, Fig. 10",
        help="Weak colour: the same positions in every sentence; strong colour: the words decide.",
        family="Variability",
    ),
    Result(
        "distance",
        HEAD,
        "pieces",
        "Mean attention distance",
        "Σ F[i,j]·|i−j| ÷ M",
        f"{PAPER}, Eq. 6, Fig. 11",
        help="Weak colour: heads that look nearby; strong colour: far away.",
        kind="mean",
        family="Distance",
    ),
    Result(
        "entropy",
        HEAD,
        "nats",
        "Mean attention entropy",
        "mean over kept rows of −Σ_j p ln p, p = F[i,j] ÷ Σ_j F[i,j]",
        f"{PAPER}, Eq. 7, Fig. 12",
        help="Weak colour: attention on few pieces; strong colour: on many.",
        kind="mean",
        family="Entropy",
    ),
    Result(
        "entropy_rows",
        HEAD,
        "rows",
        "Rows kept for entropy",
        "number of rows with Σ F > 0 and Σ null ≤ 0.9",
        dtype="int64",
        help="Rows with nearly all of their attention on null pieces have no entropy.",
        kind="count",
        family="Entropy",
    ),
    Result(
        "attention_at_offset",
        (*HEAD, "offset"),
        "1",
        "Attention at an offset",
        "Σ F[i,j]·1(i−j=offset) ÷ M",
        "Clark et al. 2019, section 3",
        help="0 is the piece itself, 1 the previous piece; the ends hold all beyond.",
        kind="share",
        family="Distance",
    ),
    Result(
        "variability_sentences",
        (),
        "sentences",
        "Sentences behind variability",
        "number of sentences",
        dtype="int64",
        kind="count",
        family="Variability",
    ),
    Result(
        "sentences",
        (),
        "sentences",
        "Sentences measured",
        "number of sentences",
        dtype="int64",
        kind="count",
        family="Corpus",
    ),
    Result(
        "pieces",
        (),
        "pieces",
        "Word pieces measured",
        "number of pieces, template pieces included",
        dtype="int64",
        kind="count",
        family="Corpus",
    ),
    Result(
        "pieces_per_sentence", (), "pieces", "Pieces per sentence", "pieces ÷ sentences", kind="mean", family="Corpus"
    ),
    Result(
        "sentences_cut",
        (),
        "sentences",
        "Sentences cut",
        "sentences longer than the model's positions",
        dtype="int64",
        kind="count",
        family="Corpus",
    ),
    Result(
        "pieces_unaligned",
        (),
        "pieces",
        "Pieces without a word",
        "text pieces that overlap no word",
        dtype="int64",
        kind="count",
        family="Corpus",
    ),
    Result(
        "piece_pairs",
        ("pair_distance",),
        "pairs",
        "Pairs of pieces",
        "number of pairs j ≤ i, j not null, by i−j",
        dtype="int64",
        kind="count",
        family="Dependencies",
    ),
    Result(
        "dependency_pairs",
        ("pair_distance",),
        "pairs",
        "Pairs of pieces in a dependency",
        "number of pairs j ≤ i in a dependency, j not null, by i−j",
        dtype="int64",
        kind="count",
        family="Dependencies",
    ),
    Result(
        "dependency_probability",
        ("pair_distance",),
        "1",
        "Probability of a dependency",
        "dependency_pairs ÷ piece_pairs",
        f"{PAPER}, section 4.3",
        kind="share",
        family="Dependencies",
    ),
    Result(
        "mean_dependency_distance",
        (),
        "pieces",
        "Mean dependency distance",
        "Σ (i−j) ÷ number, over dependency pairs",
        f"{PAPER}, section 4.3",
        kind="mean",
        family="Dependencies",
    ),
    Result(
        "dependency_within_18",
        (),
        "1",
        "Dependencies within 18 pieces",
        "share of dependency pairs with i−j ≤ 18",
        f"{PAPER}, section 4.3",
        kind="share",
        family="Dependencies",
    ),
    Result(
        "dependency_baseline",
        ("direction",),
        "1",
        "Pairs in a dependency",
        "share of attendable pairs in that dependency",
        f"{PAPER}, Fig. 8",
        kind="share",
        family="Dependencies",
    ),
    Result(
        "distance_entropy_r",
        (),
        "1",
        "Correlation of distance and entropy",
        "Pearson r over heads",
        f"{PAPER}, section 4.4",
        family="Over heads",
    ),
    Result(
        "distance_entropy_p",
        (),
        "1",
        "p-value of that correlation",
        "two-sided",
        f"{PAPER}, section 4.4",
        family="Over heads",
    ),
    Result(
        "distance_alignment_r",
        (),
        "1",
        "Correlation of distance and alignment",
        "Pearson r over heads; alignment in either direction",
        f"{PAPER}, section 4.4",
        family="Over heads",
    ),
    Result(
        "distance_alignment_p",
        (),
        "1",
        "p-value of that correlation",
        "two-sided",
        f"{PAPER}, section 4.4",
        family="Over heads",
    ),
    Result(
        "distance_sd",
        (),
        "pieces",
        "Standard deviation of head distances",
        "over heads, n − 1",
        f"{PAPER}, section 4.4",
        family="Over heads",
    ),
)


def in_unit(text: str, unit: str) -> str:
    """A text about sentences, for a run of another unit: `window:64` makes "Sentences measured" "Windows measured"."""
    kind = unit.partition(":")[0]
    return text.replace("sentence", kind).replace("Sentence", kind.capitalize())


PER_HEAD: Final = tuple(result for result in RESULTS if result.dims[:2] == HEAD)
"""Results with a `<name>_by_layer` twin: the same formula over statistics summed over the heads of a layer."""
