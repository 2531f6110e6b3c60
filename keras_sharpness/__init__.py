"""Sharpness of Keras models, and what it says about generalization."""

import importlib
from typing import Any

__version__ = "0.1.0"

# Importing Keras fixes its backend, so nothing here imports it before it is used.
_HOMES = {
    "worst_case_sharpness": "measures",
    "WorstCaseSharpness": "measures",
    "PGA": "maximizers",
    "Graph": "graph",
    "InputError": "errors",
    "load_member": "pools.store",
}
_MODULES = ("data", "models", "statistics")

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
