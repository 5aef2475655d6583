"""Something to look at: attention in one text (`head`, `model`, `neuron`), and a run's figures, atlas and tables.

In come Datasets that describe themselves, or one text and a model; out come pages, figures and lines of the terminal.
"""

from attnmetrics.views.text.instance import View, head, model, neuron

__all__ = ["View", "head", "model", "neuron"]
