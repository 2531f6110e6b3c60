"""Keeps compiled functions, and what tracing has shown, from one call to the next.

They are kept as long as their model lives and has not changed.
"""

import copy
import logging
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import keras

from keras_sharpness.backend.internals import flatten_layers
from keras_sharpness.objective.objective import Objective

log = logging.getLogger(__name__)
# Functions kept for each model; the one that was not used for the longest time goes first.
MOST_KEPT = 32
_SCALARS = (bool, int, float, str, bytes, type(None))
# What the layers of a running model count or cache, which has no part in what a call computes; and what they hold as
# PyTorch's modules: layers, which are walked, and variables.
_BOOKKEEPING = frozenset(
    (
        "_called",
        "_losses",
        "_metrics",
        "_path",
        "_parent_path",
        "_inbound_nodes",
        "_outbound_nodes",
        "_lock",
        "_modules",
    )
)

_kept: "weakref.WeakKeyDictionary[keras.Model, OrderedDict[Hashable | None, Any]]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


class _Unknown(Exception):
    """A layer holds something that cannot be compared."""


def keep(model: keras.Model, key: Hashable | None, make: Callable[[], Any]) -> Any:
    """Returns a compiled function, or what tracing has shown: what was made before under the same key, or a new one.

    It must not refer to the model, which would then live for ever.

    Args:
        model: The model that it belongs to.
        key: All that it depends on; None: it is made anew.
        make: Makes it.
    """
    if key is None:
        return make()
    with _lock:
        functions = _kept.setdefault(model, OrderedDict())
        if key not in functions:
            log.debug("compiling for %s: its first call takes longer than later ones", model.name)
            functions[key] = make()
        functions.move_to_end(key)
        while len(functions) > MOST_KEPT:
            functions.popitem(last=False)
        return functions[key]


def recall(model: keras.Model, key: Hashable | None) -> Any:
    """Returns what is kept under a key; None where nothing is."""
    with _lock:
        functions = _kept.get(model)
        return None if functions is None else functions.get(key)


def fingerprint(model: keras.Model) -> Hashable | None:
    """Returns what a traced function of a model depends on, besides its weights' values.

    Args:
        model: The model.

    Returns:
        The identity of all variables and the attributes of all layers, such as a dropout rate or an activation; None
        for layers that are not Keras's, whose code may read anything.
    """
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    try:
        layers = [_attributes(layer) for layer in [model, *flatten_layers(model)]]
    except _Unknown:
        return None
    return len(model.trainable_variables), tuple(map(id, variables)), tuple(layers)


def objective_key(objective: Objective, *settings: Hashable) -> Hashable | None:
    """Returns what functions of a loss depend on once they are traced, or None if that is not known.

    Args:
        objective: The loss.
        *settings: What they depend on besides.
    """
    model, loss = fingerprint(objective.model), objective.batch_loss.key
    return (
        None
        if model is None or loss is None
        else (model, loss, objective.on_graph, objective.regularization, *settings)
    )


def without_hold(objective: Objective) -> Objective:
    """Returns the same loss, but one that does not keep its model alive, as kept functions must not."""
    light = copy.copy(objective)
    light.model = weakref.proxy(objective.model)
    return light


def is_keras(thing: Any) -> bool:
    """Returns whether a class or function is Keras's or this package's own."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] in ("keras", "keras_sharpness")


def _attributes(layer: keras.Layer) -> Hashable:
    if not is_keras(type(layer)):
        raise _Unknown
    names = sorted(name for name in vars(layer) if name not in _BOOKKEEPING)
    return (type(layer), *((name, _trait(vars(layer)[name])) for name in names))


def _trait(value: Any) -> Hashable:
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, (list, tuple, set)):
        return tuple(map(_trait, value))
    if isinstance(value, dict):
        return tuple((str(key), _trait(entry)) for key, entry in value.items())
    if callable(value) and not is_keras(value) and not is_keras(type(value)):
        # A function of the user's can read what no key shows.
        raise _Unknown
    # By its identity: layers are walked one by one, and the values of variables are arguments.
    return id(value)
