"""Sums over α itself: equal to float64 loops over eager attention, however units are tiled, batched and shared out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from models import FAMILIES, TEXTS, Family, save_model
from numpy.typing import NDArray
from transformers import AutoModel

from attnmetrics.measuring.maps import BatchMaps, MapFamily, MapSums, add_maps, pack_mapped
from attnmetrics.model.align import Pieces, tokenize
from attnmetrics.model.kernels.compiled import compiled
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel, Reductions, want_nothing
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.pack import TILE_PAIRS, Batch, Tile
from attnmetrics.model.probe import Layout
from attnmetrics.storage import read_ahead

LAYERS = (0, 2)


class Peaks:
    """Σ over rows of the largest α, and of the piece that it is on as a share of the unit: sums of rows."""

    def __init__(self, heads: int) -> None:
        self.shapes: Mapping[str, tuple[int, ...]] = {
            "peak_sum": (len(LAYERS), heads),
            "place_sum": (len(LAYERS), heads),
        }

    def read(self, batch: Batch) -> "PeakReader":
        return PeakReader({name: np.zeros(shape) for name, shape in self.shapes.items()})


@dataclass
class PeakReader:
    found: dict[str, NDArray[np.float64]]

    def add(self, layer: int, tile: Tile, weights: torch.Tensor) -> None:
        peak, place = weights.max(-1)
        self.found["peak_sum"][layer] += peak.sum((0, 2), dtype=torch.float64).numpy()
        self.found["place_sum"][layer] += place.sum((0, 2), dtype=torch.float64).numpy() / tile.length

    def sums(self) -> MapSums:
        return self.found


class Columns:
    """Σ over units of the largest column sum of α: needs all rows of a unit, which may come in blocks."""

    def __init__(self, heads: int) -> None:
        self.shapes: Mapping[str, tuple[int, ...]] = {"column_sum": (len(LAYERS), heads)}

    def read(self, batch: Batch) -> "ColumnReader":
        return ColumnReader(batch, np.zeros(self.shapes["column_sum"]))


class ColumnReader:
    def __init__(self, batch: Batch, found: NDArray[np.float64]) -> None:
        self.batch, self.found = batch, found

    def add(self, layer: int, tile: Tile, weights: torch.Tensor) -> None:
        if not tile.row:
            self.columns = torch.zeros(tile.count, weights.shape[1], tile.length, dtype=torch.float64)
        self.columns[..., : weights.shape[-1]] += weights.sum(2, dtype=torch.float64)
        if tile.row + tile.rows == tile.length:
            self.found[layer] += self.columns.amax(-1).sum(0).numpy()

    def sums(self) -> MapSums:
        return {"column_sum": self.found}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Model]:
    root = tmp_path_factory.mktemp("models")
    return {
        family: load_model(str(save_model(root / family, family, sharp=True)), layers=LAYERS) for family in FAMILIES
    }


def pieces_of(model: Model) -> Pieces:
    return tokenize(model.tokenizer, TEXTS, model.template, model.max_pieces)


def families(model: Model) -> list[Peaks | Columns]:
    return [Peaks(model.heads), Columns(model.heads)]


def read_maps(
    pieces: Pieces, model: Model, rows: NDArray[np.int64], families: Sequence[MapFamily], *,
    batch_pieces: int = 1 << 10, tile_pairs: int = TILE_PAIRS, kernel: Kernel = dense,
) -> MapSums:  # fmt: skip
    """The sums over some units, in a pass of their own."""
    lengths, every = np.zeros_like(pieces.lengths), np.ones(len(pieces.lengths), np.bool_)
    lengths[rows] = pieces.lengths[rows]

    def read(batch: Batch) -> MapSums:
        of_batch = BatchMaps(families, batch)
        ids, wanted = torch.from_numpy(pieces.ids_of(batch.rows)), want_nothing(batch, model.causal, model.device)
        model.run(ids, wanted, kernel=kernel, see=of_batch.see)
        return of_batch.sums()

    batches = model.layout.pack(lengths, every, batch_pieces, tile_pairs)
    return add_maps(families, read_ahead(read, batches, model.threads))


def reference(model: Model, pieces: Pieces, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """By loops over float64 attention of one unit at a time."""
    network = AutoModel.from_pretrained(model.name, attn_implementation="eager", dtype=torch.float64).eval()
    found = {name: np.zeros((len(LAYERS), model.heads)) for name in ("peak_sum", "place_sum", "column_sum")}
    for row in rows:
        ids = torch.from_numpy(pieces.ids_of(np.array([row])))[None]
        attention = network(input_ids=ids, output_attentions=True).attentions
        for place, layer in enumerate(LAYERS):
            for head in range(model.heads):
                alpha = attention[layer][0, head].tolist()
                found["column_sum"][place, head] += max(sum(column) for column in zip(*alpha, strict=True))
                for weights in alpha:
                    found["peak_sum"][place, head] += max(weights)
                    found["place_sum"][place, head] += weights.index(max(weights)) / len(alpha)
    return found


@pytest.mark.parametrize("tile_pairs", [50, 700, 1 << 16])
@pytest.mark.parametrize("kernel", [dense, compiled])
@pytest.mark.parametrize("family", FAMILIES)
def test_sums_over_chosen_units_are_those_of_the_attention_itself(
    models: dict[Family, Model], family: Family, kernel: Kernel, tile_pairs: int
) -> None:
    model, rows = models[family], np.array([0, 2, 3, 9, 12])
    pieces = pieces_of(model)
    found = read_maps(pieces, model, rows, families(model), batch_pieces=60, tile_pairs=tile_pairs, kernel=kernel)
    expected = reference(model, pieces, rows)
    assert found.keys() == expected.keys()
    for name, sums in found.items():
        np.testing.assert_allclose(sums, expected[name], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads_gives_the_same_bits(models: dict[Family, Model], threads: int) -> None:
    model = models["gpt2"]
    pieces, rows = pieces_of(model), np.arange(len(TEXTS))
    alone = read_maps(pieces, model, rows, families(model), batch_pieces=20)
    together = read_maps(pieces, replace(model, threads=threads), rows, families(model), batch_pieces=20)
    for name, sums in alone.items():
        np.testing.assert_array_equal(together[name], sums, err_msg=name)


def test_units_are_mapped_in_the_pass_that_reduces_them(models: dict[Family, Model]) -> None:
    model = models["bert"]
    pieces = pieces_of(model)
    own, parts, pieces_reduced = families(model), [], 0
    mapped = np.arange(len(TEXTS)) % 3 == 0
    for batch, shown in pack_mapped(pieces.lengths, np.ones(len(TEXTS), np.bool_), mapped, 60, 1 << 16, Layout(False)):
        assert mapped[batch.rows].all() if shown else not mapped[batch.rows].any()
        of_batch = BatchMaps(own, batch)
        reduced: list[Reductions] = []
        ids, wanted = torch.from_numpy(pieces.ids_of(batch.rows)), want_nothing(batch, model.causal, model.device)
        consume = lambda _, found, reduced=reduced: reduced.append(found)  # noqa: E731
        model.run(ids, wanted, consume, kernel=compiled, see=of_batch.see if shown else None)
        parts.append(of_batch.sums())
        pieces_reduced += len(reduced[0].given)
    assert pieces_reduced == len(pieces.ids)
    total, alone = add_maps(own, parts), read_maps(pieces, model, np.flatnonzero(mapped), own)
    for name, sums in total.items():
        np.testing.assert_allclose(sums, alone[name], rtol=1e-5, err_msg=name)


def test_no_unit_gives_sums_of_zero(models: dict[Family, Model]) -> None:
    model = models["gpt2"]
    found = read_maps(pieces_of(model), model, np.zeros(0, np.int64), families(model))
    assert {name: (sums.shape, sums.any()) for name, sums in found.items()} == dict.fromkeys(
        ("peak_sum", "place_sum", "column_sum"), ((2, 4), np.False_)
    )
