"""What stages after the merge found, beside a run's results: for pages that show both."""

import xarray as xr

from attnmetrics.results.probes import FILE, load_probe
from attnmetrics.storage import Location


def with_probes(data: xr.Dataset, run: Location) -> xr.Dataset:
    """The results with the scores of the run's probes, [probe] tables, where it was probed.

    Raises:
        StoreError: `probe.zarr` cannot be read.
    """
    if not (run / FILE).exists():
        return data
    found = load_probe(run)
    scores = [str(name) for name, table in found.data_vars.items() if table.dims == ("probe",) and name not in data]
    joined = data.merge(found[scores], combine_attrs="override")
    joined.attrs["order"] = [*data.attrs.get("order", ()), *scores]
    return joined
