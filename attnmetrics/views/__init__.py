"""From a finished run's tables to something to look at: figures, report, terminal."""
