"""Draws the picture of the README from a finished demo: `python docs/heads.py runs/demo docs/heads.png`."""

import sys
from pathlib import Path

import numpy as np
from matplotlib.colors import Normalize

import attnmetrics
from attnmetrics.views import style

PANELS = (
    ("rests on the first piece", "null_attention", {}),
    ("looks at the previous piece", "attention_at_offset", {"offset": 1}),
    ("follows dependencies", "dependency_alignment", {"direction": "either"}),
)


def draw(run: Path, picture: Path) -> None:
    """Three maps of all heads."""
    metrics = attnmetrics.load(run)
    sheet = style.Sheet(7.6, 2.75, "What the heads of the demo model do", "share of each head's attention")
    for number, (title, name, at) in enumerate(PANELS):
        table = np.asarray(metrics[name].sel(at))
        axes = sheet.axes(0.55 + number * 2.45, 0.95, 1.75, 1.4)
        mesh = style.heat(axes, table, Normalize(0, 1 if name != "dependency_alignment" else 0.3))
        axes.set_title(title, size=style.TEXT_SIZE, color=style.INK, loc="left", family="DejaVu Sans")
        axes.set(xticks=np.arange(table.shape[1]) + 0.5, xticklabels=range(table.shape[1]))
        axes.set(yticks=np.arange(table.shape[0]) + 0.5, yticklabels=range(table.shape[0]))
        style.name_axes(axes, x="head", y="layer" if number == 0 else "")
        bar = sheet.axes(2.35 + number * 2.45, 0.95, 0.07, 1.4)
        sheet.figure.colorbar(mesh, cax=bar, format=lambda value, _: f"{value:.0%}").outline.set_visible(False)
        bar.tick_params(labelsize=style.SMALL_SIZE, length=0, colors=style.MUTED)
    sheet.figure.savefig(picture, dpi=200, facecolor="white")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
