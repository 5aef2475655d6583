"""The model's own numbers of the layers that attend, and what the others are.

Attention comes in the order of its calls. Which layer a call belongs to is seen by watching the network's list of
layers run: modules may be shared between layers, and do not all know their number.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from attnmetrics.errors import ModelError
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.modules.hooks import hooked
from attnmetrics.model.modules.own import given_at
from attnmetrics.model.trials.probe import Layout, run_alone


@dataclass(frozen=True, slots=True)
class Numbering:
    """The layers of a network, from 0."""

    attending: tuple[int, ...]
    """[attention call] the layer that it belongs to, ascending"""
    others: Mapping[str, tuple[int, ...]]
    """the layers without attention between pieces, by what they are"""

    def calls(self, layers: Sequence[int]) -> tuple[int, ...]:
        """Which attention calls these layers make.

        >>> Numbering((1, 3), {"conv": (0, 2)}).calls((3,))
        (1,)
        """
        return tuple(self.attending.index(layer) for layer in layers)

    def choose(self, layers: Sequence[int] | None) -> tuple[int, ...]:
        """These layers, ascending, or all that attend.

        Raises:
            ModelError: one of them is not there, or does not attend.
        """
        if layers is None:
            return self.attending
        if layers and set(layers) <= set(self.attending):
            return tuple(sorted(set(layers)))
        raise ModelError(f"expected layers {self._describe()}, found {list(layers)}; name layers that the model has")

    def _describe(self) -> str:
        if not self.others:
            return f"from 0 to {len(self.attending) - 1}"
        attending = ", ".join(map(str, self.attending))
        return f"among {attending} (there is no attention in others: {', '.join(self.others)})"


def number_layers(
    network: Any, layout: Layout, ids: Sequence[int], causal: bool, calls: int, device: torch.device
) -> Numbering:
    """Watch one pass.

    Where no list of modules has one layer for each call (ALBERT runs the same one again and again), calls are counted;
    where a model gives attention itself, with those that are not between all pieces (Funnel's pooled layers).

    Args:
        network: a model that is prepared (see `probe.prepare`).
        layout: how it takes sentences.
        ids: pieces of a sentence.
        causal: whether it is causal.
        calls: how many times a pass calls attention.
        device: where it is.
    """
    lists = {name: found for name, found in network.named_modules() if isinstance(found, nn.ModuleList)}
    watch = _Watch([], {})
    if layout.own:
        given = _Given(watch, {})
        with given.on(network), watch.on(lists):
            at_place = given_at(network, torch.tensor([ids], device=device))
        counted = tuple(at_place)
        at_call = given.running_with(list(at_place.values()))
    else:
        with watch.on(lists):
            run_alone(network, layout, ids, causal, tuple(range(calls)), device, dense, watch.note)
        counted = tuple(range(calls))
        at_call = watch.running_at_call
    for name, found in lists.items():
        layers = tuple(running.get(name, -1) for running in at_call)
        if layers[0] >= 0 and all(layer < following for layer, following in pairwise(layers)):
            return Numbering(layers, _others(network, found, layers))
    between = tuple(place for place in range(counted[-1]) if place not in counted)
    return Numbering(counted, {"no attention between all pieces": between} if between else {})


@dataclass(frozen=True, slots=True)
class _Watch:
    """Notes at each attention call which place of each list is running."""

    running_at_call: list[dict[str, int]]
    running: dict[str, int]

    def note(self, *_: Any) -> None:
        """Looks at α (see `look.See`), of which there is one tile a call."""
        self.running_at_call.append(dict(self.running))

    def on(self, lists: Mapping[str, nn.ModuleList]) -> AbstractContextManager[None]:
        """Watch the modules in these lists."""
        return hooked(
            handle
            for name, modules in lists.items()
            for place, module in enumerate(modules)
            for handle in self._watch(name, place, module)
        )

    def _watch(self, name: str, place: int, module: nn.Module) -> Iterator[RemovableHandle]:
        def start(*_: Any) -> None:
            self.running[name] = place

        def end(*_: Any) -> None:
            self.running.pop(name, None)

        yield module.register_forward_pre_hook(start)
        yield module.register_forward_hook(end)


@dataclass(frozen=True, slots=True)
class _Given:
    """Notes which place of each list is running when a module gives α, where all of it comes at the end of a pass."""

    watch: _Watch
    noted: dict[int, tuple[Tensor, dict[str, int]]]
    """by its place in memory: α, so that nothing else comes to lie there, and what was running"""

    def on(self, network: nn.Module) -> AbstractContextManager[None]:
        """Watch every module."""
        return hooked(module.register_forward_hook(self._note) for module in network.modules())

    def running_with(self, layers: Sequence[Tensor]) -> list[dict[str, int]]:
        """What was running when each of these was given; nothing where it was never seen."""
        nothing: tuple[None, dict[str, int]] = None, {}
        return [self.noted.get(weights.data_ptr(), nothing)[1] for weights in layers]

    def _note(self, _: nn.Module, __: Any, result: Any) -> None:
        for found in result if isinstance(result, tuple) else (result,):
            if isinstance(found, Tensor):
                self.noted.setdefault(found.data_ptr(), (found, dict(self.watch.running)))


def _others(network: Any, modules: nn.ModuleList, attending: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """The other layers by kind: as the configuration calls them, else by their class."""
    kinds = getattr(network.config.get_text_config(), "layer_types", None)
    if kinds is None or len(kinds) != len(modules):
        kinds = [type(module).__name__ for module in modules]
    others: dict[str, tuple[int, ...]] = {}
    for place, kind in enumerate(kinds):
        if place not in attending:
            others[kind] = (*others.get(kind, ()), place)
    return others
