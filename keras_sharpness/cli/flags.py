"""The flags. Nothing else in the package reads them."""

from typing import Any

from absl import flags

from keras_sharpness.studies.protocol import SYSTEMS

FLAGS = flags.FLAGS
BACKENDS = ("tensorflow", "jax", "torch")

GROUPS = {
    "Study": ("model", "protocol", "num_models", "seed", "heads"),
    "Training": ("learning_rate", "batch_size", "min_epochs", "max_epochs", "stop_tolerance"),
    "Sharpness": ("rho", "norm", "scaling", "maximizer", "pga_steps", "step_size", "coordinates", "m", "num_batches"),
    "Run": ("backend", "plan", "data_dir", "download", "output_dir", "resume"),
}
SETTINGS = (*GROUPS["Study"], *GROUPS["Training"], *GROUPS["Sharpness"])


def define() -> None:
    """Defines all flags."""
    _define_study()
    _define_training()
    _define_sharpness()
    _define_run()


def study_settings() -> dict[str, Any]:
    """Returns the flags that change a study's numbers, None where the paper's value holds."""
    return {name: FLAGS[name].value for name in SETTINGS}


def run_name() -> str:
    """Returns the default name of the run's folder: the model and the settings that were given."""
    given = [f"{name}={FLAGS[name].value}" for name in SETTINGS if FLAGS[name].present and name != "model"]
    return "-".join([FLAGS.model, *given])


def describe() -> str:
    """Returns the help on every flag, in groups."""
    groups = ("\n".join([f"\n{title}", *map(_describe_flag, names)]) for title, names in GROUPS.items())
    return "\n".join(groups)


def _describe_flag(name: str) -> str:
    flag = FLAGS[name]
    default = "" if flag.default is None else f" Default: {str(flag.default).lower()}."
    label = f"  --[no]{name}" if flag.boolean else f"  --{name}"
    return flags.text_wrap(flag.help + default, 110, indent=" " * 20, firstline_indent=label.ljust(20))


def _per_model(value: Any) -> str:
    return "Default: " + ", ".join(f"{value(system)} ({name})" for name, system in SYSTEMS.items()) + "."


def _define_study() -> None:
    flags.DEFINE_enum(
        "model", "fcnn", list(SYSTEMS), "Network and data: fcnn (Abalone), lenet (FashionMNIST), gat (Cora)."
    )
    flags.DEFINE_enum("protocol", "paper", ["paper"], "Procedure: paper, as its text describes it.")
    flags.DEFINE_integer("num_models", 50, "Models in the pool.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Seed of the pool and of the batches.", lower_bound=0)
    flags.DEFINE_integer("heads", 1, "Attention heads of gat.", lower_bound=1)


def _define_training() -> None:
    rate, epochs = _per_model(lambda s: s.schedule.learning_rate), _per_model(lambda s: s.schedule.max_epochs)
    flags.DEFINE_float("learning_rate", None, f"Learning rate of SGD. {rate}")
    flags.DEFINE_integer("batch_size", None, "Examples in a training batch. Default: 64.", lower_bound=1)
    flags.DEFINE_integer(
        "min_epochs", None, f"Epochs before training may stop. {_per_model(lambda s: s.schedule.min_epochs)}"
    )
    flags.DEFINE_integer("max_epochs", None, f"Epochs at most. {epochs}", lower_bound=1)
    flags.DEFINE_float(
        "stop_tolerance", None, "Stop when the epoch's mean loss changes by less than this share. Default: 0.05."
    )


def _define_sharpness() -> None:
    flags.DEFINE_float("rho", None, f"Radius of the ball. {_per_model(lambda s: s.rho)}")
    flags.DEFINE_enum("norm", "linf", ["linf"], "Norm of the ball.")
    flags.DEFINE_enum("scaling", "adaptive", ["adaptive", "none"], "Scale of the ball: adaptive (|w|) or none (1).")
    flags.DEFINE_enum("maximizer", "pga", ["pga"], "Ascent: pga, projected gradient ascent.")
    flags.DEFINE_integer("pga_steps", 5, "Ascent steps.", lower_bound=1)
    flags.DEFINE_float("step_size", None, "Step size of the ascent. Default: the learning rate.")
    flags.DEFINE_enum("coordinates", "weights", ["weights", "scaled"], "Coordinates that the ascent steps in.")
    flags.DEFINE_integer("m", 64, "Examples in a batch of the sharpness.", lower_bound=1)
    flags.DEFINE_integer("num_batches", 50, "Batches that the sharpness is averaged over.", lower_bound=1)


def _define_run() -> None:
    flags.DEFINE_enum(
        "backend",
        None,
        BACKENDS,
        "Keras backend. Default: the environment variable KERAS_BACKEND, else tensorflow.",
    )
    flags.DEFINE_enum(
        "plan",
        None,
        ("vectorized", "sequential"),
        "Whether many models or batches run at once. Changes no number beyond rounding. Default: the faster one.",
    )
    flags.DEFINE_string("data_dir", None, "Folder with data files: FashionMNIST, or Cora's Planetoid split.")
    flags.DEFINE_bool("download", False, "Whether data that is not found on this machine may be downloaded.")
    flags.DEFINE_string("output_dir", None, "Folder of the run. Default: runs/ and the settings that were given.")
    flags.DEFINE_bool("resume", True, "Whether to go on where an earlier run in the same folder ended.")
