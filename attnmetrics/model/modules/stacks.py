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
from attnmetrics.pieces.align import Template

Stack = Literal["encoder", "decoder"]


class _Stack(nn.Module):
    """One stack of a whole base model, as a model of its own."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.whole = network
        self.config = network.config

    @property
    def device(self) -> torch.device:
        """Where it is."""
        device: torch.device = self.whole.device
        return device

    def set_attn_implementation(self, name: str) -> None:
        """Eager alone: of other ways, none tells its attention to itself from that of the other stack, or to it."""
        if name != "eager":
            raise ModelError("its attention can't be told from that of the other stack")
        self.whole.set_attn_implementation(name)


class Encoder(_Stack):
    """The encoder of an encoder-decoder, where transformers' own is no model by itself."""

    def get_input_embeddings(self) -> Any:
        """Of the language that it reads."""
        return self.whole.get_encoder().embed_tokens

    def forward(self, input_ids: Tensor, output_attentions: bool = False) -> Any:
        """Read [batch, piece] ids."""
        return self.whole.get_encoder()(input_ids=input_ids, output_attentions=output_attentions)


class Decoder(_Stack):
    """The decoder of an encoder-decoder, which reads what it writes, from its first piece on."""

    def __init__(self, network: Any, template: Template) -> None:
        """Of a whole base model, whose encoder is given texts in this template."""
        super().__init__(network)
        self.template = template

    @property
    def beside(self) -> int:
        """How many positions more than it has pieces are read: the encoder's, or ProphetNet's of the piece to come."""
        return max(0, len(self.template) - 1, int(hasattr(self.config, "ngram")))

    def get_input_embeddings(self) -> Any:
        """Those of both stacks."""
        return self.whole.get_input_embeddings()

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
    """
    if stack == "decoder":
        return Decoder(network, template)
    encoder = network.get_encoder()
    return encoder if isinstance(encoder, PreTrainedModel) else Encoder(network)


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
