"""What each type of piece receives and gives, by loops."""

from collections import defaultdict
from dataclasses import dataclass

from attnmetrics.metrics.reference.sentence import Array, Model, Sentence

KEY, QUERY = "key", "query"
MOST = 50


@dataclass(frozen=True, slots=True)
class Token:
    """A type of piece in a head's list."""

    piece_id: int
    attention: float
    occurrences: int
    lift: float


class Tokens:
    """Attention by the id of the attended and of the attending piece, over all sentences."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.attention: dict[tuple[str, int], Array] = defaultdict(model.zeros)
        """by side and piece id, [layer, head]"""
        self.occurrences: dict[tuple[str, int], int] = defaultdict(int)
        self.even: dict[int, float] = defaultdict(float)
        """by piece id, what even attention would give"""
        self.null_pieces = 0

    def add(self, sentence: Sentence) -> None:
        """Take one sentence into the sums."""
        self.null_pieces += len(sentence.null)
        reach = {i: self.model.reach(i, sentence) for i in sentence.pieces}
        for i, columns in ((i, self.model.attendable(i, sentence)) for i in sentence.pieces):
            self.occurrences[QUERY, sentence.ids[i]] += 1
            self.attention[QUERY, sentence.ids[i]] += sentence.alpha[:, :, i, columns].sum(axis=-1)
        for j in sentence.pieces:
            rows = [i for i in sentence.pieces if j <= reach[i][-1]]
            if j not in sentence.null:
                self.occurrences[KEY, sentence.ids[j]] += 1
                self.attention[KEY, sentence.ids[j]] += sentence.alpha[:, :, rows, j].sum(axis=-1)
                self.even[sentence.ids[j]] += sum(1 / len(reach[i]) for i in rows)

    def listed(self, layer: int, head: int, side: str, least: int) -> list[Token]:
        """The types with most lift, of equals the one with the smallest id."""
        if side == QUERY and not self.null_pieces:
            return []
        tokens = [
            self._token(layer, head, side, piece)
            for of_side, piece in self.occurrences
            if of_side == side and self.occurrences[of_side, piece] >= least
        ]
        listed = [token for token in tokens if token.attention > 0]
        return sorted(listed, key=lambda token: (-token.lift, token.piece_id))[:MOST]

    def _token(self, layer: int, head: int, side: str, piece: int) -> Token:
        attention = float(self.attention[side, piece][layer, head])
        occurrences = self.occurrences[side, piece]
        expected = self.even[piece] if side == KEY else occurrences
        return Token(piece, attention, occurrences, attention / expected)
