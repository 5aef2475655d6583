"""The program's entry point: it can be stopped before the command line, and all that it needs, is imported."""

import os

from attnmetrics.running.stopping import stoppable

# Before NumPy is imported: our products are many and small, and its threads would spend most of their time waiting for
# one another. Shards and batches are what is done side by side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    """Run the command line and exit."""
    with stoppable():
        from attnmetrics.cli import main

        main()


if __name__ == "__main__":
    main()
