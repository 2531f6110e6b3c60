"""The flags: their names, defaults and help texts. Only this folder reads them."""

from typing import Any

from absl import flags

from keras_sharpness.errors import InputError, require
from keras_sharpness.studies.config import SYSTEMS
from keras_sharpness.studies.released.particulars import RELEASED
from keras_sharpness.typing import (
    BackendName,
    CoordinatesName,
    DirectionName,
    MaximizerName,
    MeasureName,
    ModelName,
    NormName,
    OrderName,
    PlanName,
    ProtocolName,
    ScalingName,
    SplitName,
    StrategyName,
    choices,
)

FLAGS = flags.FLAGS

GROUPS = {
    "Study": ("model", "protocol", "as_in_paper", "num_models", "seed", "heads", "split_seed"),
    "Training": ("learning_rate", "batch_size", "min_epochs", "max_epochs", "stop_tolerance"),
    "Sharpness": (
        *("rho", "norm", "scaling", "eta", "maximizer", "pga_steps", "step_size", "direction", "coordinates"),
        *("num_restarts", "m", "num_batches"),
    ),
    "Pool": ("study", "vary", "seeds", "stop_loss", "num_train", "measures"),
    "Sweep": ("rhos", "ms"),
    "Splits": ("split_seeds",),
    "Ablation": ("order",),
    "Atlas": ("rows", "score"),
    "Measure": ("keras_model", "data", "import", "measure", "loss", "select", "num_draws", "k", "other_models"),
    "Compare": ("with",),
    "Run": (
        *("backend", "plan", "strategy", "num_devices", "tpu", "split"),
        *("data_dir", "download", "output_dir", "resume", "verbose", "quiet"),
    ),
}
SETTINGS = (*GROUPS["Study"], *GROUPS["Training"], *GROUPS["Sharpness"])
# Each measure takes some of these; see `measure_table`.
OF_MEASURES = (
    *GROUPS["Sharpness"],
    *("loss", "select", "num_draws", "k", "other_models", "seed", "batch_size"),
    *("plan", "strategy", "num_devices", "tpu", "split"),
)


def define() -> None:
    """Defines all flags."""
    _define_study()
    _define_training()
    _define_sharpness()
    _define_pool()
    _define_sweep()
    _define_splits()
    _define_ablation()
    _define_atlas()
    _define_measure()
    _define_compare()
    _define_run()


def study_settings() -> dict[str, Any]:
    """Returns the flags that change a study's numbers, None where the paper's value holds."""
    return {name: FLAGS[name].value for name in SETTINGS}


def given() -> list[str]:
    """Returns the names of the flags that were given."""
    return [name for names in GROUPS.values() for name in names if FLAGS[name].present]


def run_name() -> str:
    """Returns the default name of the run's folder: the model and the settings that were given."""
    given = [f"{name}={FLAGS[name].value}" for name in SETTINGS if FLAGS[name].present and name != "model"]
    return "-".join([FLAGS.model, *given])


def space() -> dict[str, list[Any]]:
    """Returns the values of each hyper-parameter that varies.

    Raises:
        InputError: If one is not NAME:V1,V2,... or is there twice.
    """
    found: dict[str, list[Any]] = {}
    for word in FLAGS.vary:
        name, _, values = word.partition(":")
        fits = bool(name and values and name not in found and all(values.split(",")))
        require(fits, "`vary` must be NAME:V1,V2,... for each hyper-parameter once", vary=word)
        found[name] = [_number(value) for value in values.split(",")]
    return found


def training() -> dict[str, Any]:
    """Returns the flags of a pool's training that were given."""
    names = ("seeds", "stop_loss", "learning_rate", "batch_size", "max_epochs", "seed")
    return {name: FLAGS[name].value for name in names if FLAGS[name].present}


def _number(word: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def sweep_sizes(rho: float) -> tuple[list[float], list[int | str]]:
    """Returns the radii and batch sizes of a sweep.

    Args:
        rho: The run's radius.

    Raises:
        InputError: If one is not a number.
    """
    words = FLAGS.rhos or [f"{rho * 10 ** (k / 2):.3g}" for k in range(-4, 5)]
    try:
        return [float(word) for word in words], [m if m == "full" else int(m) for m in FLAGS.ms]
    except ValueError as error:
        raise InputError(f"`rhos` must be numbers and `ms` integers or full. Received: {error}") from None


class _StepSizeParser(flags.FloatParser):
    """Takes a number or the word auto."""

    def convert(self, argument: Any) -> Any:
        return argument if argument == "auto" else super().convert(argument)


def split_seeds() -> range:
    """Returns the seeds of the splits.

    Raises:
        InputError: If they are not FIRST:STOP, two splits or more.
    """
    first, _, stop = FLAGS.split_seeds.partition(":")
    seeds = range(int(first), int(stop)) if first.isdecimal() and stop.isdecimal() else range(0)
    require(len(seeds) > 1, "`split_seeds` must be FIRST:STOP, two splits or more", split_seeds=FLAGS.split_seeds)
    return seeds


def _per_model(value: Any) -> str:
    return "Default: " + ", ".join(f"{value(system)} ({name})" for name, system in SYSTEMS.items()) + "."


def _particulars() -> str:
    return "; ".join(f"{name}: {', '.join(system.names)}" for name, system in RELEASED.items()) + "."


def _define_study() -> None:
    flags.DEFINE_enum(
        "model", "fcnn", choices(ModelName), "Network and data: fcnn (Abalone), lenet (FashionMNIST), gat (Cora)."
    )
    flags.DEFINE_enum(
        "protocol", "paper", choices(ProtocolName), "Procedure: that of the paper's text, or of its released code."
    )
    flags.DEFINE_list(
        "as_in_paper",
        None,
        f"With the released protocol: particulars, separated by commas, that follow the paper. {_particulars()}",
    )
    flags.DEFINE_integer("num_models", 50, "Models in the pool.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Seed of the pool and of the batches.", lower_bound=0)
    flags.DEFINE_integer(
        "split_seed", 0, "Seed of the split of Abalone, or of the Cora that ships with the package.", lower_bound=0
    )
    flags.DEFINE_integer("heads", 1, "Attention heads of gat.", lower_bound=1)


def _define_training() -> None:
    rate, epochs = _per_model(lambda s: s.schedule.learning_rate), _per_model(lambda s: s.schedule.max_epochs)
    flags.DEFINE_float("learning_rate", None, f"Learning rate of SGD. {rate}")
    flags.DEFINE_integer(
        "batch_size",
        None,
        "Examples in a training batch; default: 64. In `measure`, examples in one pass; default: all.",
        lower_bound=1,
    )
    flags.DEFINE_integer(
        "min_epochs", None, f"Epochs before training may stop. {_per_model(lambda s: s.schedule.min_epochs)}"
    )
    flags.DEFINE_integer("max_epochs", None, f"Epochs at most. {epochs}", lower_bound=1)
    flags.DEFINE_float(
        "stop_tolerance", None, "Stop when the epoch's mean loss changes by less than this share. Default: 0.05."
    )


def _define_sharpness() -> None:
    flags.DEFINE_float("rho", None, f"Radius of the ball. {_per_model(lambda s: s.rho)}")
    flags.DEFINE_enum("norm", "linf", choices(NormName), "Norm of the ball.")
    flags.DEFINE_enum(
        "scaling",
        "adaptive",
        choices(ScalingName),
        "Scale of the ball: adaptive (|w|), none (1), per_filter or per_layer (their Euclidean norms).",
    )
    flags.DEFINE_float("eta", 0.0, "Floor added to the scale.", lower_bound=0.0)
    flags.DEFINE_enum(
        "maximizer",
        "pga",
        choices(MaximizerName),
        "Ascent: pga (projected gradient ascent), apgd (momentum and step halving), single_step (as SAM). "
        "In `measure`, grid, keskar and attribution have ascents of their own, which any flag of the ascent replaces.",
    )
    flags.DEFINE_integer("pga_steps", 5, "Steps of pga and apgd.", lower_bound=1)
    flags.DEFINE(
        _StepSizeParser(),
        "step_size",
        None,
        "Step size of pga; for steepest steps a share of rho. In `measure` also auto: steepest steps that fit rho. "
        "Default: the learning rate; 0.05 for `measure`.",
        serializer=flags.ArgumentSerializer(),
    )
    flags.DEFINE_enum("direction", "gradient", choices(DirectionName), "Direction of pga's steps.")
    flags.DEFINE_enum("coordinates", "weights", choices(CoordinatesName), "Coordinates of pga's gradient steps.")
    flags.DEFINE_integer(
        "num_restarts", 1, "Ascents on each batch, all but the first from random points.", lower_bound=1
    )
    flags.DEFINE_integer("m", 64, "Examples in a batch of the sharpness.", lower_bound=1)
    flags.DEFINE_integer("num_batches", 50, "Batches that the sharpness is averaged over.", lower_bound=1)


def _define_pool() -> None:
    flags.DEFINE_string("study", None, "A file of Python that defines build, data and space: a pool of your models.")
    flags.DEFINE_multi_string(
        "vary",
        None,
        "A hyper-parameter of a pool and its values, NAME:V1,V2,...; again for each further one. Names: learning_rate, "
        "weight_decay, batch_size, optimizer, width (a factor), and arguments of the network.",
    )
    flags.DEFINE_integer("seeds", None, "Models of each setting of a pool. Default: 1.", lower_bound=1)
    flags.DEFINE_float("stop_loss", None, "Training loss at which a model of a pool stops. Default: none.")
    flags.DEFINE_integer("num_train", None, "Training examples of a pool. Default: all.", lower_bound=1)
    flags.DEFINE_list("measures", None, "What is measured of a pool: all, cheap, or names. Default: all.")


def _define_sweep() -> None:
    flags.DEFINE_list("rhos", None, "Radii, separated by commas. Default: nine over four decades around the run's.")
    flags.DEFINE_list(
        "ms", ["16", "64", "256", "full"], "Batch sizes, separated by commas; full: the whole training set."
    )


def _define_splits() -> None:
    flags.DEFINE_string("split_seeds", "0:20", "Seeds of the splits: FIRST:STOP, the last not included.")


def _define_ablation() -> None:
    flags.DEFINE_enum(
        "order",
        "to_paper",
        choices(OrderName),
        "From where the ablation goes: to_paper (from the released code to the paper's text), to_code (back).",
    )


def _define_atlas() -> None:
    flags.DEFINE_list("rows", [], "Rows of the atlas, separated by commas, such as abalone. Default: all.")
    flags.DEFINE_string(
        "score",
        None,
        "A file of Python that defines measure(trained) or column(models): scores this measure over the atlas.",
    )


def _define_measure() -> None:
    flags.DEFINE_string("keras_model", None, "A saved .keras model.")
    flags.DEFINE_string(
        "data",
        None,
        "A .npz file with x, or x_NAME for each input, or features and edges of a graph; and y, or y_NAME for each "
        "output.",
    )
    flags.DEFINE_list(
        "import",
        [],
        "Python modules, separated by commas, that are imported first: where layers or losses of your own are "
        "registered with keras.saving.register_keras_serializable. Their code is run.",
    )
    flags.DEFINE_enum("measure", "worst_case", choices(MeasureName), "What to measure.")
    flags.DEFINE_string("loss", None, "Name of a Keras loss. Default: the one that the model was compiled with.")
    flags.DEFINE_string(
        "select",
        "all",
        "Weights that move: all, no_biases, no_normalization, kernels, or patterns separated by commas. "
        "Of relative_flatness: its layer.",
    )
    flags.DEFINE_integer(
        "num_draws",
        None,
        "Perturbations of average_case, examples of fisher_rao, Hessian-vector products, or runs of spectral_density.",
        lower_bound=1,
    )
    flags.DEFINE_integer("k", 1, "Number of eigenvalues.", lower_bound=1)
    flags.DEFINE_list(
        "other_models", None, "Saved models of the same architecture: one for line and barrier, two for a plane."
    )


def _define_compare() -> None:
    flags.DEFINE_string(
        "with", "published", "What the runs are compared with: published (the paper's points), none, a RUN or a .csv."
    )


def _define_run() -> None:
    flags.DEFINE_enum(
        "backend",
        None,
        choices(BackendName),
        "Keras backend. Default: the environment variable KERAS_BACKEND, else the first that is installed.",
    )
    flags.DEFINE_enum(
        "plan",
        None,
        choices(PlanName),
        "Whether many models or batches run at once. Numbers change only by rounding. Default: the faster one.",
    )
    flags.DEFINE_enum(
        "strategy",
        "none",
        choices(StrategyName),
        "Devices that share the work: none (this process), mirrored (those of this machine), multi_worker "
        "(several processes, as TF_CONFIG, KERAS_DISTRIBUTION_* or torchrun describe them), tpu. "
        "Results do not change.",
    )
    flags.DEFINE_integer(
        "num_devices", None, "Devices of mirrored. Default: all accelerators, else one per core.", lower_bound=1
    )
    flags.DEFINE_string("tpu", None, "Name or address of the TPU. Default: local, the TPU of this machine.")
    flags.DEFINE_enum(
        "split",
        "cells",
        choices(SplitName),
        "What devices share in `measure`: cells (whole batches) or examples (a part of each batch, for a big model).",
    )
    flags.DEFINE_string("data_dir", None, "Folder with data files: FashionMNIST, or Cora's Planetoid split.")
    flags.DEFINE_bool("download", False, "Whether data that is not found on this machine may be downloaded.")
    flags.DEFINE_string("output_dir", None, "Folder of the run. Default: runs/ and the settings that were given.")
    flags.DEFINE_bool("resume", True, "Whether to continue an earlier run in the same folder.")
    flags.DEFINE_bool("verbose", False, "Whether to say more, such as what compiles.")
    flags.DEFINE_bool("quiet", False, "Whether to say nothing but warnings and errors, and to show no bars.")
