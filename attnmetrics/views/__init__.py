"""Something to look at: attention in one text (`head`, `model`, `neuron`), and a run's figures, report and tables."""

from attnmetrics.views.instance import View, head, model, neuron

__all__ = ["View", "head", "model", "neuron"]
