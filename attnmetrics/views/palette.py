"""Colours of pages, terminal and figures: what needs no matplotlib."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

INK: Final = "#1c2733"
MUTED: Final = "#5d6b79"
FAINT: Final = "#d5dce3"
SURFACE: Final = "#fdfdfe"
BAR: Final = "#3d7ea6"
BASELINE: Final = "#dd7810"
NO_EVIDENCE: Final = "#e4e6e8"
HATCH: Final = "#a9b0b7"
SERIES: Final = ("#1f6f9c", "#d1690a", "#7a4fa3", "#2a8a6a")
"""Line colours that stay apart for readers with colour blindness, on light and dark."""
HEADS_LIGHT: Final = ("#1f6f9c", "#d1690a", "#552255", "#6688ff", "#771100", "#559999", "#1122aa", "#aa3344")
HEADS_DARK: Final = ("#6496e2", "#feb345", "#925e83", "#524fff", "#c6480c", "#abffed", "#a1c7fe", "#d7897f")
"""Colours of heads, in a light and a dark theme, each of one hue in both: apart for readers who see no red or no green
too, repeated after eight with other dashes; a number always stands beside them."""
WORDS_LIGHT: Final = "#b45f06"
"""Words in the colour of `BASELINE`, which are read only if they are darker than a line."""

LEVELS: Final = 64
_LIGHT: Final = ("#eef3f8", "#cadeeb", "#8fbfd8", "#4b95bd", "#27689c", "#1b4175", "#111f4d")
_DARK: Final = ("#1d2732", "#1f3f5b", "#236085", "#3187ad", "#58b1c8", "#9bd7de", "#e9faf4")
_LIGHT_CHANGE: Final = ("#8a4206", "#d1690a", "#f2b26d", "#f1f2f5", "#b9a5d8", "#7a4fa3", "#43206f")
_DARK_CHANGE: Final = ("#ffc78f", "#d8741a", "#7c4817", "#26303b", "#57447c", "#9a7acb", "#dcc9f8")
_LIGHT_MIDDLE: Final = ("#fff4dd", "#fbdca6", "#f3bd7c", "#cf9fb0", "#a184c4", "#70549f", "#3a1f6b")
_DARK_MIDDLE: Final = ("#2a2016", "#4f3618", "#7d5423", "#8a6a8f", "#9c86d0", "#c0adf0", "#ece4ff")


@dataclass(frozen=True, slots=True)
class Scale:
    """A colour scale as `LEVELS` colours, in a light and a dark theme."""

    name: str
    light: tuple[str, ...]
    dark: tuple[str, ...]

    @property
    def colours(self) -> "Colormap":
        """For matplotlib; cells without evidence stay transparent."""
        from matplotlib.colors import ListedColormap

        return ListedColormap(list(self.light), name=self.name).with_extremes(bad=(0, 0, 0, 0))


def _scale(name: str, light: Sequence[str], dark: Sequence[str]) -> Scale:
    return Scale(name, _levels(light), _levels(dark))


def _levels(anchors: Sequence[str]) -> tuple[str, ...]:
    """Colours at equal steps along straight lines between anchors."""
    channels = np.array([list(bytes.fromhex(anchor[1:])) for anchor in anchors]).T
    place, steps = np.linspace(0, 1, len(anchors)), np.linspace(0, 1, LEVELS)
    between = np.stack([np.interp(steps, place, channel) for channel in channels], axis=1)
    return tuple(f"#{bytes(level).hex()}" for level in np.rint(between).astype(np.uint8))


SEQUENTIAL: Final = _scale("share", _LIGHT, _DARK)
"""One hue, light to dark: readable with any colour vision and in grey."""
DIVERGING: Final = _scale("ratio", _LIGHT_MIDDLE, _DARK_MIDDLE)
"""Orange below, purple above; also in grey, the darker, the more (in a dark theme, the lighter)."""
CHANGE: Final = _scale("change", _LIGHT_CHANGE, _DARK_CHANGE)
"""Orange below 0, purple above, both the stronger the farther from it; what is near 0 recedes into the page."""
