"""The program's entry point: it can be stopped before the command line, and all that it needs, is imported."""

from attnmetrics.running.stopping import stoppable


def main() -> None:
    """Run the command line and exit."""
    with stoppable():
        from attnmetrics.cli import main

        main()


if __name__ == "__main__":
    main()
