"""Piece ids that a model's configuration names, and short sentences that spell them.

A model may treat these unlike all others, wherever they stand: RoBERTa gives a padding piece no position of its own,
ESM weakens a whole sentence for each mask in it. A text can spell such a piece (`<pad>`, `<mask>`), so a check that has
never seen one says nothing about it.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

ENDINGS: Final = ("_token_id", "_token_index", "pad_index", "mask_index", "bos_index", "eos_index", "unk_index")
"""How configurations name them."""
SPELLED: Final = 5
"""Named ids of one sentence: with pieces of the text between them, it stays as short as other probes."""


def find_named_ids(config: Any, vocabulary: int) -> list[int]:
    """The ids that a configuration, or that of its text model, names, ascending.

    Args:
        config: a transformers configuration.
        vocabulary: number of ids that the model has embeddings for; others are left out.
    """
    named = [*config.to_dict().items(), *config.get_text_config().to_dict().items()]
    values = [value for name, value in named if name.endswith(ENDINGS)]
    ids = {one for value in values for one in (value if isinstance(value, list) else [value])}
    return sorted(one for one in ids if type(one) is int and 0 <= one < vocabulary)


def spell_named_ids(named: Sequence[int], sentence: Sequence[int]) -> list[list[int]]:
    """The sentence again and again, each time with a few of the named ids between its first pieces.

    >>> spell_named_ids([0, 1], [7, 8, 9])
    [[7, 0, 8, 1]]
    """
    some = (named[first : first + SPELLED] for first in range(0, len(named), SPELLED))
    return [list(chain.from_iterable(zip(sentence, ids, strict=False))) for ids in some]
