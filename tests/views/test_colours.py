"""Colours by computed contrast (WCAG 2.1) and by how far apart they are for readers who see no red or no green."""

from itertools import combinations
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from attnmetrics.views import palette
from attnmetrics.views.page import DARK, LIGHT

TEXT, MARK = 4.5, 3.0
"""Least contrast of text and of what is drawn (success criteria 1.4.3 and 1.4.11)."""
SIGHT: Final = {
    "all": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
"""Machado, Oliveira and Fernandes 2009: of linear RGB, at full severity."""
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""Ottosson 2020, OKLab."""


def linear(colour: str) -> NDArray[np.float64]:
    share = np.array(list(bytes.fromhex(colour[1:7]))) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def seen(colour: str, sight: str) -> NDArray[np.float64]:
    """In OKLab, where distances are about as large as they look."""
    found: NDArray[np.float64] = np.cbrt(TO_CONES @ np.clip(SIGHT[sight] @ linear(colour), 0, 1))
    return TO_LAB @ found


def test_the_measures_give_known_values() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert seen("#ffffff", "no green") == pytest.approx([1, 0, 0], abs=1e-3)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_words_and_marks_can_be_seen(colours: dict[str, str]) -> None:
    grounds = [colours[name] for name in ("page", "card", "chosen")]
    for name in ("ink", "muted", "link"):
        assert min(contrast(colours[name], ground) for ground in grounds) >= TEXT, name
    assert contrast(colours["baseline-words"], colours["page"]) >= TEXT
    heads = [name for name in colours if name.startswith("head-")]
    for name in ("bar", "baseline", "positive", "negative", *heads):
        assert contrast(colours[name], colours["page"]) >= MARK, name


@pytest.mark.parametrize("heads", [palette.HEADS_LIGHT, palette.HEADS_DARK])
@pytest.mark.parametrize("sight", SIGHT)
def test_heads_have_colours_that_stay_apart(heads: tuple[str, ...], sight: str) -> None:
    gaps = {(a, b): np.linalg.norm(seen(a, sight) - seen(b, sight)) for a, b in combinations(heads, 2)}
    assert min(gaps.values()) >= 0.12, min(gaps, key=lambda pair: gaps[pair])


def test_a_head_has_one_hue_in_both_themes() -> None:
    def hue(colour: str) -> float:
        _, a, b = seen(colour, "all")
        return float(np.degrees(np.arctan2(b, a)))

    turns = [hue(dark) - hue(light) for light, dark in zip(palette.HEADS_LIGHT, palette.HEADS_DARK, strict=True)]
    assert max(abs((turn + 180) % 360 - 180) for turn in turns) <= 25
