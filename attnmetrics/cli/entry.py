"""From what was typed to a command and an exit code."""

import sys
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from traceback import format_exc

import typer

from attnmetrics.cli.common import app, complain
from attnmetrics.errors import AttnmetricsError, ShardError
from attnmetrics.running.stopping import EXIT_INTERRUPTED

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_SHARDS_MISSING = 3


OF_FILES = {"--corpus": "--corpus", "-c": "--corpus", "--treebank": "--treebank", "--test": "--test"}
"""Flags that several files may follow, and what is repeated for the others."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: every error of ours is a message and an exit code, not a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    is_verbose = bool({"-v", "--verbose"} & set(given))
    _replace_what_cannot_be_shown()
    try:
        code = app(spread(given) or ["--help"], standalone_mode=False)
    except AttnmetricsError as error:
        complain(format_exc() if is_verbose else str(error))
        code = EXIT_SHARDS_MISSING if isinstance(error, ShardError) else EXIT_ERROR
    except OSError as error:  # of a place where one may not even look whether there is a file
        place = f" {error.filename}" if error.filename else ""
        said = f"cannot read or write{place}: {error.strerror or error}; mend its rights or the connection"
        complain(format_exc() if is_verbose else said)
        code = EXIT_ERROR
    except MemoryError as error:
        reason = f" ({error})" if str(error) else ""
        complain(f"out of memory{reason}; what is committed is kept: run the same command with more memory to go on")
        code = EXIT_ERROR
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except typer.TyperException as error:
        message = getattr(error, "format_message", error.__str__)()
        complain(f"{message.rstrip('.')}; see attnmetrics --help")
        code = EXIT_USAGE
    sys.exit(code or (0 if given else EXIT_USAGE))


def _replace_what_cannot_be_shown() -> None:
    """A terminal or a log that is not UTF-8 shows `?` for a character that it does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def spread(arguments: Iterable[str]) -> list[str]:
    """`--corpus a b` as `--corpus a --corpus b`, so that a shell's glob can follow the flag."""
    result: list[str] = []
    flag, flag_open = "", False
    for argument in arguments:
        if argument in OF_FILES:
            flag, flag_open = OF_FILES[argument], True
        elif argument.startswith("-"):
            flag = ""
        elif flag and not flag_open:
            result.append(flag)
        else:
            flag_open = False
        result.append(argument)
    return result
