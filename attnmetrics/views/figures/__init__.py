"""Figures for print, each a function of a run's Dataset that returns a matplotlib Figure.

Layers go down (layer 0 on top, as in the paper), heads across. `charts.py` draws what is in the axes; the others are
the sheets: titles, formulas, and what stands where. `new` makes the figure; notebooks show those of `pyplot.figure`.

Source of all: Vig and Belinkov 2019, arXiv:1906.04284, and Clark et al. 2019, arXiv:1906.04341; figure numbers are
theirs.
"""
