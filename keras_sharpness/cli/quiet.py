"""Keeps the output in the terminal to one line per stage."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

from absl import logging as absl_logging

from keras_sharpness.errors import InputError


def configure_logging(verbose: bool = False, quiet: bool = False) -> None:
    """Sends this package's messages to standard error, plain, and silences TensorFlow's.

    Args:
        verbose: Whether to send the messages for those who look closely, too.
        quiet: Whether to send warnings only, and show no bars.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    absl_logging.set_verbosity(absl_logging.ERROR)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("keras_sharpness")
    log.addHandler(handler)
    log.setLevel(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
    log.propagate = False
    if quiet:
        os.environ["TQDM_DISABLE"] = "1"


def only_warnings() -> None:
    """Hides the progress messages of a process that computes for another one."""
    logging.getLogger("keras_sharpness").setLevel(logging.WARNING)


@contextlib.contextmanager
def muffled() -> Iterator[int]:
    """Hides what native libraries print to standard error while they load, unless the block fails.

    Yields:
        Descriptor of the terminal, for what must be seen meanwhile.
    """
    sys.stderr.flush()
    keep = os.dup(2)
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            yield keep
        except BaseException as error:
            if not isinstance(error, InputError):
                printed.seek(0)
                os.write(keep, printed.read())
            raise
        finally:
            os.dup2(keep, 2)
            os.close(keep)
