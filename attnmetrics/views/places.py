"""Where a head stands among those that compete, and what of that the intervals leave open.

`static/arithmetic/intervals.js` does alike.
"""

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from attnmetrics.views.certainty import bounds_of_heads, rank_bounds
from attnmetrics.views.evidence import competing
from attnmetrics.views.tables import Labels, at_labels, ranking, values, with_one_label

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """A rank, 1 for the first, among so many."""

    rank: int
    of: int
    ends: tuple[int, int] | None
    """the first and the last that it may be; None without intervals"""

    @property
    def is_first(self) -> bool:
        """Whether no interval leaves open that another head is first."""
        return self.ends is not None and self.ends[1] == 1

    @property
    def told(self) -> str:
        """The interval, "2nd to 9th"; the rank where there is none."""
        if self.ends is None:
            return str(self.rank)
        first, last = map(ordinal, self.ends)
        return first if first == last else f"{first} to {last}"

    def from_below(self) -> "Place":
        """The same counted from the last."""
        ends = None if self.ends is None else (self.of + 1 - self.ends[1], self.of + 1 - self.ends[0])
        return Place(self.of + 1 - self.rank, self.of, ends)


def rank_table(data: xr.Dataset, metric: str, at: Labels) -> xr.DataArray:
    """The numbers by which heads are ranked for a metric at these labels, NaN of heads that do not compete.

    By what is beyond chance, where the run has that; heads that are nearly switched off do not compete. Of a metric
    with two further dimensions, a label is both, joined: {"rule, rel": "row, nsubj"}.
    """
    return competing(data, at_labels(with_one_label(ranking(data, data[metric])), at))


def find_place(data: xr.Dataset, metric: str, at: Labels, head: Labels, ranks: xr.DataArray) -> Place | None:
    """Where a head stands, 1 for the highest; None where it does not compete.

    Its ends are those of the run's intervals of ranks where it has them, for metrics with one value a head; of others,
    from 1 + the heads whose intervals lie wholly above, to all but those whose intervals lie wholly below. Places of
    equals are always left open among them.

    Args:
        data: a run's results.
        metric: what it is ranked for.
        at: a label for each further dimension, as `rank_table` takes them.
        head: its layer and number.
        ranks: [layer, head] the numbers by which heads are ranked, NaN of those that do not compete.
    """
    numbers = values(ranks).ravel()
    place = ranks["layer"].values.tolist().index(head["layer"]) * ranks.sizes["head"]
    place += ranks["head"].values.tolist().index(head["head"])
    if np.isnan(numbers[place]):
        return None
    before = (numbers > numbers[place]) | ((numbers == numbers[place]) & (np.arange(len(numbers)) < place))
    rank, of = int(before.sum()) + 1, int(np.isfinite(numbers).sum())
    by = ranking(data, data[metric])
    stored = None if at else rank_bounds(data, str(by.name))
    if stored is not None:
        return Place(rank, of, _restricted(stored.reshape(2, -1)[:, place], values(by), numbers, numbers[place]))
    return Place(rank, of, _apart(bounds_of_heads(data, str(by.name), at), numbers, place, rank))


def _restricted(stored: Array, everyone: Array, numbers: Array, own: float) -> tuple[int, int] | None:
    """Ends among those that are ranked, given those among everyone; equals leave one another's places open."""
    if np.isnan(stored[0]):
        return None
    above, equal = (int(those.sum()) for those in (numbers > own, numbers == own))
    absent = int((everyone > own).sum()) - above
    first, last = floor(stored[0] + 1e-6) - absent, ceil(stored[1] - 1e-6) - absent
    return max(min(first, above + 1), 1), min(max(last, above + equal), int(np.isfinite(numbers).sum()))


def _apart(bounds: Array | None, numbers: Array, place: int, rank: int) -> tuple[int, int] | None:
    """Ends by which heads' intervals [bound, head] lie wholly above and below that of the one at a place."""
    if bounds is None or np.isnan(bounds[0, place]):
        return None
    low, high = bounds[:, np.isfinite(numbers)]
    first = int((low > bounds[1, place]).sum()) + 1
    last = len(low) - int((high < bounds[0, place]).sum())
    return min(first, rank), max(last, rank)


def ordinal(number: int) -> str:
    """`ordinal(2) == "2nd"`."""
    teens = 10 <= number % 100 < 20
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
