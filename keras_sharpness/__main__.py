"""The command `keras_sharpness`, `python -m keras_sharpness` and `main.py`."""

import sys

from keras_sharpness.errors import InputError, naming_extras


def run() -> None:
    """Runs the command line. If what it needs is not installed, one line names the extra, and the status is 2."""
    try:
        with naming_extras():
            from keras_sharpness.cli.app import run as run_command_line
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    run_command_line()


if __name__ == "__main__":
    run()
