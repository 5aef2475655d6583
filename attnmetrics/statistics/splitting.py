"""Which value of each field of documents a unit has: sums are kept for all units, and for those of each value.

Units of a batch have the same values, so that what comes of a batch is added to the sums of these values as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Part = tuple[int, int]
"""(place of a field, place of one of its values)"""

_SPLIT_BY_NOTHING: Final[Mapping[str, Sequence[str]]] = {}


@dataclass(frozen=True, slots=True)
class Split:
    """The values of a shard's units."""

    values: NDArray[np.int64]
    """[S, field] places of values"""

    @classmethod
    def of(
        cls,
        document: NDArray[np.int64],
        values: Sequence[Sequence[str]] = (),
        by: Mapping[str, Sequence[str]] = _SPLIT_BY_NOTHING,
    ) -> "Split":
        """The values of units.

        Args:
            document: [S] the document of each unit, counted in the shard.
            values: of each document, a value a field.
            by: the values of each field.
        """
        place = [{value: place for place, value in enumerate(names)} for names in by.values()]
        of_documents = [[known[value] for known, value in zip(place, own, strict=True)] for own in values]
        return cls(np.array(of_documents, np.int64).reshape(len(values), len(by))[document] if by else _none(document))

    @property
    def parts(self) -> list[Part]:
        """All that are there, by field and value."""
        fields = range(self.values.shape[1])
        return [(field, value) for field in fields for value in np.unique(self.values[:, field]).tolist()]

    def parts_of(self, unit: int) -> list[Part]:
        """Those that a unit is in, one a field."""
        return list(enumerate(self.values[unit].tolist()))

    def has(self, part: Part) -> NDArray[np.bool_]:
        """[S] which units are in it."""
        field, value = part
        return np.asarray(self.values[:, field] == value)


def _none(document: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.zeros((len(document), 0), np.int64)
