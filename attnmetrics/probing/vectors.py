"""Vectors of words: those of a file in GloVe's format, or the model's own embeddings of their pieces."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from attnmetrics.errors import ConfigError
from attnmetrics.model.load import Model
from attnmetrics.storage import Location, os_errors

WIDTH: Final = 100
"""Of vectors that are made from a model's embeddings."""

PROJECTION_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class VectorFile:
    """Word vectors in GloVe's text format: a word and V numbers a line; words in lower case."""

    path: Location
    width: int
    """V"""

    def read(self, words: Set[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of these words, as far as the file has them; of a word that it has twice, the first.

        Raises:
            ConfigError: a line of one of these words does not hold a word and V finite numbers.
        """
        found: dict[str, NDArray[np.float32]] = {}
        for number, line in _lines(self.path):
            word, *values = line.rsplit(" ", self.width)
            if word in words and word not in found:
                found[word] = self._vector(values, number)
        return found

    def digest(self) -> str:
        """Of the file's content.

        Raises:
            ConfigError: it cannot be read.
        """
        state = blake2b(digest_size=16)
        for _, line in _lines(self.path):
            state.update(line.encode() + b"\n")
        return state.hexdigest()

    def _vector(self, values: list[str], line: int) -> NDArray[np.float32]:
        try:
            vector = np.array([float(value) for value in values], np.float32)
        except ValueError:
            vector = np.zeros(0, np.float32)
        if len(vector) != self.width or not np.isfinite(vector).all():
            raise ConfigError(
                f"{self.path}, line {line}: expected a word and {self.width} numbers, found another line; correct the "
                "file of --word-vectors"
            )
        return vector


def open_vectors(path: Location) -> VectorFile:
    """A file of word vectors, by its first line with more than two fields: word2vec's begins with two numbers.

    Raises:
        ConfigError: it cannot be read, or holds no vectors.
    """
    for _, line in _lines(path):
        if (width := line.count(" ")) > 1:
            return VectorFile(path, width)
    raise ConfigError(
        f"expected word vectors at {path} (a word and numbers a line), found none; correct --word-vectors"
    )


def _lines(path: Location) -> Iterator[tuple[int, str]]:
    """(number from 1, text) of each line."""
    try:
        with os_errors(), path.open() as file:
            for number, line in enumerate(file, 1):
                yield number, line.decode(errors="replace").rstrip()
    except OSError as error:
        raise ConfigError(
            f"expected word vectors at {path}, found: {error.strerror or error}; correct --word-vectors"
        ) from None


def embed_pieces(model: Model, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """[T, `WIDTH`] the model's input embeddings of these pieces [T], by a fixed random projection.

    The table of embeddings is centred and brought to a variance of 1 first, so that vectors of any model are of one
    size. They are not comparable with GloVe's.
    """
    table = model.network.get_input_embeddings().weight.detach().double().cpu()
    rows = (table[torch.from_numpy(ids)] - table.mean(0)) / table.std()
    random = np.random.Generator(np.random.PCG64(PROJECTION_SEED))
    projection = random.standard_normal((table.shape[1], WIDTH)) / table.shape[1] ** 0.5
    vectors: NDArray[np.float64] = np.einsum("ti,iv->tv", rows.numpy(), projection)
    return vectors
