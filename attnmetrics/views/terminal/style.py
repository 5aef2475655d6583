"""How lines of a terminal are drawn."""

from typing import Final

FAINT: Final = "dim"
