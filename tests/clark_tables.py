"""Made-up tables of relations and of coreference, for runs that have none, with the laws that real ones have."""

import numpy as np
import xarray as xr

RULES = ("row", "column", "parent_row")
OFFSETS = [offset for offset in range(-10, 11) if offset]
CLASSES = ("pronoun", "proper", "nominal", "other", "all")
CANDIDATES = ("mentions", "words")
HEURISTICS = ("nearest", "head_match", "sieves", "chance")


def with_relations(data: xr.Dataset, seed: int = 0) -> xr.Dataset:
    """The run with what it found of its relations; `root` and `_` have no edge."""
    random = np.random.default_rng(seed)
    grid = data.sizes["layer"], data.sizes["head"]
    rels = [str(rel) for rel in data["rel"].values]
    edges = np.array([0 if rel in ("root", "_") else 40 + 100 * n for n, rel in enumerate(rels)])
    known = np.where(edges > 0, 1.0, np.nan)
    accuracy = random.beta(2, 5, (*grid, len(RULES), len(rels))) * known
    offsets = random.dirichlet(np.ones(len(OFFSETS)), (len(RULES), len(rels))) * known[:, None]
    best = np.moveaxis(accuracy, (0, 1), (-2, -1)).reshape(len(RULES), len(rels), -1)
    word_classes = (*map(str, data["pos"].values), "nominal word", "content word")
    classes = random.dirichlet(np.ones(2 * len(word_classes)), (len(RULES), len(rels))) * known[:, None]
    tables = {
        "relation_accuracy": (("layer", "head", "rule", "rel"), accuracy, "share", "relation_baseline"),
        "relation_accuracy_all": (("layer", "head", "rule"), accuracy[..., 0] * 0.5, "share", ""),
        "relation_accuracy_by_layer": (("layer", "rule", "rel"), accuracy.mean(axis=1), "share", ""),
        "relation_edges": (("rel",), edges, "count", ""),
        "relation_edges_attainable": (("rule", "rel"), np.stack([edges, edges // 2, edges // 4]), "count", ""),
        "relation_offset_accuracy": (("rule", "rel", "word_offset"), offsets, "share", ""),
        "relation_best_accuracy": (("rule", "rel"), best.max(axis=-1) * 0.9, "share", ""),
        "relation_baseline": (("rule", "rel"), offsets.max(axis=-1) * 0.9, "share", ""),
        "relation_class_baseline": (("rule", "rel"), classes.max(axis=-1) * 0.9, "share", ""),
        "relation_class_accuracy": (
            ("rule", "rel", "word_class", "side"), classes.reshape(*classes.shape[:2], -1, 2), "share", "",
        ),
    }  # fmt: skip
    coords = {
        "word_class": np.array(word_classes, object),
        "side": np.array(("before", "after"), object),
        "rule": np.array(RULES, object),
        "word_offset": np.array(OFFSETS),
    }
    return _with(data, tables, coords)


def with_coreference(data: xr.Dataset, seed: int = 0) -> xr.Dataset:
    """The run with what it found of coreference; the class `other` has no anaphor."""
    random = np.random.default_rng(seed)
    grid = data.sizes["layer"], data.sizes["head"]
    anaphors = np.array([120, 90, 60, 0, 270])
    known = np.where(anaphors > 0, 1.0, np.nan)
    accuracy = random.beta(3, 3, (*grid, len(CANDIDATES), len(CLASSES))) * known
    best = accuracy.reshape(-1, len(CANDIDATES), len(CLASSES)).max(axis=0)
    tables = {
        "coreference_accuracy": (("layer", "head", "candidates", "mention_class"), accuracy, "share", ""),
        "coreference_anaphors": (("mention_class",), anaphors, "count", ""),
        "coreference_heuristic": (
            ("heuristic", "mention_class"), random.beta(3, 3, (len(HEURISTICS), len(CLASSES))) * known, "share", "",
        ),
        "coreference_best_accuracy": (("candidates", "mention_class"), best * 0.9, "share", ""),
    }  # fmt: skip
    names = {"candidates": CANDIDATES, "mention_class": CLASSES, "heuristic": HEURISTICS}
    return _with(data, tables, {dim: np.array(labels, object) for dim, labels in names.items()})


def _with(data: xr.Dataset, tables: dict, coords: dict) -> xr.Dataset:  # type: ignore[type-arg]
    about = {name: {"kind": kind, "units": "1", "chance": chance} for name, (_, _, kind, chance) in tables.items()}
    arrays = {name: (dims, values, about[name]) for name, (dims, values, *_) in tables.items()}
    return data.drop_vars(arrays, errors="ignore").assign_coords(coords).assign(arrays)
