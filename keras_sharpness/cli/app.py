"""Runs the command line on absl: parses it, calls the command, and prints an error in one line."""

import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from absl import app
from absl import flags as absl_flags

from keras_sharpness.cli import commands, companions, environment, flags, quiet, streams, usage
from keras_sharpness.errors import InputError


def run() -> None:
    """Defines the flags, and runs the command that they name."""
    streams.open_all()
    environment.neutralize()
    flags.define()
    app.run(_main, flags_parser=_parse)


def _parse(argv: Sequence[str]) -> list[str]:
    if {"--help", "-h", "-help", "--helpshort", "--helpfull"} & set(argv):
        _print_help()
    try:
        return flags.FLAGS(argv)
    except absl_flags.Error as error:
        _fail(error)
    except UnicodeDecodeError as error:
        _fail(InputError(f"`flagfile` must be a file of text. Received: {error}"))


def _print_help() -> NoReturn:
    try:
        streams.write(usage.describe())
    except OSError as error:
        _fail(error)
    sys.exit(0)


def _main(argv: Sequence[str]) -> None:
    quiet.configure_logging(flags.FLAGS.verbose, flags.FLAGS.quiet)
    try:
        command, arguments = commands.choose(argv[1:])
        with companions.told():
            command(*arguments)
    except (InputError, OSError, MemoryError) as error:
        _fail(error)
    except KeyboardInterrupt:
        logging.getLogger(__name__).warning("interrupted; the same command continues from here")
        sys.exit(130)


def _fail(error: Exception) -> NoReturn:
    streams.write_error("error: " + " ".join(str(error).split()))
    companions.leave(2)
