"""Sums over α itself: equal to float64 loops over eager attention, however units are tiled, batched and shared out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from map_families import Columns, Peaks, reference
from models import FAMILIES, TEXTS, Family, save_model
from numpy.typing import NDArray

from attnmetrics.measuring.maps.families import BatchMaps, MapFamily, MapSums, pack_mapped
from attnmetrics.model.kernels.compiled import compiled
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel, Reductions, want_nothing
from attnmetrics.model.load import Model, load_model
from attnmetrics.model.pack import TILE_PAIRS, Batch
from attnmetrics.model.trials.probe import Layout
from attnmetrics.pieces.align import Pieces, tokenize
from attnmetrics.storage import read_ahead

LAYERS = (0, 2)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, Model]:
    root = tmp_path_factory.mktemp("models")
    return {
        family: load_model(str(save_model(root / family, family, sharp=True)), layers=LAYERS) for family in FAMILIES
    }


def pieces_of(model: Model) -> Pieces:
    return tokenize(model.tokenizer, TEXTS, model.template, model.max_pieces)


def families(model: Model) -> list[MapFamily]:
    return [Peaks(model), Columns(model)]


def total(parts: Iterable[MapSums]) -> MapSums:
    found: dict[str, NDArray[np.float64]] = {}
    for part in parts:
        found |= {name: found.get(name, 0) + value for name, value in part.items()}
    return found


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
    return total(read_ahead(read, batches, model.threads))


@pytest.mark.parametrize("tile_pairs", [50, 700, 1 << 16])
@pytest.mark.parametrize("kernel", [dense, compiled])
@pytest.mark.parametrize("family", FAMILIES)
def test_sums_over_chosen_units_are_those_of_the_attention_itself(
    models: dict[Family, Model], family: Family, kernel: Kernel, tile_pairs: int
) -> None:
    model, rows = models[family], np.array([0, 2, 3, 9, 12])
    pieces = pieces_of(model)
    found = read_maps(pieces, model, rows, families(model), batch_pieces=60, tile_pairs=tile_pairs, kernel=kernel)
    expected = reference(model, [pieces.ids_of(np.array([row])) for row in rows])
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
    for batch in pack_mapped(
        pieces.lengths, np.ones(len(TEXTS), np.bool_), mapped[:, None], 60, 1 << 16, Layout(False)
    ):
        shown = mapped[batch.rows[0]]
        assert mapped[batch.rows].all() if shown else not mapped[batch.rows].any()
        of_batch = BatchMaps(own, batch)
        reduced: list[Reductions] = []
        ids, wanted = torch.from_numpy(pieces.ids_of(batch.rows)), want_nothing(batch, model.causal, model.device)
        consume = lambda _, found, reduced=reduced: reduced.append(found)  # noqa: E731
        model.run(ids, wanted, consume, kernel=compiled, see=of_batch.see if shown else None)
        parts += [of_batch.sums()] if shown else []
        pieces_reduced += len(reduced[0].given)
    assert pieces_reduced == len(pieces.ids)
    alone = read_maps(pieces, model, np.flatnonzero(mapped), own)
    for name, sums in total(parts).items():
        np.testing.assert_allclose(sums, alone[name], rtol=1e-5, err_msg=name)
