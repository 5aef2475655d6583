"""Differences of two runs: against a bootstrap written with loops, planted ones, and the laws that they keep."""

from collections.abc import Mapping

import numpy as np
import pytest
from schemas import NAMES, small_schema
from scipy.stats import t as student
from test_bootstrap import bounds_by_loops

from attnmetrics.metrics.schema import Schema
from attnmetrics.statistics.bootstrap import LEAST, count_draws
from attnmetrics.statistics.comparing import (
    Difference,
    Sample,
    correlate,
    find_differences,
    find_each_difference,
    union,
)
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.intervals import Drawing
from attnmetrics.statistics.significance import find_p, find_q
from attnmetrics.statistics.states import State

SCHEMA = small_schema((0, 1), 2)
RESULTS = ("null_attention", "distance", "distance_by_layer", "pos_to")
SHARDS = 11


def new_sample(
    corpus: str, model: int, shards: int = SHARDS, schema: Schema = SCHEMA, gone: tuple[int, ...] = ()
) -> Sample:
    """A run by a model: its documents decide most of what a shard adds, the model little."""
    groups, total = GroupSums(schema, shards), State.zero(schema)
    for shard in set(range(shards)) - set(gone):
        of_text = np.random.default_rng((sum(corpus.encode()), shard))
        of_model = np.random.default_rng((model, shard))
        sums = {
            name: of_text.gamma(2, 3, shape) * of_model.uniform(0.9, 1.1, shape)
            for name, shape in schema.shapes.items()
        }
        groups.add(shard, State(schema, sums))
        total = total.merge(State(schema, sums))
    return Sample(groups, values_of(schema, total.sums), corpus)


def values_of(schema: Schema, sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of `RESULTS`."""
    together = schema.of_layers({**sums, **no_deviations(schema)})
    twin = next(result for result in schema.with_twins() if result.name == "distance_by_layer")
    return {**schema.compute_some(sums, RESULTS), twin.name: twin.compute(together)}


def no_deviations(schema: Schema) -> dict[str, np.ndarray]:
    grid = (len(schema.layers), schema.heads)
    return {"deviation_sum": np.zeros(grid), "prefix_sum": np.zeros(grid), "variability_sentences": np.zeros(())}


def find(one: Sample, other: Sample) -> dict[str, Difference]:
    together = union([one.groups.schema.names, other.groups.schema.names])
    return find_differences(one, other, together, names=RESULTS)


# ---- the twin


def shares_by_loops(sample: Sample, draws: np.ndarray, layer: int, head: int) -> list[float]:
    """`null_attention` of a head in each draw, shard by shard."""
    sums = sample.groups.read()
    null, given = (sums[name][:, layer, head].tolist() for name in ("null_sum", "given_sum"))
    found = []
    for draw in draws.astype(int).tolist():
        whole = of_null = 0.0
        for shard, times in enumerate(draw):
            of_null += times * null[shard]
            whole += times * (null[shard] + given[shard])
        found.append(of_null / whole)
    return found


def p_by_loops(draws: list[float], value: float, groups: int) -> float:
    below = sum(draw < 0 for draw in draws)
    above = sum(draw > 0 for draw in draws)
    if min(below, above) >= 20:
        return min(1.0, 2 * (len(draws) - max(below, above) + 1) / (len(draws) + 1))
    mean = sum(draws) / len(draws)
    spread = (sum((draw - mean) ** 2 for draw in draws) / len(draws)) ** 0.5
    return 2 * float(student.cdf(-abs(value) / spread, groups - 1))


def q_by_loops(p: list[float]) -> list[float]:
    """The smallest p·m ÷ rank of all that are no clearer."""
    return [min(len(p) * other / sum(one <= other for one in p) for other in p if other >= own) for own in p]


@pytest.mark.parametrize("corpus", ["same", "other"])
def test_differences_are_those_of_a_bootstrap_written_with_loops(corpus: str) -> None:
    one, other = new_sample("same", 1), new_sample(corpus, 2)
    found = find(one, other)["null_attention"]
    chances = []
    for layer, head in np.ndindex(2, 2):
        first, second = (
            shares_by_loops(sample, rows_of(sample.corpus, paired=corpus == "same"), layer, head)
            for sample in (one, other)
        )
        draws = [mine - yours for yours, mine in zip(first, second, strict=True)]
        value = other.values["null_attention"][layer, head] - one.values["null_attention"][layer, head]
        np.testing.assert_allclose(found.value[layer, head], value, rtol=1e-12)
        np.testing.assert_allclose(found.bounds[layer, head], bounds_by_loops(draws, value, SHARDS), rtol=1e-9)
        chances.append(p_by_loops(draws, value, SHARDS))
    np.testing.assert_allclose(found.q.ravel(), q_by_loops(chances), rtol=1e-9)
    assert (found.groups == SHARDS).all()


def rows_of(corpus: str, paired: bool) -> np.ndarray:
    from attnmetrics.statistics import comparing

    return count_draws(SHARDS, 0 if paired else comparing._stream(corpus))


def test_draws_of_two_corpora_are_independent() -> None:
    one, other = rows_of("a", paired=False), rows_of("b", paired=False)
    assert abs(np.corrcoef(one[:, 0], other[:, 0])[0, 1]) < 0.07
    assert not (one == rows_of("a", paired=True)).all()


# ---- p and q


@pytest.mark.parametrize(
    ("draws", "value", "expected"),
    [
        ([-1.0] * 30 + [1.0] * 69, 0.4, 2 * 31 / 100),
        ([-1.0] * 25 + [0.0] * 10 + [1.0] * 64, 0.4, 2 * 36 / 100),
        ([1.0, 3.0] * 50, 2.0, 2 * float(student.cdf(-2, 11))),
        ([0.0] * 100, 0.0, 1.0),
        ([2.0] * 100, 2.0, 0.0),
        ([np.nan] * 100, 2.0, np.nan),
    ],
)
def test_p_by_hand(draws: list[float], value: float, expected: float) -> None:
    found = find_p(np.array([draws]), np.array([value]), np.array([12]))
    np.testing.assert_allclose(found, [expected], rtol=1e-12)
    assert np.isnan(find_p(np.array([draws]), np.array([value]), np.array([LEAST - 1]))[0])


def test_q_by_hand() -> None:
    """Of 0.01, 0.03 and 0.04: 0.03, and 3·0.04 ÷ 3 for both others, for what is clearer has no larger q."""
    p = np.array([[0.04, 0.2], [0.01, np.nan], [0.03, 0.1], [np.nan, np.nan]])
    expected = [[0.04, 0.2], [0.03, np.nan], [0.04, 0.2], [np.nan, np.nan]]
    np.testing.assert_allclose(find_q(p), expected, rtol=1e-12)


# ---- laws


@pytest.mark.parametrize("corpus", ["same", "other"])
def test_swapped_runs_have_the_opposite_differences(corpus: str) -> None:
    one, other = new_sample("same", 1), new_sample(corpus, 2)
    back = find(other, one)
    for name, there in find(one, other).items():
        np.testing.assert_allclose(back[name].value, -there.value, rtol=1e-9, err_msg=name)
        np.testing.assert_allclose(back[name].bounds, -there.bounds[..., ::-1], rtol=1e-7, atol=1e-9, err_msg=name)
        np.testing.assert_allclose(back[name].q, there.q, rtol=1e-7, err_msg=name)


def test_a_run_does_not_differ_from_itself() -> None:
    one = new_sample("same", 1)
    for name, found in find(one, one).items():
        assert (found.value == 0).all(), name
        assert (found.bounds == 0).all(), name
        assert (found.q == 1).all(), name


def test_pairs_have_the_narrower_intervals() -> None:
    one, other = new_sample("same", 1), new_sample("same", 2)
    paired = find(one, other)["distance"].bounds
    unpaired = find(one, Sample(other.groups, other.values, "as if other"))["distance"].bounds
    assert (paired[..., 1] - paired[..., 0] < 0.3 * (unpaired[..., 1] - unpaired[..., 0])).all()


def test_what_is_asked_for_has_no_part_in_differences() -> None:
    one, other = new_sample("same", 1), new_sample("same", 2)
    alone = find_differences(one, other, SCHEMA.names, names=("pos_to",))["pos_to"]
    np.testing.assert_array_equal(alone.bounds, find(one, other)["pos_to"].bounds)
    np.testing.assert_array_equal(alone.q, find(one, other)["pos_to"].q)


def test_of_several_each_differs_as_if_alone_and_the_first_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its documents, of other ones, with a shard that is gone, with too few."""
    one, drawn = new_sample("same", 1), list[Drawing]()
    alike = [new_sample("same", model) for model in (2, 3, 4)]
    others = [*alike[:2], new_sample("other", 5), new_sample("few", 6, LEAST - 1), alike[2]]
    others += [new_sample("same", 7, gone=(4,)), new_sample("third", 8)]
    expected = [find(one, other) for other in others]
    draw = Drawing.draw_part
    monkeypatch.setattr(Drawing, "draw_part", lambda self, *at: drawn.append(self) or draw(self, *at))
    for found, alone in zip(find_each_difference(one, others, SCHEMA.names, names=RESULTS), expected, strict=True):
        assert found.keys() == alone.keys() == set(RESULTS)
        for name in RESULTS:
            for part in ("value", "bounds", "groups", "q"):
                np.testing.assert_array_equal(getattr(found[name], part), getattr(alone[name], part))
    assert len({id(one) for one in drawn}) == 2 + 6  # beside its own documents, and beside others; each of six


# ---- runs that are not quite alike


def test_names_are_found_by_what_they_are() -> None:
    """The other run has its tags in another order, one more, and one less."""
    names = {**NAMES, "pos": ("_", "VERB")}
    schema = Schema(SCHEMA.layers, SCHEMA.heads, SCHEMA.labels, SCHEMA.links, names)
    one, other = new_sample("same", 1), new_sample("same", 2, schema=schema)
    found = find(one, other)["pos_to"]
    assert union([SCHEMA.names, names])["pos"] == ("NOUN", "_", "VERB")
    expected = other.values["pos_to"][..., 0] - one.values["pos_to"][..., 1]
    np.testing.assert_allclose(found.value[..., 1], expected, rtol=1e-12)
    for lacking in (0, 2):
        assert np.isnan(found.value[..., lacking]).all()
        assert np.isnan(found.bounds[..., lacking, :]).all()
        assert np.isnan(found.q[..., lacking]).all()
        assert (found.groups[..., lacking] == 0).all()


def test_a_shard_that_one_run_lacks_is_drawn_all_the_same() -> None:
    one, other = new_sample("same", 1), new_sample("same", 2, gone=(4,))
    found = find(one, other)["distance"]
    assert (found.groups == SHARDS - 1).all()
    assert np.isfinite(found.q).all()


def test_few_shards_have_no_intervals_of_differences() -> None:
    found = find(new_sample("same", 1, LEAST - 1), new_sample("same", 2, LEAST - 1))["distance"]
    assert np.isfinite(found.value).all()
    assert np.isnan(found.bounds).all()
    assert np.isnan(found.q).all()


def test_maps_correlate_over_the_heads_that_both_have() -> None:
    one = np.array([[[1.0, 5], [2, 5]], [[3, 5], [np.nan, 5]]])
    r, heads = correlate(one, 10 - 2 * one)
    np.testing.assert_allclose(r, [-1, np.nan])
    assert heads.tolist() == [3, 4]


# ---- what is there is found


def test_the_one_of_270_heads_that_differs_is_found() -> None:
    """By 5 standard errors, in runs over other documents; no other is said to differ."""
    schema = small_schema((*range(30),), 9)
    shares = np.random.default_rng(0).normal(0.4, 0.05, (2, 40, 30, 9))
    error = np.sqrt(shares.var(1).sum(0) / 40)
    shares[1, :, 7, 3] += 5 * error[7, 3] - (shares[1] - shares[0])[:, 7, 3].mean()
    samples = []
    for name, part in zip("ab", shares, strict=True):
        groups, zero = GroupSums(schema, 40), State.zero(schema).sums
        for shard, own in enumerate(part):
            groups.add(shard, State(schema, {**zero, "null_sum": own, "given_sum": 1 - own}))
        samples.append(Sample(groups, {"null_attention": part.mean(0)}, name))
    found = find_differences(*samples, schema.names, names=("null_attention",))["null_attention"]
    assert np.argwhere(found.q < 0.05).tolist() == [[7, 3]]
    assert found.bounds[7, 3, 0] > 0
