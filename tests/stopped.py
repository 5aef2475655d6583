"""What a command promises that is stopped by a signal: how soon it is over, and its last line."""

PROMISED_SECONDS = 2.0
ATTEMPTS = 3
"""The promise is that of a machine which has time for the program."""
LINE = "attnmetrics: stopped; what is committed is kept: run the same command again to go on\n"
