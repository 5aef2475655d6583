"""One stack of an encoder-decoder as a model of its own: the encoder, or the decoder beside an encoder.

A decoder looks at an encoder too. Both read the same text: the encoder as its tokenizer gives it, the decoder after
the piece that it always begins with.
"""

from typing import Any, Literal

import torch
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from transformers import PreTrainedModel

from attnmetrics.errors import ModelError
from attnmetrics.model.align import Template

Stack = Literal["encoder", "decoder"]


class Decoder(nn.Module):
    """The decoder of an encoder-decoder, which reads what it writes, from its first piece on."""

    def __init__(self, network: Any, template: Template) -> None:
        """Of a whole base model, whose encoder is given texts in this template."""
        super().__init__()
        self.whole = network
        self.template = template
        self.config = network.config

    @property
    def beside(self) -> int:
        """How many pieces more than the decoder the encoder reads."""
        return max(0, len(self.template) - 1)

    @property
    def device(self) -> torch.device:
        """Where it is."""
        device: torch.device = self.whole.device
        return device

    def get_input_embeddings(self) -> Any:
        """Those of both stacks."""
        return self.whole.get_input_embeddings()

    def set_attn_implementation(self, name: str) -> None:
        """Eager alone: of other ways, none tells its attention to itself from that to the encoder."""
        if name != "eager":
            raise ModelError("attention to the encoder can't be told from its own")
        self.whole.set_attn_implementation(name)

    def forward(self, input_ids: Tensor, output_attentions: bool = False) -> Any:
        """Read [batch, piece] ids, the first of them the decoder's own; `attentions` are the decoder's to itself."""
        ends = self.template.before, self.template.after
        before, after = (input_ids.new_tensor(ids).expand(len(input_ids), -1) for ids in ends)
        text = torch.cat([before, input_ids[:, 1:], after], dim=1)
        found = self.whole(
            input_ids=text if text.shape[1] else input_ids,
            decoder_input_ids=input_ids,
            output_attentions=output_attentions,
            use_cache=False,
        )
        found["attentions"] = found.decoder_attentions
        return found


def take_stack(network: Any, stack: Stack, template: Template) -> Any:
    """The stack of a whole base model.

    Args:
        network: an encoder-decoder without a language-model head.
        stack: which.
        template: of its tokenizer, around the encoder's text.

    Raises:
        ModelError: transformers' encoder does not run by itself.
    """
    if stack == "decoder":
        return Decoder(network, template)
    encoder = network.get_encoder()
    if not isinstance(encoder, PreTrainedModel):
        raise ModelError(
            f"expected an encoder of {type(network).__name__} that is a model of its own, found "
            f"{type(encoder).__name__}; measure --stack decoder"
        )
    return encoder


def begin_decoding(tokenizer: Any, network: Decoder) -> Template:
    """Give a tokenizer the template of a decoder: the piece that it begins with.

    Args:
        tokenizer: a `tokenizers.Tokenizer`; it is changed.
        network: the decoder.

    Raises:
        ModelError: the configuration names no such piece, or the tokenizer has none.
    """
    first = getattr(network.config, "decoder_start_token_id", None)
    name = None if first is None else tokenizer.id_to_token(first)
    if first is None or name is None:
        raise ModelError(
            f"expected the piece that the decoder begins with (decoder_start_token_id in config.json), found {first}, "
            "which the tokenizer does not know; measure --stack encoder"
        )
    tokenizer.post_processor = TemplateProcessing(single=[name, "$A"], special_tokens=[(name, first)])
    return Template((first,))
