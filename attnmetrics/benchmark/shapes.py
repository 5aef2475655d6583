"""Models that are raced: made with random weights at sizes that people use, for the arithmetic is the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from attnmetrics.assets import MODELS
from attnmetrics.model.checkpoint import quiet

SEED: Final = 2019
POSITIONS: Final = 1 << 13


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's architecture and size."""

    title: str
    architecture: str
    """as in the names of transformers' classes"""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """of its configuration, where they differ from the architecture's own"""

    def save(self, folder: Path) -> None:
        """Make it, and save it with the demo model's tokenizer."""
        import transformers

        tokenizer = transformers.AutoTokenizer.from_pretrained(MODELS["demo"])
        tokenizer.save_pretrained(folder)
        torch.manual_seed(SEED)
        config = getattr(transformers, f"{self.architecture}Config")(vocab_size=len(tokenizer), **self.settings)
        with quiet():
            getattr(transformers, f"{self.architecture}Model")(config).save_pretrained(folder)


_NARROW: Final = {"hidden_size": 576, "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536}
SHAPES: Final[Mapping[str, Shape]] = {
    "gpt2": Shape("GPT-2 small's size", "GPT2"),
    "llama": Shape(
        "30 layers of 9 heads of 64, 3 of them with keys (SmolLM2 135M's size)",
        "Llama",
        {**_NARROW, "num_hidden_layers": 30, "max_position_embeddings": POSITIONS},
    ),
    "sliding": Shape(
        "6 layers of 9 heads of 64, 3 of them with keys, that see 1,024 pieces back",
        "Mistral",
        {**_NARROW, "num_hidden_layers": 6, "max_position_embeddings": POSITIONS, "sliding_window": 1024},
    ),
    "bert": Shape("BERT base's size", "Bert"),
}
"""By name, as `bench --shape` takes them."""
