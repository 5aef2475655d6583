"""The strongest pairs of every claim, found in α itself, of the units that are mapped."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attnmetrics.measuring.links import Links
from attnmetrics.measuring.maps.coreference import CoreferenceReader
from attnmetrics.measuring.maps.families import BatchMaps
from attnmetrics.measuring.maps.syntax import SyntaxReader
from attnmetrics.measuring.strongest import loops
from attnmetrics.measuring.strongest.answers import AnswerReader
from attnmetrics.measuring.strongest.segments import Chosen, Segments
from attnmetrics.measuring.strongest.spots import Columns, Spots
from attnmetrics.metrics.claims import Claims
from attnmetrics.metrics.family import HEAD
from attnmetrics.model.kernels.compiled import as_rule, as_vectors
from attnmetrics.model.modules.look import Layer, on_host
from attnmetrics.model.pack import Batch, Tile
from attnmetrics.pieces.attends import Attends
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.claims import Gathering, Rows, make_rows, no_rows


class ClaimFinder:
    """What finds the claims' pairs in a shard's units.

    Readers look at `best`, which may be gathered at the same time, only to leave out what cannot be among the best: the
    rows that remain in the end are the same.
    """

    def __init__(self, units: Units, attends: Attends, linked: Links) -> None:
        self.units = units
        self.attends = attends
        self.linked = linked
        self.claims = Claims(units.schema)
        self.best = Gathering()
        self._first = {
            SyntaxReader: self.claims.first_of_relation(0),
            CoreferenceReader: self.claims.first_of_coreference,
        }

    def least(self) -> NDArray[np.float32]:
        """[claim, layer, head] what a pair must weigh to be among the best that are known by now."""
        return self.best.least(self.claims.first_of_coreference + 2, *self.units.schema.shape(HEAD))

    def read(self, batch: Batch, maps: BatchMaps) -> "ClaimReader":
        """What finds them in these units, of which these maps are made too, tile by tile before."""
        readers = [one for one in maps.readers if isinstance(one, SyntaxReader | CoreferenceReader)]
        return ClaimReader(self, batch, [AnswerReader(one, self._first[type(one)], batch) for one in readers])


class ClaimReader:
    """The best rows of one batch."""

    def __init__(self, finder: ClaimFinder, batch: Batch, answers: Sequence[AnswerReader]) -> None:
        self._units, self._batch, self._attends, self._answers = finder.units, batch, finder.attends, answers
        self._spots = Spots(finder.units, finder.attends, finder.linked, finder.claims, batch)
        pairs = [*self._spots.pairs(), *(pair for reader in answers for pair in reader.pairs())]
        self._segments = Segments.of(int(np.diff(batch.offsets).max()), finder.units.digest[batch.rows], pairs)
        self._spots.settle(self._segments)
        for reader in answers:
            reader.settle(self._segments)
        self._least = finder.least()
        self._rows: list[Rows] = []

    def see(self, layer: Layer, tile: Tile, weights: Tensor) -> None:
        """Look at a tile (see `look.See`); a layer's tiles come in their order."""
        alpha = on_host(weights.float())
        if tile is self._batch.tiles[0]:
            self._columns = Columns.empty(int(self._batch.offsets[-1]), alpha.shape[1])
            self._strongest = self._segments.start(alpha.shape[1])
        self._columns.add(tile, alpha, self._attends.causal)
        self._spots.offer(tile, alpha, self._strongest)
        for reader in self._answers:
            reader.offer(tile, alpha, self._strongest)
        if tile is self._batch.tiles[-1]:
            self._spots.offer_columns(self._columns, self._strongest)
            self._add(layer, self._segments.choose(self._strongest, self._least[:, layer.place]))

    def rows(self) -> Rows:
        """Those of all layers that may be among the best."""
        return np.concatenate([no_rows(), *self._rows])

    def _add(self, layer: Layer, found: Chosen) -> None:
        unit, units = self._batch.rows[found.unit], self._units
        rows = make_rows(
            claim=found.claim, layer=layer.place, head=found.head, weight=self._weigh(layer, found),
            document_index=units.document_index[unit], sentence=units.number[unit], i=found.i, j=found.j,
            digest=units.digest[unit],
        )  # fmt: skip
        self._rows.append(rows)

    def _weigh(self, layer: Layer, found: Chosen) -> NDArray[np.float64]:
        """α of the pairs, as exact as queries and keys are; as it was looked at where these are not known."""
        dots = layer.made_of
        if dots is None:
            return found.weight.astype(np.float64)
        weight, sides = np.empty(len(found.head)), [as_vectors(_exact(side).cpu()) for side in (dots.query, dots.key)]
        pairs = found.head, found.unit, found.i, found.j
        rule = as_rule(dots.scoring, dots.query.shape[1])
        loops.weigh(*sides, self._batch.offsets, rule, self._attends.causal, pairs, weight)
        return weight


def _exact(values: Tensor) -> Tensor:
    """Values of a precision that arrays have, too."""
    return values.float() if values.dtype == torch.bfloat16 else values
