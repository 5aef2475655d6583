"""Entry point for `ray job submit -- python jobs/analyze.py --config jobs/demo.yaml [flags of attnmetrics run]`."""

import sys

from attnmetrics.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
