"""A small random model of any architecture of transformers that reads text, with attention that is far from even."""

from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModel
from transformers.models.auto import modeling_auto

from attnmetrics.model.align import Template
from attnmetrics.model.stacks import take_stack

MAPPINGS = ("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES", "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
            "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES", "MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES")  # fmt: skip
"""The tables of transformers that name models of language."""
VOCABULARY, PIECES = 300, 140
LARGEST = 1 << 24
"""Parameters of a model that is small."""
SPREAD = 1.5
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "d_model": 32, "n_embd": 32, "dim": 32, "emb_dim": 32, "num_hidden_layers": 4,
    "n_layers": 4, "n_layer": 4, "num_layers": 4, "encoder_layers": 2, "decoder_layers": 2, "num_decoder_layers": 2,
    "num_encoder_layers": 2, "num_attention_heads": 4, "n_heads": 4, "n_head": 4, "num_heads": 4,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_encoder_attention_heads": 4,
    "num_decoder_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "d_kv": 8, "d_head": 8, "attention_head_size": 8,
    "intermediate_size": 32, "ffn_dim": 32, "d_ff": 32, "d_inner": 32, "hidden_dim": 32, "n_inner": 32,
    "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "word_embed_proj_dim": 32, "embedding_size": 16, "rotary_dim": 4,
    "max_position_embeddings": PIECES, "n_positions": PIECES, "max_seq_len": PIECES, "num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4,
    "num_experts_per_tok": 2, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16,
    "moe_shared_expert_intermediate_size": 16, "n_group": 1, "topk_group": 1, "q_lora_rank": 8, "kv_lora_rank": 8,
    "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8, "sliding_window": 16, "local_attention": 16,
    "attention_window": 8, "mamba_d_state": 8, "mamba_d_head": 8, "mamba_n_heads": 8, "mamba_head_dim": 8,
    "mamba_num_heads": 8, "n_mamba_heads": 2, "mamba_d_ssm": 64, "linear_num_key_heads": 2, "linear_num_value_heads": 2, "linear_key_head_dim": 8,
    "linear_value_head_dim": 8, "intermediate_size_mlp": 32, "prefix_attention_intermediate_size": 32, "hidden_size_per_layer_input": 8,
    "vocab_size_per_layer_input": VOCABULARY, "index_topk": 8, "index_n_heads": 2, "index_head_dim": 8,
    "dim_head": 8, "dim_ff": 32, "lru_width": 32, "expert_ffn_hidden_size": 16, "ffn_hidden_size": 32, "n_embd_proj": 32,
    "true_hidden_size": 32, "intra_bottleneck_size": 32,
}  # fmt: skip
"""Of configurations, as far as they have these names."""
SPECIAL: dict[str, dict[str, Any]] = {
    "gpt_neo": {"attention_types": [[["global", "local"], 2]], "window_size": 8},
    "reformer": {"axial_pos_shape": (14, 10), "axial_pos_embds_dim": (16, 16), "attn_layers": ["local", "lsh"]},
    "funnel": {"block_sizes": [1, 1], "num_hidden_layers": None},
    "gemma2": {"attn_logit_softcapping": 2.0}, "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "deberta": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "phi3": {"original_max_position_embeddings": PIECES}, "falcon": {"alibi": True},
}  # fmt: skip


def architectures() -> list[str]:
    """The names of all architectures that read text alone, as configurations spell them."""
    named = {kind for mapping in MAPPINGS for kind in getattr(modeling_auto, mapping)}
    return sorted(kind for kind in named if kind in modeling_auto.MODEL_MAPPING_NAMES and not _sees_or_hears(kind))


def make(kind: str, stack: str = "encoder") -> Any:
    """A small random model with eager attention; of an encoder-decoder, one stack."""
    config = _config(kind)
    with torch.device("meta"):
        size = sum(parameter.numel() for parameter in AutoModel.from_config(config).parameters())
    if size > LARGEST:
        raise ValueError(f"the small model has {size:,} parameters")
    torch.manual_seed(0)
    network = AutoModel.from_config(config, attn_implementation="eager").float().eval()
    _sharpen(network)
    if getattr(config, "is_encoder_decoder", False):
        return take_stack(network, stack, Template()).eval()  # type: ignore[arg-type]
    return network


def _sees_or_hears(kind: str) -> bool:
    """Its configuration holds those of other models; the one that reads text has a name of its own."""
    config = CONFIG_MAPPING[kind]
    return bool(config.sub_configs) or getattr(config, "main_input_name", "input_ids") != "input_ids"


def _config(kind: str) -> Any:
    given = CONFIG_MAPPING[kind]
    default, other = given(), getattr(given, "attribute_map", {})
    sizes = {**{name: size for name, size in SIZES.items() if hasattr(default, name)}, **SPECIAL.get(kind, {})}
    sizes = {other.get(name, name): size for name, size in sizes.items() if size is not None}
    ids = {name: 1 + n for n, name in enumerate(vars(default)) if name.endswith("_token_id")}
    ids = {
        name: n
        for name, n in ids.items()
        if isinstance(getattr(default, name), int) and getattr(default, name) >= VOCABULARY
    }
    return given(**sizes, **ids)


@torch.no_grad()
def _sharpen(network: Any) -> None:
    for parameter in network.parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, SPREAD / parameter.shape[-1] ** 0.5)
