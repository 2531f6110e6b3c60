"""Sharpness of Keras models, and what it says about generalization."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # For editors and type checkers: the names below, with their signatures.
    from keras_sharpness import complexity as complexity
    from keras_sharpness import data as data
    from keras_sharpness import models as models
    from keras_sharpness import statistics as statistics
    from keras_sharpness.complexity.measure_pool import measure_pool as measure_pool
    from keras_sharpness.distribution import split_examples as split_examples
    from keras_sharpness.errors import InputError as InputError
    from keras_sharpness.maximizers import APGD as APGD
    from keras_sharpness.maximizers import PGA as PGA
    from keras_sharpness.maximizers import Restarts as Restarts
    from keras_sharpness.maximizers import SingleStep as SingleStep
    from keras_sharpness.measures import AverageCaseSharpness as AverageCaseSharpness
    from keras_sharpness.measures import CriticalSharpness as CriticalSharpness
    from keras_sharpness.measures import KeskarSharpness as KeskarSharpness
    from keras_sharpness.measures import Sample as Sample
    from keras_sharpness.measures import SharpnessGrid as SharpnessGrid
    from keras_sharpness.measures import WorstCaseSharpness as WorstCaseSharpness
    from keras_sharpness.measures import attribute as attribute
    from keras_sharpness.measures import average_case_sharpness as average_case_sharpness
    from keras_sharpness.measures import critical_sharpness as critical_sharpness
    from keras_sharpness.measures import fisher_rao_norm as fisher_rao_norm
    from keras_sharpness.measures import gradient_norm as gradient_norm
    from keras_sharpness.measures import hessian as hessian
    from keras_sharpness.measures import keskar_sharpness as keskar_sharpness
    from keras_sharpness.measures import landscape as landscape
    from keras_sharpness.measures import relative_flatness as relative_flatness
    from keras_sharpness.measures import sharpness_grid as sharpness_grid
    from keras_sharpness.measures import worst_case_sharpness as worst_case_sharpness
    from keras_sharpness.measures.callback import SharpnessCallback as SharpnessCallback
    from keras_sharpness.measures.saved_result import load_result as load_result
    from keras_sharpness.models import interop as interop
    from keras_sharpness.objective.graph import Graph as Graph
    from keras_sharpness.perturbations import Ball as Ball
    from keras_sharpness.pools.load_pool import load_pool as load_pool
    from keras_sharpness.pools.store import load_member as load_member
    from keras_sharpness.pools.train_pool import train_pool as train_pool
    from keras_sharpness.statistics import rank_measures as rank_measures
    from keras_sharpness.training.sam import SAM as SAM
    from keras_sharpness.training.tracker import SharpnessTracker as SharpnessTracker
    from keras_sharpness.training.trajectory import Trajectory as Trajectory

__version__ = "0.2.0"

# Importing Keras fixes its backend, so nothing here imports it before it is used.
_NAMES = {
    "measures": (
        *("worst_case_sharpness", "WorstCaseSharpness", "average_case_sharpness", "AverageCaseSharpness"),
        *("Sample", "sharpness_grid", "SharpnessGrid", "keskar_sharpness", "KeskarSharpness"),
        *("critical_sharpness", "CriticalSharpness", "attribute"),
        *("gradient_norm", "fisher_rao_norm", "relative_flatness"),
    ),
    "measures.callback": ("SharpnessCallback",),
    "measures.saved_result": ("load_result",),
    "maximizers": ("PGA", "APGD", "SingleStep", "Restarts"),
    "perturbations": ("Ball",),
    "distribution": ("split_examples",),
    "objective.graph": ("Graph",),
    "errors": ("InputError",),
    "pools.store": ("load_member",),
    "pools.train_pool": ("train_pool",),
    "pools.load_pool": ("load_pool",),
    "complexity.measure_pool": ("measure_pool",),
    "statistics": ("rank_measures",),
    "training.sam": ("SAM",),
    "training.tracker": ("SharpnessTracker",),
    "training.trajectory": ("Trajectory",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
_MODULES = {"data": "data", "models": "models", "statistics": "statistics", "interop": "models.interop"}
_MODULES |= {"hessian": "measures.hessian", "landscape": "measures.landscape", "complexity": "complexity"}

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES and name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keras_sharpness.errors import naming_extras

    with naming_extras():
        module = importlib.import_module(f"{__name__}.{_MODULES.get(name) or _HOMES[name]}")
    return module if name in _MODULES else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
