"""How a layer's scores come of its queries and keys, beyond their product: caps, biases, windows and learned sinks."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

HIDDEN: Final = -1e30
"""The score of a piece that is too far to be seen: its weight is 0, and yet it is a number."""


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """From products of queries and keys to the scores that a softmax takes."""

    factor: float
    """what products are multiplied by"""
    cap: float | None = None
    """a score s becomes cap · tanh(s ÷ cap)"""
    window: int | None = None
    """pieces this far from each other, or farther, do not see each other"""
    sinks: Tensor | None = None
    """[head] the score of a learned sink: a column of every row that is no piece and has no value"""
    bias: Tensor | None = None
    """[head, place] the score of piece i of a sentence for piece j gets bias[j] − bias[i], as in alibi (Press et al.
    2022), where the bias of a place is a slope times its number; as a row's own bias is taken away, softmax gives what
    it gives without that, but numbers stay small where weights are large"""

    def is_plain(self, longest: int) -> bool:
        """Whether factor and softmax are all that there is to sentences of up to so many pieces."""
        return self.cap is None and self.sinks is None and self.bias is None and not self.narrows(longest)

    def narrows(self, length: int) -> bool:
        """Whether pieces of a sentence of this length may be too far apart."""
        return self.window is not None and self.window < length

    def seen_from(self, row: int, rows: int, columns: int) -> slice:
        """The columns, of so many, that are not too far from all of some rows, of which `row` is the first."""
        if self.window is None:
            return slice(0, columns)
        return slice(max(0, row - self.window + 1), min(columns, row + rows - 1 + self.window))

    def limit(self, scores: Tensor) -> Tensor:
        """Scores under the cap, in place."""
        return scores if self.cap is None else scores.div_(self.cap).tanh_().mul_(self.cap)

    def lean(self, scores: Tensor, row: int) -> Tensor:
        """Scores [sentence, head, row, column] with their biases, in place; i begins at `row`."""
        if self.bias is None:
            return scores
        rows, columns = scores.shape[-2:]
        bias = self.bias.double()
        return scores.add_((bias[:, None, :columns] - bias[:, row : row + rows, None]).to(scores.dtype))

    def hide(self, scores: Tensor, row: int) -> Tensor:
        """Scores [… row, column] without pieces that are too far, in place; i begins at `row`."""
        rows, columns = scores.shape[-2:]
        if self.window is None or not self.narrows(max(row + rows, columns)):
            return scores
        i = torch.arange(row, row + rows, device=scores.device)[:, None]
        far = (i - torch.arange(columns, device=scores.device)).abs() >= self.window
        return scores.masked_fill_(far, HIDDEN)
