"""What share of its attention a head must leave off null pieces for its numbers to be more than next to nothing."""

from typing import Final

from attnmetrics.errors import ConfigError

LEAST_EVIDENCE: Final = 0.05
"""Heads with a smaller share of their attention off null pieces are nearly switched off."""


def checked_evidence(share: float) -> float:
    """A share that somebody asks for in its place.

    Raises:
        ConfigError: no share.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"expected a share of attention from 0 to 1, such as {LEAST_EVIDENCE:g}, found {share:g}")
    return share
