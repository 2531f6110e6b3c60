"""The help text."""

from keras_sharpness.cli import flags, usage
from keras_sharpness.cli.commands import COMMANDS
from tests.cli.in_process import chosen


def test_every_command_and_flag_is_described():
    with chosen():
        text = usage.describe()
    for name in COMMANDS:
        assert f"main.py {name} " in text or f"main.py [{name}] " in text
    for name in (name for names in flags.GROUPS.values() for name in names):
        assert f"  --{name} " in text or f"  --[no]{name} " in text
    assert max(map(len, text.splitlines())) <= 120


def test_defaults_are_named():
    with chosen():
        lines = usage.describe().splitlines()
    (models,) = (line for line in lines if line.startswith("  --num_models"))
    assert models.endswith("Models in the pool. Default: 50.")
