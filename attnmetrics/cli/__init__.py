"""The command line. Commands are listed in the help in the order in which their files are imported here."""

# isort: off
from attnmetrics.cli import running as running
from attnmetrics.cli import showing as showing
from attnmetrics.cli import comparing as comparing
from attnmetrics.cli import drawing as drawing
from attnmetrics.cli import exporting as exporting
from attnmetrics.cli import racing as racing

# isort: on
from attnmetrics.cli.common import app
from attnmetrics.cli.entry import EXIT_ERROR, EXIT_SHARDS_MISSING, main, spread
from attnmetrics.running.stopping import EXIT_INTERRUPTED

__all__ = ["EXIT_ERROR", "EXIT_INTERRUPTED", "EXIT_SHARDS_MISSING", "app", "main", "spread"]
