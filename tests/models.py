"""Tiny random models with tokenizers, saved to folders as real ones are: GPT-2, BERT, and a Llama with grouped keys."""

import re
from pathlib import Path
from typing import Literal

import torch
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers import models as tokenizer_models
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

Family = Literal["gpt2", "bert", "llama"]
FAMILIES: tuple[Family, ...] = ("gpt2", "bert", "llama")

TEXTS = (
    "The river rises in the hills north of Kraków, Poland, and flows into the Vistula.",
    "She was elected to the National Assembly (NA) in 1994, and the NA re-elected her in 2001.",
    "Iron, copper, tin and lead were mined here by the Romans; none of it is left.",
    '"We had nothing to lose," he said, "and nothing to lose is a kind of freedom."',
    "Nobody knew.",
    "The bridge, which had been built in 1887 by two brothers from Genoa, was destroyed by a flood.",
    "It didn’t rain for 40 days, 40 nights and 40 more days.",
    "Its wings are brown, its belly white, and its beak is as long as its tail.",
    "Emoji 🦉 and naïve café words cost several bytes — each.",
    "Stop!",
    "After the war the house was sold, the garden was sold, and the orchard was cut down.",
    "Members of the committee were asked whether the report that had been lost could be found.",
    "A",
    "Dr Müller’s unbelievably incomprehensible counterrevolutionary pamphlets sold poorly.",
)

SHARPNESS = 6.0


def save_model(
    folder: Path, family: Family, *, seed: int = 0, sharp: bool = False, layers: int = 3, sharpness: float = SHARPNESS
) -> Path:
    """Save a random model and its tokenizer; a sharp one has attention that is far from uniform.

    `sharpness` is about the standard deviation of its attention scores.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(family)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    network = make_network(family, len(tokenizer), layers)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, 0.5 / parameter.shape[-1] ** 0.5 if family != "gpt2" else 0.08)
    if sharp:
        sharpen(network, family, sharpness)
    network.save_pretrained(folder)
    return folder


def make_network(family: Family, vocabulary: int, layers: int) -> PreTrainedModel:
    """A model with its language-model head, as checkpoints have it."""
    if family == "gpt2":
        return GPT2LMHeadModel(
            GPT2Config(
                vocab_size=vocabulary,
                n_positions=64,
                n_embd=48,
                n_layer=layers,
                n_head=4,
                bos_token_id=0,
                eos_token_id=0,
            )
        )
    if family == "bert":
        return BertForMaskedLM(
            BertConfig(
                vocab_size=vocabulary,
                hidden_size=48,
                num_hidden_layers=layers,
                num_attention_heads=4,
                intermediate_size=96,
                max_position_embeddings=64,
                pad_token_id=0,
            )
        )
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=48,
            num_hidden_layers=layers,
            num_attention_heads=6,
            num_key_value_heads=2,
            intermediate_size=96,
            max_position_embeddings=64,
            bos_token_id=0,
            eos_token_id=1,
        )
    )


@torch.no_grad()
def sharpen(network: PreTrainedModel, family: Family, sharpness: float) -> None:
    """Scale queries and keys until attention scores spread that much where inputs are normalised."""
    hidden = network.config.hidden_size
    for name, parameter in network.named_parameters():
        if family == "gpt2" and name.endswith("c_attn.weight"):
            queries_keys = parameter[:, : 2 * hidden]
            queries_keys *= (sharpness**0.5) / (queries_keys.std() * hidden**0.5)
        elif name.endswith(("query.weight", "key.weight", "q_proj.weight", "k_proj.weight")):
            parameter *= (sharpness**0.5) / (parameter.std() * hidden**0.5)


def save_network(folder: Path, network: PreTrainedModel) -> str:
    """A network that is no language model of `models`, with weights large enough to show differences."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, 1 / parameter.shape[-1] ** 0.5)
    network.save_pretrained(folder)
    make_tokenizer("gpt2").save_pretrained(folder)
    return str(folder)


def make_tokenizer(family: Family) -> PreTrainedTokenizerFast:
    """GPT-2: bytes, no template. BERT: word pieces, `[CLS]` and `[SEP]`. Llama: bytes, a begin-of-text piece."""
    return {"gpt2": _gpt2_tokenizer, "bert": _bert_tokenizer, "llama": _llama_tokenizer}[family]()


def _byte_tokenizer(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(tokenizer_models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def _gpt2_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = _byte_tokenizer(["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def _llama_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = _byte_tokenizer(["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def _word_pieces(special: list[str]) -> dict[str, int]:
    """Every letter, alone and within a word, and all words of up to four letters; training would not be repeatable."""
    words = re.findall(r"[a-z]+|\d", " ".join(TEXTS).lower())
    letters = sorted(set("".join(words)) | set('.,;!-’"'))
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *(f"##{end}" for end in ("ed", "er", "ion"))]
    pieces += sorted({word for word in words if 2 <= len(word) <= 4})
    return {piece: place for place, piece in enumerate(pieces)}


def _bert_tokenizer() -> PreTrainedTokenizerFast:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(tokenizer_models.WordPiece(_word_pieces(special), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
