"""Runs the command line on absl: parses, picks the command, and tells errors in one line."""

import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from absl import app
from absl import flags as absl_flags

from keras_sharpness.cli import commands, flags, quiet
from keras_sharpness.errors import InputError

USAGE = """keras_sharpness: adaptive sharpness of neural networks, and what it says about generalization.

python main.py [study] [flags]    train a pool of models, measure each one's sharpness, correlate it with test loss
python main.py sweep RUN [flags]  measure a run's models for many radii and batch sizes
python main.py ablation [flags]   go from the released code's procedure to the paper's, one particular at a time
python main.py measure [flags]    measure a saved .keras model on a .npz file of data
python main.py report RUN         write the report of a finished run again
python main.py compare RUN...     put runs, or CSV files of sharpness and test_loss, beside the published points
python main.py benchmark          time training and sharpness beside a plain PyTorch loop

Without flags: 50 fully connected networks on Abalone. Results go to a folder in runs/. Flags can be kept in a file and
given as --flagfile=FILE."""


def run() -> None:
    """Entry point of `main.py`, `python -m keras_sharpness` and the console script."""
    flags.define()
    app.run(_main, flags_parser=_parse)


def _parse(argv: Sequence[str]) -> list[str]:
    if {"--help", "-h", "-help", "--helpshort", "--helpfull"} & set(argv):
        print(USAGE + "\n" + flags.describe())
        sys.exit(0)
    try:
        return flags.FLAGS(argv)
    except absl_flags.Error as error:
        _fail(error)
    except UnicodeDecodeError as error:
        _fail(InputError(f"`flagfile` must be a file of text. Received: {error}"))


def _main(argv: Sequence[str]) -> None:
    quiet.configure_logging()
    try:
        command, arguments = commands.choose(argv[1:])
        command(*arguments)
    except (InputError, OSError, MemoryError) as error:
        _fail(error)
    except KeyboardInterrupt:
        logging.getLogger(__name__).warning("interrupted; the same command goes on from here")
        sys.exit(130)


def _fail(error: Exception) -> NoReturn:
    print("error: " + " ".join(str(error).split()), file=sys.stderr)
    sys.exit(2)
