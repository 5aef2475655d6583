"""The results of a run by halves of its shards, as far as heads are chosen by them: by even ones, scored by odd.

`halves.zarr` has variables of the same names as results, and a first dimension more, `shards`: `even`, `odd`. A run
that is too small for intervals has none.
"""

from collections.abc import Collection
from typing import Final

import numpy as np
import xarray as xr

from attnmetrics.statistics.bootstrap import LEAST
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.statistics.halves import HALVES, of_halves

FILE: Final = "halves.zarr"
SHARDS: Final = "shards"


def halves_dataset(groups: GroupSums, results: xr.Dataset, names: Collection[str]) -> xr.Dataset:
    """The results of these names by halves of the shards; none of a run without intervals.

    Args:
        groups: sums of the run's groups of shards.
        results: of the same run.
        names: of results that are no by-layer twins.
    """
    enough = int(groups.there.sum()) >= LEAST
    found = of_halves(groups, [name for name in names if name in results]) if enough else {}
    variables = {name: ((SHARDS, *results[name].dims), value, results[name].attrs) for name, value in found.items()}
    used = {str(dim) for dims, _, _ in variables.values() for dim in dims}
    coordinates = {name: coordinate for name, coordinate in results.coords.items() if name in used}
    half = xr.Variable(SHARDS, np.array(HALVES, object), {"long_name": "shards", "help": "", "units": "1"})
    about = {"title": "Attention metrics by halves of the shards", "order": list(variables)}
    return xr.Dataset(variables, {**coordinates, SHARDS: half}, about)
