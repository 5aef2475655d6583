"""The errors that a user can meet. Each says what was expected, what was found, where, and what to do."""


class AttnmetricsError(Exception):
    """Base of every error raised on purpose; the command line prints its message and no traceback."""


class ConfigError(AttnmetricsError):
    """The configuration contradicts itself or names something that does not exist."""


class CorpusError(AttnmetricsError):
    """A corpus cannot be found, read or parsed. The message names the file and the line."""


class AnnotationError(AttnmetricsError):
    """A pipeline cannot be loaded, or does not give what is needed (sentences, parts of speech, dependencies)."""


class ModelError(AttnmetricsError):
    """A model or its tokenizer cannot be loaded, or its attention cannot be captured exactly."""


class StoreError(AttnmetricsError):
    """A run folder is damaged, belongs to another configuration, or cannot be written."""


class DamageError(StoreError):
    """A file is not as it was written, and what it held can be computed anew."""


class MergeError(AttnmetricsError):
    """Two states that do not belong together were about to be merged."""


class ShardError(AttnmetricsError):
    """A shard failed on every try. The message names the shard and the last reason."""


class ViewError(AttnmetricsError):
    """What was given to a view cannot be drawn."""


LINE_LIMIT = 300
"""Characters of another's message: some hold the whole file in question."""


def first_line(error: BaseException) -> str:
    """The first line of another's message, cut where it is long; the kind of an error that says nothing."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= LINE_LIMIT else f"{lines[0][:LINE_LIMIT]}…"
