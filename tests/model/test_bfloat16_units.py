"""Whether bfloat16 is advised follows from the units that a processor has."""

import pytest
import torch

from attnmetrics.model.precision import advise, units_for_bfloat16

CPU, CARD = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("vectors", "tiles", "units", "said"),
    [
        (False, False, "none", ("has no matrix units", None)),
        (True, False, "vectors", ("has no matrix units", None)),
        (True, True, "matrices", (None, "--dtype bfloat16 is quicker here")),
    ],
)
def test_bfloat16_is_advised_where_tiles_multiply_it(
    monkeypatch: pytest.MonkeyPatch, vectors: bool, tiles: bool, units: str, said: tuple[str | None, str | None]
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: vectors, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles, raising=False)
    assert (units_for_bfloat16(CPU), units_for_bfloat16(CARD)) == (units, "matrices")
    for dtype, wanted in zip(("bfloat16", "float32"), said, strict=True):
        found = advise(dtype, CPU)
        assert found is None if wanted is None else found is not None and wanted in found
        assert advise(dtype, CARD) is None
