"""A Dataset as the files of a Zarr v3 group, consolidated, of one chunk an array.

They are those that xarray and Zarr write, for whatever opens Zarr. Here they are written and read in a tenth of the
time, for both of these make every array a coroutine of several steps.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import google_crc32c
import numpy as np
import xarray as xr
from numcodecs import VLenUTF8, Zstd
from numpy.typing import NDArray
from xarray.conventions import encode_dataset_coordinates

from attnmetrics.storage import Location
from attnmetrics.storage.zarr_json import FILE, NUMBERS, about_array, about_group, as_json, zstd

_NAN: Final = np.array(np.nan)
_STRINGS: Final[dict[str, Any]] = {"name": "vlen-utf8", "configuration": {}}
_BYTES: Final = {"name": "bytes"}
_COMPRESSION: Final[list[dict[str, Any]]] = [zstd(0, checksum=False), {"name": "crc32c"}]
_CHECKSUM_BYTES: Final = 4


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
            yield _file(name, array.shape), _chunk(array)


def read_zarr(folder: Location) -> xr.Dataset:
    """The Dataset of such a group, its variables by name.

    Raises:
        FileNotFoundError: there is no group.
        Exception: it is damaged, or none of `write_zarr`.
    """
    group = json.loads((folder / FILE).read())
    arrays = group["consolidated_metadata"]["metadata"]
    files = {name: _file(name, about["shape"]) for name, about in arrays.items() if 0 not in about["shape"]}
    chunks = dict(zip(files, _contents(folder, files.values()), strict=True))
    variables = {name: _variable(about, chunks.get(name)) for name, about in arrays.items()}
    about = [group["attributes"], *(one.attrs for one in variables.values())]
    coordinates = " ".join(one.pop("coordinates", "") for one in about).split()
    return xr.Dataset(variables, attrs=group["attributes"]).set_coords(coordinates)


def _file(name: str, shape: Sequence[int]) -> str:
    # A chunk lies beside what is said of its array: a folder a dimension takes longer to make than the chunks.
    return f"{name}/{'.'.join('c' + '0' * len(shape))}"


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Strings as objects; numbers in the order of bytes that the group says."""
    return values.astype(object) if values.dtype.kind in "UT" else values.astype(values.dtype.newbyteorder("<"))


def _group(attributes: Any, arrays: dict[str, Any]) -> dict[str, Any]:
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
    return compressed + _checksum(compressed)


def _contents(folder: Location, files: Iterable[str]) -> Iterator[bytes]:
    try:
        yield from folder.contents(files)
    except FileNotFoundError:
        raise ValueError("an array lacks its chunk") from None


def _variable(about: Mapping[str, Any], chunk: bytes | None) -> xr.Variable:
    """An array as it was written; one of no values has no chunk."""
    attributes = {name: value for name, value in about["attributes"].items() if name != "_FillValue"}
    kind = about["data_type"]
    values = np.empty(0, object if kind == "string" else kind) if chunk is None else _values(kind, chunk)
    return xr.Variable(about.get("dimension_names", ()), values.reshape(about["shape"]), attributes)


def _values(kind: str, chunk: bytes) -> NDArray[Any]:
    """The inverse of `_chunk`, [value]."""
    compressed, checksum = chunk[:-_CHECKSUM_BYTES], chunk[-_CHECKSUM_BYTES:]
    if _checksum(compressed) != checksum:
        raise ValueError("an array is damaged")
    plain = Zstd().decode(compressed)
    if kind == "string":
        return np.asarray(VLenUTF8().decode(plain))
    return np.frombuffer(plain, np.dtype(kind).newbyteorder("<")).astype(kind)


def _checksum(content: bytes) -> bytes:
    return int(google_crc32c.value(content)).to_bytes(_CHECKSUM_BYTES, "little")
