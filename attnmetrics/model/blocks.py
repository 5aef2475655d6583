"""Models that attend by blocks in long sentences, and to all pieces in shorter ones: the shorter ones are measured."""

from typing import Any


def read_whole(config: Any) -> None:
    """Let a model attend to all pieces from the first, and note in `longest_whole` how long sentences may be for that.

    BigBird would change over when it first reads a short sentence, and stay so; Reformer decides for each.

    Args:
        config: of a model that is not built yet; it is changed.
    """
    if getattr(config, "attention_type", None) == "block_sparse":
        config.attention_type = "original_full"
        config.longest_whole = (5 + 2 * config.num_random_blocks) * config.block_size
    elif hasattr(config, "lsh_attn_chunk_length"):
        config.longest_whole = min(config.lsh_attn_chunk_length, config.local_attn_chunk_length)
