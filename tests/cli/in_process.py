"""The command line in this process."""

import contextlib

from absl.testing import flagsaver

from keras_sharpness.cli import app, commands, flags


@contextlib.contextmanager
def chosen(*arguments):
    """The function and arguments of a command line, while its flags hold; errors are raised."""
    if "rho" not in flags.FLAGS:
        flags.define()
    with flagsaver.flagsaver():
        yield commands.choose(app._parse(["main.py", *arguments])[1:])


def command_line(*arguments):
    """Does what the program does with these arguments; errors are raised."""
    with chosen(*arguments) as (command, rest):
        return command(*rest)
