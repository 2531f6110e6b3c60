"""Sharpness of Keras models, and what it says about generalization."""

import importlib
from typing import Any

__version__ = "0.1.0"

# Importing Keras fixes its backend, so nothing here imports it before it is used.
_NAMES = {
    "measures": (
        *("worst_case_sharpness", "WorstCaseSharpness", "average_case_sharpness", "AverageCaseSharpness"),
        *("sharpness_grid", "SharpnessGrid", "keskar_sharpness", "KeskarSharpness"),
        *("critical_sharpness", "CriticalSharpness", "attribute"),
        *("gradient_norm", "fisher_rao_norm", "relative_flatness"),
    ),
    "maximizers": ("PGA", "APGD", "SingleStep", "Restarts"),
    "callbacks": ("SharpnessCallback",),
    "distribution": ("split_examples",),
    "graph": ("Graph",),
    "errors": ("InputError",),
    "pools.store": ("load_member",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
_MODULES = {"data": "data", "interop": "interop", "models": "models", "statistics": "statistics"}
_MODULES |= {"hessian": "measures.hessian", "landscape": "measures.landscape"}

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_MODULES[name]}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
