"""What papers published, each number beside a run's: `compare(CLARK, metrics)`."""

from attnmetrics.views.papers.claims import compare
from attnmetrics.views.papers.clark_2019 import CLARK
from attnmetrics.views.papers.vig_belinkov_2019 import VIG_BELINKOV

__all__ = ["CLARK", "VIG_BELINKOV", "compare"]
