"""What a measurement is: a quantity that a kernel or the text gives, split by a label or chosen by a link.

All that is measured is a sum over rows, columns or pairs of attention. Three parts vary independently: the *quantity*
(a closed list: kernels give them), the *label* that splits rows or columns by name, and the *link* that chooses pairs.
A *result* is a formula over sums. A *family* is a handful of sums and results that belong together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Sums = Mapping[str, Array]
"""Sums by name; leading dimensions are free: [layer, head, …], or [layer, …] where heads are summed up. `heads` is the
number of heads that are summed up in each: 1, or those of a layer; `layers` are their numbers [layer] in the model."""

CONSTANTS: Final = frozenset({"heads", "layers"})
"""What formulas take beside sums, without leading dimensions."""

HEAD: Final = ("layer", "head")

OFFSET_LIMIT: Final = 32
OFFSETS: Final = tuple(range(-OFFSET_LIMIT, OFFSET_LIMIT + 1))
"""i − j, from later to earlier attended pieces; both ends hold everything beyond."""

PAIR_DISTANCE_LIMIT: Final = 64
PAIR_DISTANCES: Final = tuple(range(PAIR_DISTANCE_LIMIT + 1))
"""i − j of pairs with j ≤ i; the last holds everything beyond."""

NO_LABEL: Final = "_"
"""Name of a piece that overlaps no word, in every label of words."""

PAPER: Final = "Vig and Belinkov 2019"

EVEN: Final = "even attention"
"""What a result of it is called beside that of a head."""


@dataclass(frozen=True, slots=True)
class Label:
    """One name for every piece; its dimension has the label's name."""

    name: str
    source: str
    """such as `word.pos`, `word.misc.KEY`, `piece.special`, `python:MODULE:NAME`"""
    title: str
    """what one name of it is, in a sentence: "part of speech" """
    stem: str
    """what its results are called: `<stem>_to`, `<stem>_from`"""


@dataclass(frozen=True, slots=True)
class Link:
    """Pairs (attending, attended) of pieces of one unit."""

    name: str
    """what its results are called: `<name>_alignment`, …"""
    source: str
    """such as `word.head`, `piece.repeat`, `python:MODULE:NAME`"""
    title: str
    """what two linked pieces are, in a sentence: "a word and its head" """
    edges: tuple[str, ...] = ()
    """its directions, of which no pair has two; none for a link without directions"""

    @property
    def directions(self) -> tuple[str, ...]:
        """Labels of its results: each direction, and either of them."""
        return (*self.edges, "either") if self.edges else ()

    @property
    def groups(self) -> int:
        """Sums of pairs that a kernel keeps apart."""
        return len(self.edges) or 1


class Quantity(StrEnum):
    """What is summed: first fields of `model.kernels.reductions.Reductions`, then what texts alone give."""

    GIVEN = "given"
    """Σ_j F of a row"""
    NULL = "null"
    """Σ α over null columns of a row"""
    ENTROPY = "entropy"
    """of a row of F that is kept, in nats"""
    KEPT = "kept"
    """1 for a row that has an entropy"""
    RECEIVED = "received"
    """Σ_i F of a column"""
    OFFSETS = "offsets"
    """Σ F by i − j"""
    NORM = "norm"
    """‖(z − b) W‖ of a row: what the head adds to the stream there"""
    SPAN = "span"
    """Σ F·|i − j|"""
    SPAN_SQUARED = "span_squared"
    """Σ F·(i − j)²"""
    LINKED = "linked"
    """Σ F over linked pairs"""
    RECEIVED_ALL = "received_all"
    """Σ_i α of a column, null or not"""
    TO_SEPARATORS = "to_separators"
    """Σ α on separators, of rows that are separators, and of those that are none"""
    NEIGHBOURS = "neighbours"
    """α[i, i−1], α[i, i], α[i, i+1]"""
    ENTROPY_ALL = "entropy_all"
    """of a whole row of α, in nats"""
    ENTROPY_SUMMARY = "entropy_summary"
    """of the row that stands for its unit (see `model.special.is_summary`)"""
    LARGEST = "largest"
    """max_j α of a row"""
    FIRST_PIECE = "first_piece"
    """long sentences by the mean of α on their first piece, of all rows but the first"""
    SECOND_SINK = "second_sink"
    """mean F of the column that gets most, in sentences that have such a column (see `metrics.sinks`)"""
    PEAK = "peak"
    """sentences by max_ij F"""

    EVEN_GIVEN = "even_given"
    """Σ_j F of a row of even attention: attendable pieces ÷ pieces that the row may attend to"""
    EVEN_RECEIVED = "even_received"
    """Σ_i F of a column of even attention"""
    EVEN_LINKED = "even_linked"
    """Σ F over linked pairs of even attention"""
    EVEN_RECEIVED_ALL = "even_received_all"
    """Σ_i α of a column of even attention, null or not"""
    EVEN_TO_SEPARATORS = "even_to_separators"
    """as `to_separators`, of even attention"""
    EVEN_NEIGHBOURS = "even_neighbours"
    """as `neighbours`, of even attention"""
    EVEN_ENTROPY_ALL = "even_entropy_all"
    """of a row of even attention, in nats"""
    EVEN_ENTROPY_SUMMARY = "even_entropy_summary"
    """of one that stands for its unit"""
    EVEN_LARGEST = "even_largest"
    """1 ÷ pieces that the row may attend to"""
    EVEN_FIRST_PIECE = "even_first_piece"
    """as `first_piece`, of even attention"""
    EVEN_SECOND_SINK = "even_second_sink"
    """as `second_sink`, of even attention"""
    ROWS = "rows"
    """rows with an attendable partner"""
    SEPARATOR_ROWS = "separator_rows"
    """rows that are separators, and rows that are none, in units that have a separator"""
    NEIGHBOUR_ROWS = "neighbour_rows"
    """rows that may attend to the piece before them, to themselves, to the piece after them"""
    PAIRS_AT_OFFSET = "pairs_at_offset"
    """attendable pairs, all or those that are linked, by i − j"""
    PAIRS_AT_DISTANCE = "pairs_at_distance"
    """pairs j ≤ i, all or those that are linked, j not null, by i − j"""
    DISTANCES = "distances"
    """Σ (i − j) over linked pairs j ≤ i, j not null"""
    COUNT = "count"
    """something counted once a unit, named as the sum is"""

    MAPPED = "mapped"
    """what a family makes of α itself, over the units that are mapped alone (see `measuring.maps`)"""

    DEVIATIONS = "deviations"
    """what the merge adds, see `statistics.variability`"""


MERGED: Final = frozenset({Quantity.DEVIATIONS})
"""Quantities that no shard knows."""


@dataclass(frozen=True, slots=True)
class Sum:
    """An additive quantity."""

    name: str
    dims: tuple[str, ...]
    of: Quantity
    by: str | None = None
    """the label that splits it, or the link that chooses its pairs"""


@dataclass(frozen=True, slots=True)
class Result:
    """A final table: its formula as code beside its formula as text."""

    name: str
    dims: tuple[str, ...]
    unit: str
    """`1` for shares and other pure numbers"""
    kind: Literal["share", "mean", "count", "score"]
    title: str
    formula: str
    compute: Callable[[Sums], Array]
    source: str = PAPER
    help: str = ""
    """how to read it"""
    heading: str = ""
    """what it is called at a label, `{}` standing for the label"""
    chance: str = ""
    """name of the result that holds its chance level"""
    chance_off_null: bool = False
    """whether its chance level is times what a head leaves off null pieces"""
    excess: str = ""
    """name of the result by which heads are ranked for it: what it has beyond its chance level"""
    beside: tuple[str, ...] = ()
    """names of further results that are drawn beside it and its chance level"""
    counts: str = ""
    """name of the result that holds how many things its shares are of"""
    caption: str = ""
    """what it is called where it stands beside another result: "even attention" """
    null_in: bool = False
    """whether attention to null pieces counts in it, so that a head that rests on them has evidence for it"""
    fractional: bool = False
    """of counts: whether it may have a fraction, as a sum of attention has"""
    layered: bool = True
    """whether it has a `<name>_by_layer` twin, where it is of heads"""
    magnitude: bool = True
    """whether it is a size by which heads can be ranked: not a name of a group, a place, or of two heads"""
    bounded: bool = True
    """whether bounds say how sure it is, where it is no count: not of a name, a place on a map, a p-value"""
    evidence: Callable[[Sums], Array] | None = None
    """of the same dimensions, NaN where the sums of a group of shards are no evidence for it; unset, as its formula"""
    also: Callable[[Sums], Mapping[str, Any]] | None = None
    """what the sums say of the table as a whole, attributes by name"""

    @property
    def dtype(self) -> type[Any]:
        """Counts are whole, unless they may have a fraction."""
        return np.int64 if self.kind == "count" and not self.fractional else np.float64

    @property
    def per_head(self) -> bool:
        """Whether each head has a value of it."""
        return self.dims[:2] == HEAD

    @property
    def has_bounds(self) -> bool:
        """Whether bounds say how sure each of its values is."""
        return self.bounded and self.kind != "count"

    @property
    def has_rank(self) -> bool:
        """Whether each head has one value, by which it has a rank among all heads."""
        return self.dims == HEAD and self.has_bounds and self.magnitude

    @property
    def has_twin(self) -> bool:
        """Whether there is a `<name>_by_layer` too: the same formula over sums of the heads of a layer."""
        return self.per_head and self.layered


@dataclass(frozen=True, slots=True)
class Family:
    """Sums and results that belong together."""

    name: str
    """of its file, and of its twin in `metrics.reference`"""
    title: str
    """of the shelf that its results stand on"""
    results: tuple[Result, ...]
    sums: tuple[Sum, ...] = ()
