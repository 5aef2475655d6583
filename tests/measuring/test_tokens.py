"""What types of pieces receive and give, where attention is planted; which units are looked at."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gold import corpus, read_units
from models import TEXTS, save_model

from attnmetrics.measuring.selection import MapSample
from attnmetrics.measuring.shard import measure
from attnmetrics.measuring.tokens import TokenCounter
from attnmetrics.model.load import Model, load_model
from attnmetrics.pieces.units import Units
from attnmetrics.statistics.tokens import KEY, QUERY, Tokens, TokenSums, Totals

LAYERS, HEADS = 3, 4


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    root = tmp_path_factory.mktemp("models")
    return {family: load_model(str(save_model(root / family, family))) for family in ("gpt2", "bert")}


def planted(units: Units, model: Model, favourite: int) -> TokenSums:
    """Every row gives all to the first piece of the favourite type that it may attend to, in all heads but the last.

    Rows without one, and the last head, attend evenly.
    """
    counter = TokenCounter(units, np.arange(len(units)), model)
    number = len(units.pieces.ids)
    received, given = np.zeros((number, HEADS)), np.zeros((number, HEADS))
    for start, end in zip(units.pieces.offsets[:-1], units.pieces.offsets[1:], strict=True):
        for row in range(start, end):
            columns = np.arange(start, row + 1 if model.causal else end)
            alpha = np.zeros((HEADS, len(columns)))
            of_type = columns[(units.pieces.ids[columns] == favourite) & ~units.null[columns]]
            alpha[:] = 1 / len(columns)
            if len(of_type):
                alpha[:-1] = columns == of_type[0]
            received[columns] += alpha.T
            given[row] = alpha[:, ~units.null[columns]].sum(axis=1)
    reader = counter.read(np.arange(number))
    for layer in range(LAYERS):
        reader.add(layer, SimpleNamespace(received=torch.from_numpy(received), given=torch.from_numpy(given)))
    counter.add(reader)
    return counter.sums()


def listed(sums: TokenSums, least: int = 1) -> Tokens:
    totals = Totals()
    totals.add(sums.types)
    competitors = totals.competitors(least)
    attention = competitors.sum_up([sums], (LAYERS, HEADS))
    return Tokens(competitors.types, competitors.rank(attention, (KEY, QUERY)))


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_a_head_that_attends_to_one_type_lists_it_first_and_an_even_one_has_lift_1(family: str, models) -> None:
    model = models[family]
    units = read_units(corpus(TEXTS), model)
    ids = Counter(units.pieces.ids[~units.null].tolist())
    favourite, occurrences = ids.most_common(1)[0]
    found = listed(planted(units, model, favourite))
    keys = found.rows[found.rows["side"] == KEY]
    for head in range(HEADS - 1):
        first = keys[(keys["layer"] == 1) & (keys["head"] == head)][0]
        assert found.types.ids[first["type"]] == favourite
        assert found.types.occurrences[KEY, first["type"]] == occurrences
        assert first["lift"] > 1.5
    even = keys[keys["head"] == HEADS - 1]
    np.testing.assert_allclose(even["lift"], 1, rtol=1e-12)


def test_only_mapped_units_count_and_each_piece_on_its_sides(models) -> None:
    model = models["bert"]
    units = read_units(corpus(TEXTS), model)
    rows = np.array([1, 4, 5])
    found = measure(units, model, exemplars=0, map_sample=MapSample(seed=0, rows=rows))
    own = np.isin(units.pieces.row, rows)
    queries, keys = (Counter(units.pieces.ids[kept].tolist()) for kept in (own, own & ~units.null))
    assert found.tokens.types.ids.tolist() == sorted(queries)
    assert found.tokens.types.occurrences.tolist() == [
        [side[piece] for piece in sorted(queries)] for side in (keys, queries)
    ]
    assert found.tokens.types.pieces == [model.tokenizer.id_to_token(piece) for piece in sorted(queries)]
    np.testing.assert_allclose(found.tokens.types.even, [keys[piece] for piece in sorted(queries)])
    alone = measure(read_units([corpus(TEXTS)[row] for row in rows], model), model, exemplars=1)
    np.testing.assert_allclose(found.tokens.attention, alone.tokens.attention, rtol=1e-4, atol=1e-6)
    assert len(found.typical) == 0 < len(alone.typical)


def test_no_unit_is_mapped(models) -> None:
    units = read_units(corpus(TEXTS[:2]), models["gpt2"])
    found = measure(units, models["gpt2"], map_sample=MapSample(seed=0, rows=np.zeros(0, int)))
    assert found.tokens.attention.shape == (LAYERS, 2, 0, HEADS)
    assert len(found.typical) == len(units)
