"""Attention modules that compute scores themselves, and that transformers lets nobody replace: where all is had from.

Each gets a `forward` that asks the pass under way for attention, if there is one, and else is its own. What comes of it
is checked when a model is loaded, like that of any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn

from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.modules.capture import under_way

Forward = Callable[..., Any]
"""Of a module, which comes first: what its `forward` gives for the same arguments."""


@dataclass(frozen=True, slots=True)
class _Adapter:
    forward: Forward
    """with attention by the pass under way"""
    own: Forward | None = None
    """without a pass, where the module's own is not what its model does; None where it is"""


def adapt(network: nn.Module) -> bool:
    """Give the modules that need it their `forward`; whether there are any."""
    found = [module for module in network.modules() if _name(module) in ADAPTERS]
    for module in found:
        module.forward = partial(_forward, module)  # that of a deep copy is of the copied module
    return bool(found)


def set_attention(network: Any, name: str) -> None:
    """Choose the implementation of a network's attention, as transformers names it, and with it that of its masks."""
    if adapt(network):
        network.config._attn_implementation = name  # its class says that it has no choice
    else:
        network.set_attn_implementation(name)


def _name(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__name__}"


def _forward(module: nn.Module, *args: Any, **given: Any) -> Any:
    adapter = ADAPTERS[_name(module)]
    forward = (adapter.own or type(module).forward) if under_way() is None else adapter.forward
    return forward(module, *args, **given)


def _attend(query: Tensor, key: Tensor, value: Tensor, scoring: Scoring) -> Tensor:
    """[batch, piece, head × width] mixed values."""
    current = under_way()
    assert current is not None
    return current.attend(query, key, value, scoring).flatten(2)


def _forward_bloom(module: Any, hidden: Tensor, residual: Tensor, *, alibi: Tensor, **_: Any) -> tuple[Tensor, None]:
    query, key, value = module._reshape(module.query_key_value(hidden))
    scoring = Scoring(module.inv_norm_factor, bias=alibi[: module.num_heads, 0])
    return module.dense(_attend(query, key, value, scoring)) + residual, None


def _forward_mpt(module: Any, hidden: Tensor, *, position_bias: Tensor, **_: Any) -> tuple[Tensor, None]:
    sides = module.Wqkv(hidden)
    if module.clip_qkv:
        sides = sides.clamp(-module.clip_qkv, module.clip_qkv)
    query, key, value = (side.unflatten(-1, (module.n_heads, -1)).transpose(1, 2) for side in sides.chunk(3, -1))
    # Places are counted back from the last one, which has the bias 0.
    scoring = Scoring(module.softmax_scale, bias=-position_bias[:, 0].flip(-1))
    return module.out_proj(_attend(query, key, value, scoring)), None


def _forward_falcon(
    module: Any, hidden: Tensor, *, alibi: Tensor | None, position_embeddings: Any = None, **_: Any
) -> tuple[Tensor, None]:
    from transformers.models.falcon.modeling_falcon import apply_rotary_pos_emb

    sides = module._split_heads(module.query_key_value(hidden))
    query, key, value = (side.transpose(1, 2) for side in sides)
    if alibi is None:
        query, key = apply_rotary_pos_emb(query, key, *position_embeddings)
        scoring = Scoring(module.inv_norm_factor)
    else:
        scoring = Scoring(module.inv_norm_factor, bias=alibi[: module.num_heads, 0] * module.inv_norm_factor)
    return module.dense(_attend(query, key, value, scoring)), None


def _forward_own_falcon(module: Any, hidden: Tensor, alibi: Tensor | None, attention_mask: Tensor, **given: Any) -> Any:
    """Eager attention that adds alibi once, as scaled dot products do: transformers 5.23 adds it to the mask, too."""
    if alibi is not None and attention_mask[..., -1, :].any():
        alibi = torch.zeros_like(alibi)
    return type(module).forward(module, hidden, alibi, attention_mask, **given)


ADAPTERS: Final = {
    "transformers.models.bloom.modeling_bloom.BloomAttention": _Adapter(_forward_bloom),
    "transformers.models.falcon.modeling_falcon.FalconAttention": _Adapter(_forward_falcon, _forward_own_falcon),
    "transformers.models.mpt.modeling_mpt.MptAttention": _Adapter(_forward_mpt),
}
"""By the class of the module; code of a model's own may have others of these names."""
