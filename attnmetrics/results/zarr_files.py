"""A Dataset as the files of a Zarr v3 group, consolidated, of one chunk an array.

They are those that xarray and Zarr write, for whatever opens Zarr, and take a tenth of the time, for both of these make
every array a coroutine of several steps.
"""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import google_crc32c
import numpy as np
import xarray as xr
from numcodecs import VLenUTF8, Zstd
from numpy.typing import NDArray
from xarray.conventions import encode_dataset_coordinates

from attnmetrics.storage.zarr_json import FILE, NUMBERS, about_array, about_group, as_json, zstd

_NAN: Final = np.array(np.nan)
_STRINGS: Final[dict[str, Any]] = {"name": "vlen-utf8", "configuration": {}}
_BYTES: Final = {"name": "bytes"}
_COMPRESSION: Final[list[dict[str, Any]]] = [zstd(0, checksum=False), {"name": "crc32c"}]


def write_zarr(data: xr.Dataset, folder: Path) -> None:
    """Write the group into a folder that is there."""
    for name, content in zarr_files(data):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def zarr_files(data: xr.Dataset) -> Iterator[tuple[str, bytes]]:
    """Each file's path in the group, and its content; of numbers, booleans and strings."""
    variables, attributes = encode_dataset_coordinates(data)
    values = {str(name): _plain(one.to_numpy()) for name, one in variables.items()}
    about = {str(name): _array(values[str(name)], one) for name, one in variables.items()}
    yield FILE, as_json(_group(attributes, about))
    for name, array in values.items():
        yield f"{name}/{FILE}", as_json(about[name])
        if array.size:
            yield f"{name}/{'.'.join('c' + '0' * array.ndim)}", _chunk(array)


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Strings as objects; numbers in the order of bytes that the group says."""
    return values.astype(object) if values.dtype.kind in "UT" else values.astype(values.dtype.newbyteorder("<"))


def _group(attributes: Any, arrays: dict[str, Any]) -> dict[str, Any]:
    # A chunk lies beside what is said of its array: a folder a dimension takes longer to make than the chunks.
    consolidated = {"kind": "inline", "must_understand": False, "metadata": dict(sorted(arrays.items()))}
    return about_group(attributes, consolidated_metadata=consolidated)


def _array(values: NDArray[Any], variable: xr.Variable) -> dict[str, Any]:
    """What is said of an array; one of floats has NaN where nothing is, for xarray too."""
    nothing = {"_FillValue": b64encode(_NAN.tobytes()).decode()} if values.dtype.kind == "f" else {}
    first = _STRINGS if values.dtype == object else _BYTES if values.itemsize == 1 else NUMBERS
    codecs, attributes = [first, *_COMPRESSION], {**variable.attrs, **nothing}
    return about_array(values.dtype, values.shape, values.shape, codecs, variable.dims, attributes)


def _chunk(values: NDArray[Any]) -> bytes:
    plain = VLenUTF8().encode(values.ravel()) if values.dtype == object else values.tobytes()
    compressed = bytes(Zstd(level=0).encode(plain))
    return compressed + int(google_crc32c.value(compressed)).to_bytes(4, "little")
