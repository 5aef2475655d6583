"""Files of fields in YAML: plain values, whatever is wrong told with its line."""

from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from attnmetrics.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """Plain values only; whatever keeps one from being made is an error with its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int) and value.bit_length() > 64:
                raise OverflowError("more than 64 bits")
            return value
        except (yaml.YAMLError, RecursionError):
            raise
        except Exception as error:  # KeyError, AttributeError and others, by the kind of value
            raise ConstructorError(None, None, f"no {node.tag}: {error}", node.start_mark) from error


def read_own_yaml(file: Path) -> Any:
    """What a file of the package says, by libyaml where it is there: ten times as quick, and less careful of errors."""
    return yaml.load(file.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read_yaml(file: Path) -> dict[str, Any]:
    """The fields of a configuration file, not yet validated.

    Raises:
        ConfigError: it cannot be read, or is no mapping.
    """
    try:
        values = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {file}: {error.strerror or error}") from None
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{file} is not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: expected fields such as 'model: gpt2', found {type(values).__name__}")
    return {str(key).replace("-", "_"): value for key, value in values.items()}
