"""Vig and Belinkov, Analyzing the Structure of Attention in a Transformer Language Model, 2019."""

from collections.abc import Callable
from typing import Final

import numpy as np
import xarray as xr

from attnmetrics.views.certainty import bounds
from attnmetrics.views.facts import unit_of
from attnmetrics.views.heads import ranked
from attnmetrics.views.papers.claims import Claim, Counterpart, Field, NoCounterpartError, Paper
from attnmetrics.views.papers.reading import corpus_value, head_name, head_table, head_told, layer_values
from attnmetrics.views.tables import NO_WORD, by_layer, labels_of, values


def _present(data: xr.Dataset, metric: str, tag: str) -> xr.DataArray:
    table = head_table(data, metric, {"pos": tag})
    if np.nansum(values(table)) == 0:
        raise NoCounterpartError(f"no piece of this corpus is tagged {tag}")
    return table


# ---- counterparts


def _plain(name: str, form: str, **at: int) -> Callable[[xr.Dataset], Counterpart]:
    def measure(data: xr.Dataset) -> Counterpart:
        value = corpus_value(data, name, at)
        return Counterpart((value,), (Field(format(value, form).replace("-", "−")),), (bounds(data, name, at),))

    return measure


def _p_value(name: str) -> Callable[[xr.Dataset], Counterpart]:
    def measure(data: xr.Dataset) -> Counterpart:
        value = corpus_value(data, name, {})
        return Counterpart((value,), ("< 0.001" if value < 0.001 else f"{value:.2g}",))

    return measure


def _pieces_per_sentence(data: xr.Dataset) -> Counterpart:
    if unit_of(data) != "sentence":
        raise NoCounterpartError(f"the run's unit is {unit_of(data)}")
    return _plain("pieces_per_sentence", ".1f")(data)


def _mean_null(data: xr.Dataset) -> Counterpart:
    mean = float(np.nanmean(values(head_table(data, "null_attention", {}))))
    return Counterpart((mean,), (f"{mean:.2f}",))


def _null_heads(data: xr.Dataset) -> Counterpart:
    table = head_table(data, "null_attention", {})
    over = int((values(table) > 0.97).sum())
    layer, head, top = ranked(table)[0]
    return Counterpart((over, top), (f"{over} heads over 0.97; most: {top:.2f} ({head_name(layer, head)})",))


def _extreme(metric: str, form: str = ".2f", *, lowest: bool = False, **at: str) -> Callable[[xr.Dataset], Counterpart]:
    def measure(data: xr.Dataset) -> Counterpart:
        table = _present(data, metric, at["pos"]) if "pos" in at else head_table(data, metric, at)
        layer, head, value = ranked(table, lowest=lowest)[0]
        sure = bounds(data, metric, {"layer": layer, "head": head, **at})
        told = Field(f"{value:{form}}"), f" ({head_told(data, metric, layer, head)})"
        return Counterpart((value,), told, (sure,))

    return measure


def _mean_share(metric: str, tag: str) -> Callable[[xr.Dataset], Counterpart]:
    def measure(data: xr.Dataset) -> Counterpart:
        mean = float(np.nanmean(values(_present(data, metric, tag))))
        return Counterpart((mean,), (f"{mean:.2f}",))

    return measure


def _layers_of_top(metric: str, tag: str, number: int) -> Callable[[xr.Dataset], Counterpart]:
    def measure(data: xr.Dataset) -> Counterpart:
        layers = sorted(layer for layer, _, _ in ranked(_present(data, metric, tag))[:number])
        last = int(data["layer"].values[-1])
        return Counterpart(tuple(layers), (f"layers {', '.join(map(str, layers))} (the last is {last})",))

    return measure


def _specialised_tags(metric: str) -> Callable[[xr.Dataset], Counterpart]:
    def measure(data: xr.Dataset) -> Counterpart:
        if metric not in data:
            raise NoCounterpartError(f"the run has no {metric}")
        kept = [n for n, tag in enumerate(labels_of(data[metric], "pos")) if tag != NO_WORD]
        table = values(data[metric].isel(pos=kept)).reshape(-1, len(kept))
        table = table[np.isfinite(table).all(axis=1)]
        if not len(table):
            raise NoCounterpartError("no head has evidence")
        mean, top = table.mean(axis=0), table.max(axis=0)
        number, total = int((top > 2 * mean).sum()), int((mean > 0).sum())
        return Counterpart((number, total), (f"{number} of {total} tags that occur",))

    return measure


def _first_layer_alignment(data: xr.Dataset) -> Counterpart:
    if int(data["layer"].values[0]) != 0:
        raise NoCounterpartError("layer 0 was not measured")
    table = head_table(data, "dependency_alignment", {"direction": "either"})
    heads = [(head, value) for layer, head, value in ranked(table, lowest=True) if layer == 0][:2]
    sure = [bounds(data, "dependency_alignment", {"layer": 0, "head": n, "direction": "either"}) for n, _ in heads]
    lowest = [value for _, value in heads]
    listed = [part for value in lowest for part in (", ", Field(f"{value:.2f}"))]
    return Counterpart(tuple(lowest), ("lowest of layer 0: ", *listed[1:]), tuple(sure))


def _extreme_layers(metric: str, number: int, *, lowest: bool, **at: str) -> Callable[[xr.Dataset], Counterpart]:
    def measure(data: xr.Dataset) -> Counterpart:
        found = layer_values(data, metric, at)
        order = np.argsort(found if lowest else -found, kind="stable")[:number]
        layers = sorted(int(data["layer"].values[n]) for n in order if np.isfinite(found[n]))
        return Counterpart(tuple(layers), (f"layers {', '.join(map(str, layers))}",))

    return measure


def _entropy_of_most_distant(data: xr.Dataset) -> Counterpart:
    layer, head, _ = ranked(head_table(data, "distance", {}))[0]
    value = float(head_table(data, "entropy", {}).sel(layer=layer, head=head))
    if np.isnan(value):
        raise NoCounterpartError(f"{head_name(layer, head)} has no row for entropy")
    sure = bounds(data, "entropy", {"layer": layer, "head": head})
    return Counterpart((value,), (Field(f"{value:.2f}"), f" ({head_told(data, 'entropy', layer, head)})"), (sure,))


def _deep_over_low(*relations: str) -> Callable[[xr.Dataset], Counterpart]:
    """Share in the deeper half of the layers ÷ share in the lower half, for each relation that occurs."""

    def measure(data: xr.Dataset) -> Counterpart:
        if data.sizes["layer"] < 2:
            raise NoCounterpartError("one layer has no depth")
        table = by_layer(data, "dependency_type_to")
        known = [] if table is None else [name for name in relations if name in labels_of(table, "rel")]
        ratios = {name: _depth_ratio(data, name) for name in known}
        finite = {name: ratio for name, ratio in ratios.items() if np.isfinite(ratio)}
        if not finite:
            raise NoCounterpartError(f"this corpus has none of {', '.join(relations)}")
        text = ", ".join(f"{name} ×{ratio:.2f}" for name, ratio in finite.items())
        return Counterpart(tuple(finite.values()), (text,))

    return measure


def _depth_ratio(data: xr.Dataset, relation: str) -> float:
    share = layer_values(data, "dependency_type_to", {"rel": relation})
    half = len(share) // 2
    low, deep = np.nansum(share[:half]) / half, np.nansum(share[-half:]) / half
    return float(deep / low) if low > 0 else float("nan")


_CLAIMS: Final = (
    Claim("null_mean", "attention to the first piece, average over heads", "0.57", "share", _mean_null, values=(0.57,)),
    Claim("null_heads", "heads that give nearly everything to it", "some over 0.97", "heads; share", _null_heads),
    Claim("pieces_per_sentence", "pieces a sentence", "27.7", "pieces", _pieces_per_sentence, values=(27.7,)),
    Claim("noun_top", "largest share of attention to nouns", "0.43 (layer 9 head 0)", "share",
          _extreme("pos_to", pos="NOUN"), values=(0.43,)),
    Claim("noun_mean", "mean share of attention to nouns", "0.21", "share", _mean_share("pos_to", "NOUN"),
          values=(0.21,)),
    Claim("propn_layers", "top five heads to proper nouns", "in the last three layers (of 0 to 11)", "layers",
          _layers_of_top("pos_to", "PROPN", 5)),
    Claim("det_layers", "top five heads to determiners", "in the first four layers", "layers",
          _layers_of_top("pos_to", "DET", 5)),
    Claim("specialised_to", "tags attended by a head more than twice as much as on average", "13 of 16", "tags",
          _specialised_tags("pos_to"), values=(13,)),
    Claim("specialised_from", "tags attending in a head more than twice as much as on average", "7 of 16", "tags",
          _specialised_tags("pos_from"), values=(7,)),
    Claim("punct_layers", "top ten heads from punctuation", "in the last six layers", "layers",
          _layers_of_top("pos_from", "PUNCT", 10)),
    Claim("alignment_top", "highest share of attention along dependencies", "0.42 (layer 4 head 11)", "share",
          _extreme("dependency_alignment", direction="either"), values=(0.42,)),
    Claim("variability_low", "lowest variability", "0.004 (layer 4 head 11)", "1",
          _extreme("variability", ".3f", lowest=True), values=(0.004,)),
    Claim("alignment_layer_0", "alignment of two heads of layer 0", "0.04 and 0.10", "share", _first_layer_alignment,
          values=(0.04, 0.10)),
    Claim("dependency_at_1", "probability of a dependency between adjacent pieces", "0.42", "probability",
          _plain("dependency_probability", ".2f", pair_distance=1), values=(0.42,)),
    Claim("dependency_at_5", "at distance 5", "0.07", "probability",
          _plain("dependency_probability", ".2f", pair_distance=5), values=(0.07,)),
    Claim("dependency_at_10", "at distance 10", "0.02", "probability",
          _plain("dependency_probability", ".2f", pair_distance=10), values=(0.02,)),
    Claim("dependency_distance", "mean distance of dependencies", "3.89", "pieces",
          _plain("mean_dependency_distance", ".2f"), values=(3.89,)),
    Claim("dependency_within_18", "dependencies within 18 pieces", "0.998", "share",
          _plain("dependency_within_18", ".3f"), values=(0.998,)),
    Claim("nearest_layers", "three layers with the shortest distance", "2, 3, 4", "layers",
          _extreme_layers("distance", 3, lowest=True)),
    Claim("aligned_layers", "three layers with the highest alignment", "2, 3, 4", "layers",
          _extreme_layers("dependency_alignment", 3, lowest=False, direction="either")),
    Claim("farthest_layers", "three layers with the longest distance", "the deepest", "layers",
          _extreme_layers("distance", 3, lowest=False)),
    Claim("distance_top", "largest mean distance of a head", "14.2 (layer 5 head 1)", "pieces",
          _extreme("distance", ".1f"), values=(14.2,)),
    Claim("distance_top_entropy", "entropy of that head", "0.41", "nats", _entropy_of_most_distant, values=(0.41,)),
    Claim("distance_sd", "standard deviation of head distances", "3.6", "pieces", _plain("distance_sd", ".1f"),
          values=(3.6,)),
    Claim("distance_entropy_r", "correlation of distance and entropy", "0.61", "r",
          _plain("distance_entropy_r", ".2f"), values=(0.61,)),
    Claim("distance_entropy_p", "its p-value", "< 0.001", "p", _p_value("distance_entropy_p")),
    Claim("distance_alignment_r", "correlation of distance and alignment", "−0.73", "r",
          _plain("distance_alignment_r", ".2f"), values=(-0.73,)),
    Claim("distance_alignment_p", "its p-value", "< 0.001", "p", _p_value("distance_alignment_p")),
    Claim("subject_depth", "attention to subjects, deeper half of the layers ÷ lower half", "more in deep layers",
          "ratio", _deep_over_low("nsubj", "nsubjpass", "nsubj:pass", "csubj")),
    Claim("function_depth", "the same for aux, cc, det, expl, neg", "more in low layers", "ratio",
          _deep_over_low("aux", "cc", "det", "expl", "neg")),
)  # fmt: skip

VIG_BELINKOV: Final = Paper(
    "vig-belinkov-2019",
    "Vig and Belinkov 2019",
    "J. Vig and Y. Belinkov, Analyzing the Structure of Attention in a Transformer Language Model, 2019, "
    "arXiv:1906.04284",
    "GPT-2 small on English Wikipedia, annotated by spaCy 2.",
    _CLAIMS,
)
