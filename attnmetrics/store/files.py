"""Where the parts of a shard lie in a run's folder."""

from typing import Final

FILES: Final = {
    "state": "shards.zarr/state/c.{shard}.0",
    "exemplars": "shards.zarr/exemplars/c.{shard}.0.0.0.0.0",
    "prefix": "prefix/{shard:06d}.zst",
    "claims": "claims/{shard:06d}.zst",
    "typical": "typical/{shard:06d}.zst",
    "tokens": "tokens/{shard:06d}.parquet",
    "passages": "passages/{shard:06d}.parquet",
}
"""What there is of a shard: its name → its path."""

FOLDERS: Final = frozenset(
    {"commits", "traces", "importance", "values", *(path.partition("/")[0] for path in FILES.values())}
)
"""All that a store fills in a run's folder."""
