"""A model whose weights are drawn anew, as they were before training, but for its embeddings: a probe's baseline.

What a probe reads off such a model is not what training taught it. Embeddings of pieces, positions and segments stay,
as in Clark et al. 2019, section 5.
"""

from dataclasses import replace

import torch
from torch import nn

from attnmetrics.model.checkpoint import quiet
from attnmetrics.model.load import Model
from attnmetrics.model.trials.probe import prepare


def randomise(model: Model, seed: int) -> Model:
    """The model with its own way of initialising weights, from this seed; the model given stays as it is."""
    trained = model.network
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = type(trained)(trained.config)
    tables = {name: table for name, table in trained.named_modules() if isinstance(table, nn.Embedding)}
    for name, table in network.named_modules():
        if name in tables:
            table.load_state_dict(tables[name].state_dict())
    network = network.to(model.device, model.dtype).eval()
    prepare(network, model.layout)
    return replace(model, network=network, outputs=(None,) * len(model.layers))
