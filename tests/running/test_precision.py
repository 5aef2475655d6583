"""How far bfloat16 takes the results of the demo model from float32. `pytest -s` prints the table of the README."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from conftest import demo_config

import attnmetrics
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter

LARGEST_DEVIATION = {
    "null_attention": 0.005,
    "pos_to": 0.005,
    "pos_from": 0.005,
    "dependency_alignment": 0.005,
    "dependency_type_to": 0.005,
    "attention_at_offset": 0.005,
    "variability": 0.005,
    "distance": 0.05,
    "entropy": 0.02,
}
"""Bound on |bfloat16 − float32| over all heads and labels, in the result's unit."""


@pytest.fixture(scope="module")
def deviations(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, xr.DataArray]:
    folder = tmp_path_factory.mktemp("bfloat16") / "run"
    run(demo_config(folder, dtype="bfloat16"), Reporter(quiet=True))
    exact, rounded = attnmetrics.load(demo_run), attnmetrics.load(folder)
    return {name: np.abs(rounded[name] - exact[name]) for name in LARGEST_DEVIATION}


@pytest.mark.parametrize("name", LARGEST_DEVIATION)
def test_bfloat16_stays_near(deviations: dict[str, xr.DataArray], name: str) -> None:
    deviation = deviations[name]
    print(f"\n{name}: median {float(deviation.median()):.1e}, largest {float(deviation.max()):.1e}")
    assert 0 < float(deviation.max()) < LARGEST_DEVIATION[name]
