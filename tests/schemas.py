"""Small schemas: what every run measures, of models with few heads."""

from attnmetrics.metrics.schema import LABELS, LINKS, SPECIAL, Schema

NAMES = {"pos": ("NOUN", "_"), "rel": ("nsubj", "obj", "_"), "special": SPECIAL}


def small_schema(layers: tuple[int, ...] = (0,), heads: int = 1, **names: tuple[str, ...]) -> Schema:
    """The labels and links of every run."""
    return Schema(layers, heads, LABELS, LINKS, {**NAMES, **names})
