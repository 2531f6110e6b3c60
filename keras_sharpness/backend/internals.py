"""Every private name of Keras and TensorFlow that the package uses, each behind a function.

Any release may drop such a name without notice, which is why `setup.cfg` bounds Keras from above. To raise the bound,
run `tests/backend/test_internals.py` with the new release: each test says what to do if its name is gone.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
from keras.src.backend import get_keras_mask, get_stateless_scope
from keras.src.backend import set_keras_mask as _set_keras_mask
from keras.src.layers.convolutional.base_conv import BaseConv
from keras.src.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv
from keras.src.losses.loss import unscale_loss_for_distribution
from keras.src.trainers.compile_utils import CompileLoss, get_loss

CONVOLUTIONS: tuple[type[keras.layers.Layer], ...] = (BaseConv, BaseDepthwiseConv)
"""The base classes of all convolutions, so that layers which users derive from these count too.

If they are gone: list the public classes, `keras.layers.Conv1D` to `Conv3D`, their transposes and depthwise ones.
"""


def flatten_layers(layer: keras.layers.Layer, recursive: bool = True) -> list[keras.layers.Layer]:
    """Returns the layers inside a model or layer, those inside other layers too.

    For looking for a kind of layer wherever it is. If `_flatten_layers` is gone: walk `model.layers` and the attributes
    of each layer.

    Args:
        layer: The model or layer, which is not among them.
        recursive: Whether layers inside other layers are among them.
    """
    return list(layer._flatten_layers(include_self=False, recursive=recursive))


def producers(model: keras.Model, backwards: bool = False) -> list[Any]:
    """Returns the operations of a functional model depth first: each comes after those that it takes its inputs from.

    If `_keras_history` or `_inbound_nodes` is gone: leave the function out. `models.torch_layouts.orders` then knows
    one order of layers less.

    Args:
        model: The model.
        backwards: Whether the last input of an operation comes first.
    """
    found: dict[int, Any] = {}
    waiting = [(tensor, False) for tensor in reversed(model.outputs)]
    while waiting:
        tensor, expanded = waiting.pop()
        operation, node, _ = tensor._keras_history
        if expanded:
            found.setdefault(id(operation), operation)
        elif id(operation) not in found:
            inputs = operation._inbound_nodes[node].input_tensors
            waiting += [(tensor, True), *((part, False) for part in (inputs if backwards else inputs[::-1]))]
    return list(found.values())


def call_takes_training(model: keras.Model) -> bool:
    """Returns whether a model's `call` has an argument `training`; a model may do without.

    If `_call_has_training_arg` is gone: look for it in `inspect.signature(model.call)`.

    Args:
        model: The model.
    """
    return model._call_has_training_arg


def compiled_loss_weights(model: keras.Model) -> Any:
    """Returns the `loss_weights` that `model.compile` was given, or None.

    Not from the public `get_compile_config`: Keras serializes that with the help of TensorFlow, on any backend. If
    `_compile_loss` is gone: read its successor in `keras.Model.compile`.

    Args:
        model: The model, compiled or not.
    """
    return getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None)


class OutputLosses(CompileLoss):
    """The losses of all outputs, added up as `evaluate` adds them, without the metrics that it shows of each.

    If `CompileLoss` is gone: read what `keras.Model.compute_loss` calls.
    """

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Finds out which loss and target belong to which output."""
        super().build(y_true, y_pred)
        # One for each loss, or the others would be left out.
        self._metrics = [None] * len(self._flat_losses)


def find_loss(loss: Any, target: Any, output: Any) -> keras.losses.Loss:
    """Returns the object that Keras makes of a loss, a function or a name.

    If `get_loss` is gone: read its successor in `CompileLoss`.

    Args:
        loss: What the user gave.
        target: Targets of an output; their shape decides which loss "crossentropy" is.
        output: The output.
    """
    return get_loss(loss, target, output)


def added_losses(model: keras.Model) -> list[Any]:
    """Returns what layers have added to the loss by `add_loss` during the present call; activity regularizers left out.

    For use inside a `StatelessScope` that collects losses. If `_get_own_losses` is gone: read the property
    `keras.Layer.losses`.

    Args:
        model: The model.
    """
    if not get_stateless_scope().losses:
        return []
    layers = [model, *flatten_layers(model)]
    adding = [layer for layer in layers if getattr(layer, "activity_regularizer", None) is None]
    return [loss for layer in adding for loss in layer._get_own_losses()]


def unscale_loss(value: Any) -> Any:
    """Returns a loss as it was before Keras divided it by the number of replicas of a `tf.distribute.Strategy`.

    In the scope of a strategy, losses that average divide by its replicas too, because `fit` adds up what the replicas
    return. Measures average them instead. If `unscale_loss_for_distribution` is gone: multiply by
    `tf.distribute.get_strategy().num_replicas_in_sync` on TensorFlow.

    Args:
        value: A scalar.
    """
    return unscale_loss_for_distribution(value)


def build_losses(model: keras.Model, batch: tuple[Any, Any, Any]) -> None:
    """Makes what `compile` leaves until targets are known: for each output its loss, and the sums that `fit` shows.

    Keras makes them in the first pass; not in that of a stateless scope, whose new variables would be lost. If
    `_symbolic_build` is gone: read what its trainer for JAX calls before the first step.

    Args:
        model: The compiled model.
        batch: Inputs, targets and sample weights.
    """
    if model._compile_loss is not None and not model._compile_loss.built:
        model._symbolic_build(data_batch=batch)


def track_loss(model: keras.Model, loss: Any, x: Any) -> None:
    """Counts the loss of a batch in what `fit` shows as "loss".

    If `_loss_tracker` is gone: read what `train_step` of Keras's trainers does with the loss.

    Args:
        model: The compiled model.
        loss: Its loss of the batch.
        x: Its inputs; their first axes count the examples.
    """
    first = next(tensor for tensor in keras.tree.flatten(x) if tensor is not None)
    model._loss_tracker.update_state(unscale_loss(loss), sample_weight=keras.ops.shape(first)[0])


def producer(tensor: keras.KerasTensor) -> Any:
    """Returns the layer or operation that a symbolic tensor comes from, or None.

    If `_keras_history` is gone: look for the operation of `model.operations` whose `output` the tensor is.

    Args:
        tensor: An output of a functional model.
    """
    return getattr(getattr(tensor, "_keras_history", None), "operation", None)


def rebuilt(model: keras.Model, replace: Callable[[Any], Any]) -> keras.Model:
    """Returns a model of the same steps, made anew, in which some may be replaced by others.

    Not by `keras.models.clone_model`, which also compiles what it makes, and for that loads TensorFlow on any backend.
    If `_run_through_graph` is gone: read its successor in `keras.Model.call` of functional models.

    Args:
        model: A Sequential or functional model.
        replace: From a layer or operation to what takes its place. It must not return what it was given.
    """

    def in_place_of(step: Any) -> Callable[..., Any]:
        # What Keras adds to a call by itself, the other step need not take.
        other, added = replace(step), ("mask", "training")
        return lambda *args, **kwargs: other(*args, **{k: v for k, v in kwargs.items() if k not in added})

    given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    inputs = keras.tree.map_structure(lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype), given)
    if isinstance(model, keras.Sequential):
        outputs = inputs
        for layer in model.layers:
            outputs = replace(layer)(outputs)
    else:
        outputs = model._run_through_graph(inputs, operation_fn=in_place_of)
    return keras.Model(inputs, outputs, name=model.name)


def keras_mask(tensor: Any) -> Any:
    """Returns the mask that a layer attached to its output, which losses then heed, or None.

    If `get_keras_mask` is gone: read its successor in `keras.Loss.__call__`.

    Args:
        tensor: The output.
    """
    return get_keras_mask(tensor)


def set_keras_mask(tensor: Any, mask: Any) -> None:
    """Attaches a mask to a tensor, as a layer does to its output.

    If `set_keras_mask` is gone: read its successor in `keras.Layer.__call__`.

    Args:
        tensor: The tensor.
        mask: The mask.
    """
    _set_keras_mask(tensor, mask)


def pure_optimizer(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Returns an optimizer whose `stateless_apply` works on every backend, and which shares the variables of another.

    Keras refuses `stateless_apply` on TensorFlow, and its optimizers for PyTorch update variables in place. Without the
    classes of the backend, what is left of an optimizer is Keras's own update rule, which is pure. On TensorFlow,
    gradient accumulation, `ema_overwrite_frequency` and loss scaling take branches of Python's: they work outside
    compiled functions only.

    If this fails, an optimizer keeps something new by backend: read `BaseOptimizer.stateless_apply`.

    Args:
        optimizer: A built optimizer. It is not changed, and must not be while the pure one is used.
    """
    kind = type(optimizer)
    if keras.config.backend() == "jax":
        return optimizer
    keys = {id(v): optimizer._var_key(v) for v in optimizer._trainable_variables}

    class WithoutBackend(type(kind)):  # type: ignore[misc]
        def mro(cls) -> list[type]:
            classes: list[type] = super().mro()
            return [c for c in classes if not c.__module__.startswith(("keras.src.backend.", "tensorflow."))]

    def overwrite_with_average(self: Any, variables: list[keras.Variable]) -> None:
        for variable, average in zip(variables, self._model_variables_moving_average, strict=True):
            if average is not None:
                # Not the variable, which TensorFlow would read only when the scope has ended.
                variable.assign(average.value)

    names = {
        # In the scope of `stateless_apply`, variables have no identity of the backend's.
        "_var_key": lambda self, variable: keys[id(variable)],
        "_overwrite_model_variables_with_average_value": overwrite_with_average,
    }
    pure: Any = object.__new__(WithoutBackend(kind.__name__, (kind,), names))
    vars(pure).update(vars(optimizer))
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        vars(pure)["inner_optimizer"] = pure_optimizer(optimizer.inner_optimizer)
    return pure


def preconditioner(optimizer: keras.optimizers.Optimizer, state: Mapping[int, Any]) -> list[Any] | None:
    """Returns what an adaptive optimizer multiplies the entries of its gradient, or of the average of it, by.

    1 / P of arXiv:2207.14484, with the factors that correct for the bias of averages, without the learning rate. None
    for an optimizer that is not Adam, AdamW, RMSprop or Adagrad. If a name is gone: read the `update_step` of these.

    Args:
        optimizer: A built optimizer.
        state: Its variables right after a step, by identity.
    """
    optimizers, step = keras.optimizers, float(state[id(optimizer._iterations)])

    def values(variables: list[keras.Variable]) -> list[Any]:
        return [state[id(variable)] for variable in variables]

    if isinstance(optimizer, optimizers.Adam):
        slots = optimizer._velocity_hats if optimizer.amsgrad else optimizer._velocities
        step = float(optimizer.gradient_accumulation_steps and step // optimizer.gradient_accumulation_steps or step)
        factor = (1 - optimizer.beta_2**step) ** 0.5 / (1 - optimizer.beta_1**step)
        return [factor / (keras.ops.sqrt(v) + optimizer.epsilon) for v in values(slots)]
    if isinstance(optimizer, optimizers.RMSprop):
        squares = values(optimizer._velocities)
        if optimizer.centered:
            means = values(optimizer._average_gradients)
            squares = [v - mean * mean for v, mean in zip(squares, means, strict=True)]
    elif isinstance(optimizer, optimizers.Adagrad):
        squares = values(optimizer._accumulators)
    else:
        return None
    return [1 / keras.ops.sqrt(v + optimizer.epsilon) for v in squares]


def allow_many_functions(compiled: Callable[..., Any]) -> None:
    """Keeps TensorFlow from warning of frequent tracing.

    Each measure traces a function of its own, which TensorFlow takes for one function traced again and again. If
    `_omit_frequent_tracing_warning` is gone: filter the warning in TensorFlow's logger.

    Args:
        compiled: What `tf.function` returned.
    """
    compiled._omit_frequent_tracing_warning = True  # type: ignore[attr-defined]


@contextlib.contextmanager
def tensorflow_moments(moments: Callable[..., Any]) -> Iterator[None]:
    """Replaces the function by which Keras's normalizations take mean and variance on TensorFlow, in all threads.

    If `_compute_moments` is gone: leave the function out if second derivatives of `tf.nn.moments` are right; the tests
    of `backend/tensorflow_moments.py` tell. Else replace its successor in Keras's TensorFlow backend.

    Args:
        moments: From tensor, axes and whether these are kept, to mean and variance.
    """
    from keras.src.backend.tensorflow import nn

    with _moments_lock:
        _replaced_moments.append(nn._compute_moments)
        nn._compute_moments = moments
    try:
        yield
    finally:
        with _moments_lock:
            # The first is Keras's own; threads may leave in any order.
            nn._compute_moments = _replaced_moments[0] if len(_replaced_moments) == 1 else moments
            _replaced_moments.pop()


_moments_lock = threading.Lock()
_replaced_moments: list[Callable[..., Any]] = []


def runs_in_threads() -> bool:
    """Returns whether TensorFlow or JAX has started, with threads that a fork leaves behind.

    If one of the names is gone: return True once a first operation has run.
    """
    if keras.config.backend() == "tensorflow":
        from tensorflow.python.eager import context

        return context._context is not None and bool(context._context._initialized)
    if keras.config.backend() == "jax":
        from jax._src import xla_bridge

        return bool(xla_bridge.backends_are_initialized())
    return False
