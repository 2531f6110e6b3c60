"""What every command does first: it chooses the backend, starts its devices and finds its folder."""

import contextlib
import os
from pathlib import Path
from typing import Any, overload

from keras_sharpness.cli import companions, environment, flags, lean, patience, quiet
from keras_sharpness.cli.compilation_cache import use_compilation_cache
from keras_sharpness.errors import is_installed, require
from keras_sharpness.files.writable import require_writable
from keras_sharpness.typing import BackendName, choices


@overload
def output_dir(usual: Path) -> Path: ...


@overload
def output_dir(usual: None = None) -> Path | None: ...


def output_dir(usual: Path | None = None) -> Path | None:
    """Returns the folder of the results, if there is to be one. It need not exist yet.

    Args:
        usual: The folder if none is given.

    Raises:
        InputError: If it cannot be made or written to.
    """
    given = flags.FLAGS.output_dir
    folder = Path(given) if given else usual
    # Of several processes, perhaps on other machines, only the first writes, and it is not known yet which that is.
    if folder and flags.FLAGS.strategy != "multi_worker":
        require_writable(folder)
    return folder


def start_keras(in_threads: bool) -> Any:
    """Imports Keras on the backend that the flags name, and starts its devices.

    Args:
        in_threads: Whether the work runs in threads, so that each operation should keep to one core.

    Returns:
        What distributes the work.

    Raises:
        InputError: If the backend is unknown or not installed, or the devices cannot be used.
    """
    os.environ["KERAS_BACKEND"] = name = _backend()
    if name == "jax":
        use_compilation_cache()
    # Pools are trained on arrays; a user's own model may use whatever is installed.
    unused: tuple[str, ...] = ("jax",) if name == "tensorflow" else ()
    if in_threads:
        unused += lean.LOADED_BY_KERAS + (("scipy",) if name == "tensorflow" else ())
    with quiet.muffled() as terminal, environment.starting(name), lean.without(*unused):
        distribution = _distribution(in_threads, terminal)
    if flags.FLAGS.strategy == "multi_worker":
        with patience.others_come(2):
            _watch(distribution)
    if not distribution.is_chief:
        quiet.only_warnings()
    return distribution


def _watch(shared: Any) -> None:
    from keras_sharpness import distribution

    companions.watch(shared, distribution.first_host())


def _backend() -> str:
    known = choices(BackendName)
    name = flags.FLAGS.backend or os.environ.get("KERAS_BACKEND", next(filter(is_installed, known), known[0]))
    require(name in known, f"the Keras backend must be one of {', '.join(known)}", KERAS_BACKEND=name)
    how = f'pip install "keras_sharpness[{name}]"'
    require(is_installed(name), f"the Keras backend must be installed: {how}", backend=name)
    return name


def _distribution(in_threads: bool, terminal: int) -> Any:
    from keras_sharpness import backend, distribution

    given = flags.FLAGS
    if in_threads:
        # Pools are this package's own networks, and those of study files: the same numbers on every machine.
        environment.use_defaults_of_keras()
        backend.use_one_thread_per_operation()
    bounds = {"multi_worker": patience.others_come, "tpu": patience.tpu_starts}
    with bounds.get(given.strategy, contextlib.nullcontext)(terminal):
        started = distribution.start(given.strategy, given.num_devices, given.tpu or "local")
        backend.devices()
    share = distribution.split_examples if given.split == "examples" else distribution.distribute
    return share(started)
