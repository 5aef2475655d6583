"""What Zarr v3 keeps of a group and of an array: the content of their `zarr.json`, byte for byte as Zarr writes it.

Zarr takes long to import, and workers need no more of it than this.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

FILE: Final = "zarr.json"
NUMBERS: Final[Mapping[str, Any]] = {"name": "bytes", "configuration": {"endian": "little"}}


def zstd(level: int, *, checksum: bool) -> dict[str, Any]:
    """A codec of chunks."""
    return {"name": "zstd", "configuration": {"level": level, "checksum": checksum}}


def about_group(attributes: Mapping[Any, Any], **further: Any) -> dict[str, Any]:
    """What is said of a group."""
    return {"attributes": dict(attributes), "zarr_format": 3, **further, "node_type": "group"}


def about_array(
    kind: np.dtype[Any],
    shape: Sequence[int],
    chunk: Sequence[int],
    codecs: Sequence[Mapping[str, Any]],
    dims: Sequence[Any],
    attributes: Mapping[Any, Any],
) -> dict[str, Any]:
    """What is said of an array of numbers, booleans or strings (objects), in chunks whose names have dots.

    Nothing is NaN, 0 or no text.
    """
    is_text, is_float = kind.kind == "O", kind.kind == "f"
    return {
        "shape": list(shape),
        "data_type": "string" if is_text else kind.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [max(1, size) for size in chunk]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": "" if is_text else "NaN" if is_float else np.zeros((), kind).item(),
        "codecs": list(codecs),
        "attributes": dict(attributes),
        **({"dimension_names": list(dims)} if dims else {}),
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }


def as_json(content: Mapping[str, Any]) -> bytes:
    """The file's content; NumPy's numbers are numbers."""
    return json.dumps(content, indent=2, default=lambda number: number.item()).encode()
