"""The user's modules: found by name, carried as source text, executed from that text wherever it has come to."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import InspectLoader
from pathlib import Path
from types import ModuleType

from attnmetrics.errors import AnnotationError, first_line


@dataclass(frozen=True, slots=True)
class UserModule:
    """A module with its source text."""

    name: str
    text: str
    path: str
    """its file on the machine where it was found"""
    folders: tuple[str, ...] = ()
    """of a package: where its modules lie on that machine"""


def find_module(name: str) -> UserModule:
    """Find a module where Python finds modules, and in the working directory.

    Raises:
        AnnotationError: there is none, or it has no source text.
    """
    with working_directory():
        try:
            importlib.invalidate_caches()
            spec = importlib.util.find_spec(name)
            loader = spec.loader if spec else None
            text = loader.get_source(name) if isinstance(loader, InspectLoader) else None
        except (Exception, SystemExit) as error:  # a package above it runs any code
            raise AnnotationError(
                f"cannot find the module {name}: {type(error).__name__}: {first_line(error)}; correct it"
            ) from error
    if spec is None:
        raise AnnotationError(
            f"expected a module {name}, found none in {Path.cwd()} or on Python's path; run in the folder that holds "
            f"{name.replace('.', '/')}.py, or set PYTHONPATH"
        )
    if text is None:
        raise AnnotationError(
            f"expected the source text of the module {name}, found none; write it in a file of its own"
        )
    return UserModule(name, text, spec.origin or "", tuple(spec.submodule_search_locations or ()))


def execute(user: UserModule) -> ModuleType:
    """The module made of its text, under its name; another module of that name that is imported stays.

    Raises:
        AnnotationError: it fails.
    """
    module = ModuleType(user.name)
    module.__file__ = user.path
    module.__package__ = user.name if user.folders else user.name.rpartition(".")[0]
    if user.folders:
        module.__path__ = list(user.folders)
    try:
        with working_directory(), _registered(module):
            exec(compile(user.text, user.path or user.name, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:  # a module runs any code
        remedy = "correct it"
        if isinstance(error, ImportError):
            remedy += ", or install what it imports on every node, or put it into the working directory"
        raise AnnotationError(
            f"cannot import the module {user.name} ({user.path}): {type(error).__name__}: {first_line(error)}; {remedy}"
        ) from error
    return module


@contextmanager
def working_directory() -> Iterator[None]:
    """The working directory as the last of the places where Python finds modules."""
    folder = str(Path.cwd())
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


@contextmanager
def _registered(module: ModuleType) -> Iterator[None]:
    """The module among those that are imported, as dataclasses in it need."""
    other = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        del sys.modules[module.__name__]
        if other is not None:
            sys.modules[module.__name__] = other
