"""A small random model of any architecture of transformers that reads text, with attention that is far from even."""

from collections.abc import Iterator
from typing import Any

import torch
import transformers
from transformers import CONFIG_MAPPING, AutoModel
from transformers.models.auto import modeling_auto

from attnmetrics.model.blocks import read_whole
from attnmetrics.model.modules.adapters import adapt
from attnmetrics.model.modules.stacks import Stack, take_stack
from attnmetrics.pieces.align import Template

MAPPINGS = ("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES", "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
            "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES", "MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES")  # fmt: skip
"""The tables of transformers that name models of language."""
OTHERS = ("text", "vision", "audio", "vq", "patcher")
"""How configurations begin to name those of other models that they hold: BLT's patcher is one that cuts bytes."""
VOCABULARY, PIECES = 300, 140
LARGEST = 1 << 24
"""Parameters of a model that is small."""
SPREAD = 1.5
SIZES: dict[int, str] = {
    VOCABULARY: "vocab_size vocab_size_per_layer_input",
    32: (
        "hidden_size d_model n_embd dim emb_dim intermediate_size ffn_dim d_ff d_inner hidden_dim n_inner "
        "encoder_ffn_dim decoder_ffn_dim word_embed_proj_dim intermediate_size_mlp "
        "prefix_attention_intermediate_size dim_ff lru_width ffn_hidden_size true_hidden_size "
        "intra_bottleneck_size"
    ),
    4: (
        "num_hidden_layers n_layers n_layer num_layers num_attention_heads n_heads n_head num_heads "
        "encoder_attention_heads decoder_attention_heads num_encoder_attention_heads "
        "num_decoder_attention_heads rotary_dim num_experts num_local_experts n_routed_experts"
    ),
    2: (
        "encoder_layers decoder_layers num_decoder_layers num_encoder_layers num_key_value_heads "
        "num_experts_per_tok n_mamba_heads linear_num_key_heads linear_num_value_heads index_n_heads"
    ),
    8: (
        "head_dim d_kv d_head attention_head_size q_lora_rank kv_lora_rank qk_nope_head_dim qk_rope_head_dim "
        "v_head_dim attention_window mamba_d_state mamba_d_head mamba_n_heads mamba_head_dim mamba_num_heads "
        "linear_key_head_dim linear_value_head_dim hidden_size_per_layer_input index_topk index_head_dim "
        "dim_head"
    ),
    16: (
        "embedding_size moe_intermediate_size shared_expert_intermediate_size "
        "moe_shared_expert_intermediate_size sliding_window local_attention expert_ffn_hidden_size"
    ),
    PIECES: "max_position_embeddings n_positions max_seq_len",
    1: "n_group topk_group",
    64: "mamba_d_ssm",
}  # fmt: skip
"""Of configurations, as far as they have these names."""
SEAMLESS = {
    "unit_embed_dim": 32, "upsample_initial_channel": 64, "lang_embed_dim": 8, "spkr_embed_dim": 8,
    "speech_encoder_layers": 1, "t2u_encoder_layers": 1, "t2u_decoder_layers": 1, "t2u_encoder_ffn_dim": 32,
    "t2u_decoder_ffn_dim": 32,
}  # fmt: skip
T5GEMMA = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "head_dim": 8,
    "num_attention_heads": 4, "num_key_value_heads": 2, "sliding_window": 16, "max_position_embeddings": PIECES,
}  # fmt: skip
SPECIAL: dict[str, dict[str, Any]] = {
    "gpt_neo": {"attention_types": [[["global", "local"], 2]], "window_size": 8},
    "reformer": {"axial_pos_shape": (14, 10), "axial_pos_embds_dim": (16, 16), "attn_layers": ["local", "lsh"] * 2},
    "funnel": {"block_sizes": [2, 2], "architectures": ["FunnelModel"]},
    "dots3_note_text": {
        "num_attention_heads": 4, "num_key_value_heads": 4, "swa_num_attention_heads": 4, "swa_num_key_value_heads": 4,
        "swa_q_lora_rank": 8, "swa_kv_lora_rank": 8, "swa_head_dim": 16, "swa_qk_nope_head_dim": 8, "swa_v_head_dim": 8,
        "q_lora_rank": 8, "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8,
        "head_dim": 16,
    },
    "dots1": {"n_shared_experts": 1},
    "esmc": {"num_key_value_heads": 4},
    "bailing_hybrid": {"layer_group_size": 2},
    "kimi_linear": {"layer_types": ["linear_attention", "full_attention"] * 2},
    "zamba": {"num_hidden_layers": 8, "attention_head_dim": 16},
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid"] * 2},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "gemma3n_text": {"num_kv_shared_layers": 2, "layer_types": ["sliding_attention", "full_attention"] * 2},
    "luke": {"entity_vocab_size": 10, "entity_emb_size": 32},
    "squeezebert": {"embedding_size": 32},
    "mamba2": {"num_heads": 8},
    "zaya": {"num_experts_per_tok": 1},
    "neomme": {"head_dim": 16},
    "perceiver": {"d_latents": 32, "num_self_attends_per_block": 4},
    "cohere_compass_text": {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 1e4}}},
    "qwen4_exp_text": {
        "indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 8, "indexer_budget": 8,
        "indexer_compress_ratio": 2, "output_gate_type": "silu",
    },
    "seamless_m4t": SEAMLESS,
    "seamless_m4t_v2": SEAMLESS,
    "xmod": {"default_language": "en_XX"},
    "gemma2": {"attn_logit_softcapping": 2.0},
    "deberta": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "phi3": {"original_max_position_embeddings": PIECES},
    "falcon": {"alibi": True},
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "rope_theta": 1e4, "clip_qkv": 8.0},
        "ffn_config": {"ffn_hidden_size": 32, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "esm": {"mask_token_id": 4, "pad_token_id": 1},
    "t5gemma": {"encoder": T5GEMMA, "decoder": T5GEMMA},
    "bamba": {"attn_layer_indices": [1, 3]},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"] * 2},
}  # fmt: skip


def architectures() -> list[str]:
    """The names of all architectures that read text alone, as configurations spell them."""
    named = {kind for mapping in MAPPINGS for kind in getattr(modeling_auto, mapping)}
    return sorted(kind for kind in named if kind in modeling_auto.MODEL_MAPPING_NAMES and not _sees_or_hears(kind))


def make(kind: str, stack: Stack = "encoder", attention: str | None = "eager") -> Any:
    """A small random model with this attention, or what transformers chooses; of an encoder-decoder, one stack."""
    config = _config(kind)
    read_whole(config)
    with torch.device("meta"):
        size = sum(parameter.numel() for parameter in AutoModel.from_config(config).parameters())
    if size > LARGEST:
        raise ValueError(f"the small model has {size:,} parameters")
    torch.manual_seed(0)
    network = AutoModel.from_config(config, attn_implementation=attention).float().eval()
    _sharpen(network)
    adapt(network)
    if getattr(config, "is_encoder_decoder", False):
        return take_stack(network, stack, Template()).eval()
    return network


def _sees_or_hears(kind: str) -> bool:
    """Its configuration holds those of other models, or it reads no pieces; what reads text has a name of its own."""
    network = next(iter(_mapped(kind)), None)
    reads = getattr(network, "main_input_name", "input_ids")
    return _holds_others(CONFIG_MAPPING[kind]) or reads != "input_ids"


def _holds_others(config: Any) -> bool:
    parts = config.sub_configs
    return any(name.startswith(OTHERS) or _holds_others(part) for name, part in parts.items())


def _mapped(kind: str) -> Iterator[type]:
    """The classes that transformers has for it."""
    names = modeling_auto.MODEL_MAPPING_NAMES[kind]
    yield from (getattr(transformers, name) for name in ([names] if isinstance(names, str) else names))


def _config(kind: str) -> Any:
    given = CONFIG_MAPPING[kind]
    default, other = given(), getattr(given, "attribute_map", {})
    sizes = {name: size for size, names in SIZES.items() for name in names.split() if _takes(default, name)}
    if _takes(default, "kv_lora_rank"):
        sizes["num_key_value_heads"] = sizes["num_attention_heads"]
    sizes |= {name: 1 for name in vars(default) if name.endswith("_token_id") and _is_beyond(getattr(default, name))}
    return given(**{other.get(name, name): size for name, size in (sizes | SPECIAL.get(kind, {})).items()})


def _takes(config: Any, name: str) -> bool:
    try:
        return hasattr(config, name) and not isinstance(getattr(type(config), name, None), property)
    except Exception:  # of layers that differ
        return False


def _is_beyond(piece: Any) -> bool:
    return isinstance(piece, int) and piece >= VOCABULARY


@torch.no_grad()
def _sharpen(network: Any) -> None:
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, SPREAD / parameter.shape[-1] ** 0.5)
        elif name.endswith("temp"):  # of keys, which begin as nothing (Zaya)
            parameter.normal_(SPREAD, 1)
