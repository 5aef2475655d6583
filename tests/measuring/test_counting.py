"""What texts alone say, pair by pair: counts of pairs and rows, and what even attention would give."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
from models import TEXTS, save_model
from shards import annotate, read

from attnmetrics.measuring.counting import count, even_given, even_received
from attnmetrics.metrics.schema import SPECIAL
from attnmetrics.model.load import Model, load_model
from attnmetrics.pieces.align import Template
from attnmetrics.pieces.attends import Attends
from attnmetrics.pieces.units import Units

TEMPLATE = (1,), (2, 3)
"""Pieces before and after each text."""


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(str(save_model(tmp_path_factory.mktemp("model") / "gpt2", "gpt2", layers=1)))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("null", [(1, 0), (1, 1), (0, 0), (2, 0)])
def test_counts_are_counted_pairs(gpt2: Model, causal: bool, null: tuple[int, int]) -> None:
    attends = Attends(causal, *null)
    units = read(annotate(TEXTS), replace(gpt2, attends=attends, template=Template(*TEMPLATE)))
    counted = np.arange(len(units)) % 4 != 1
    found = count(units, counted, attends)
    expected = slow_count(units, counted, attends)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, err_msg=name)
    assert (found["repeat_pairs_at_offset"].sum() > 0) and (found["induction_rows_sum"] > 0)
    assert (found["to_separators_rows"] > 0).all() and (found["summary_rows"] == found["sentences"])


def slow_count(units: Units, counted: np.ndarray, attends: Attends) -> dict[str, np.ndarray]:
    """Row by row, pair by pair; which pairs are linked is tested elsewhere."""
    schema = units.schema
    found = {name: np.zeros(shape) for name, shape in schema.shapes.items()}
    found = {one.name: found[one.name] for one in schema.text_sums}
    lengths, offsets = units.pieces.lengths, units.pieces.offsets
    for row in np.flatnonzero(counted & (lengths > 0)).tolist():
        n, start = int(lengths[row]), int(offsets[row])
        found["sentences"] += 1
        found["pieces"] += n
        found["sentences_cut"] += units.pieces.cut[row]
        for piece in range(start, start + n):
            found["pieces_unaligned"] += units.pieces.in_text[piece] and not units.aligned[piece]
        add_rows(found, units, start, n, attends.causal)
        add_sinks(found, n, attends)
        edges = {link: edges_of(units, link, row) for link in units.links}
        for i in range(n):
            reach = [j for j in range(n) if j <= i or not attends.causal]
            open_pieces = [j for j in reach if attends.leading <= j < n - attends.trailing]
            found["even_given_sum"] += len(open_pieces) / len(reach)
            for label, codes in units.labels.items():
                found[f"even_given_by_{label}"][codes[start + i]] += len(open_pieces) / len(reach)
                for j in open_pieces:
                    found[f"even_received_by_{label}"][codes[start + j]] += 1 / len(reach)
            for j in open_pieces:
                found["attendable_at_offset"][max(-32, min(32, i - j)) + 32] += 1
            for link, pairs in edges.items():
                add_links(found, link, pairs, i, open_pieces, len(reach))
            for j in range(attends.leading, min(i + 1, n - attends.trailing)):
                found["piece_pairs"][min(i - j, 64)] += 1
                if any((i, j, edge) in edges["dependency"] for edge in (0, 1)):
                    found["dependency_pairs"][min(i - j, 64)] += 1
                    found["dependency_distance_sum"] += i - j
    return found


def add_rows(found: dict[str, np.ndarray], units: Units, start: int, n: int, causal: bool) -> None:
    """What holds of whole rows of a unit, whatever is null."""
    kinds = [SPECIAL[kind] for kind in units.labels["special"][start : start + n]]
    for i in range(n):
        reach = i + 1 if causal else n
        for j in range(reach):
            found["even_received_all_by_special"][SPECIAL.index(kinds[j])] += 1 / reach
        for place, j in enumerate((i - 1, i, i + 1)):
            if 0 <= j < reach:
                found["neighbour_rows"][place] += 1
                found["neighbour_even_sum"][place] += 1 / reach
        if "separator" in kinds:
            at = 0 if kinds[i] == "separator" else 1
            found["to_separators_rows"][at] += 1
            found["to_separators_even_sum"][at] += kinds[:reach].count("separator") / reach
        found["entropy_all_even_sum"] += log(reach)
        found["largest_even_sum"] += 1 / reach
        if (i == n - 1) if causal else (i == 0 and not units.pieces.in_text[start]):
            found["summary_rows"] += 1
            found["entropy_summary_even_sum"] += log(reach)


def add_sinks(found: dict[str, np.ndarray], n: int, attends: Attends) -> None:
    """What even attention gives the first piece, and the piece that gets most, of those that may be second sinks."""
    received = [
        [1 / (i + 1) if attends.causal else 1 / n for i in range(j if attends.causal else 0, n)] for j in range(n)
    ]
    if n >= 16:
        found["first_piece_even_sentences"][int(50 * sum(received[0][1:]) / (n - 1))] += 1
    open_pieces = range(max(1, attends.leading), n - attends.trailing)
    means = [sum(received[j]) / len(received[j]) for j in open_pieces if 2 * len(received[j]) >= n]
    if n >= 10 and means:
        found["second_sink_sentences"] += 1
        found["second_sink_even_sum"] += max(means)


def add_links(
    found: dict[str, np.ndarray],
    link: str,
    pairs: set[tuple[int, int, int]],
    i: int,
    open_pieces: list[int],
    reach: int,
) -> None:
    directed = found[f"{link}_rows_sum"].ndim > 0
    partners = {edge: [j for j in open_pieces if (i, j, edge) in pairs] for edge in (0, 1)}
    for edge, own in partners.items():
        at = (edge,) if directed else ()
        if own:
            found[f"{link}_even_sum"][at] += len(own) / reach
            for j in own:
                found[f"{link}_pairs_at_offset"][(*at, max(-32, min(32, i - j)) + 32)] += 1
            if directed:
                found[f"{link}_rows_sum"][edge] += 1
    if any(partners.values()):
        found[f"{link}_rows_sum"][(2,) if directed else ()] += 1


def edges_of(units: Units, link: str, row: int) -> set[tuple[int, int, int]]:
    pairs = units.links[link]
    part = slice(pairs.offsets[row], pairs.offsets[row + 1])
    return set(zip(*(column[part].tolist() for column in (pairs.attending, pairs.attended, pairs.edge)), strict=True))


def test_even_attention_of_three_pieces() -> None:
    piece, length = np.arange(3), np.full(3, 3)
    first, ends = np.array([True, False, False]), np.array([True, False, True])
    np.testing.assert_allclose(even_given(piece, piece + 1, first), [0, 1 / 2, 2 / 3])
    np.testing.assert_allclose(even_received(piece, length, True, first), [0, 1 / 2 + 1 / 3, 1 / 3])
    np.testing.assert_allclose(even_given(piece, length, ends), [1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(even_received(piece, length, False, ends), [0, 1, 0])
