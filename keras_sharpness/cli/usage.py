"""The help text."""

from absl.flags import text_wrap

from keras_sharpness.cli.flags import FLAGS, GROUPS

USAGE = """keras_sharpness: adaptive sharpness of neural networks, and what it says about generalization.

python main.py [study] [flags]    train a pool of models, measure each one's sharpness, correlate it with test loss
python main.py [pool] [flags]     with --study or --vary: train a pool over hyper-parameters, measure its models by all
                                  measures, find out which of these rank their generalization
python main.py sweep RUN [flags]  measure a run's models for many radii and batch sizes
python main.py splits [flags]     repeat a study on many random splits of its data, and combine their taus
python main.py ablation [flags]   go from the released code to the paper's text, or back, one particular at a time
python main.py atlas [flags]      pools on many data sets: does any measure rank generalization on data sets at large?
python main.py measure [flags]    measure a saved .keras model on a .npz file of data
python main.py report RUN         write the report of a finished run again
python main.py compare RUN...     compare runs, or CSV files of sharpness and test_loss, with the published points
python main.py benchmark          time training and sharpness, and a plain PyTorch loop

Without flags: 50 fully connected networks on Abalone. Results go to a folder in runs/. Flags can be kept in a file and
given as --flagfile=FILE."""


def describe() -> str:
    """Returns the help on the commands and on every flag, in groups."""
    groups = ("\n".join([f"\n{title}", *map(_describe_flag, names)]) for title, names in GROUPS.items())
    return "\n".join([USAGE, *groups])


def _describe_flag(name: str) -> str:
    flag = FLAGS[name]
    default = ", ".join(flag.default) if isinstance(flag.default, list) else str(flag.default).lower()
    default = "" if flag.default is None else f" Default: {default}."
    label = f"  --[no]{name}" if flag.boolean else f"  --{name}"
    return text_wrap(flag.help + default, 110, indent=" " * 20, firstline_indent=label.ljust(20))
