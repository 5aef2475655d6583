"""The program's entry point: it can be stopped before the command line, and all that it needs, is imported."""

import gc
import os

from attnmetrics.running.stopping import stoppable

# Before NumPy is imported: our products are many and small, and its threads would spend most of their time waiting for
# one another. Shards and batches are what is done side by side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


MOST_NEW = 100_000
"""Objects that are made before Python looks for circles among them: tables are many, and few are in circles."""


def main() -> None:
    """Run the command line and exit."""
    gc.set_threshold(MOST_NEW)
    with stoppable():
        try:
            from attnmetrics.cli import main

            main()
        finally:
            gc.freeze()  # whatever is left ends with the process: nobody need look through it once more


if __name__ == "__main__":
    main()
