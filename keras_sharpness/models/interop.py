"""Weights between Keras models and PyTorch state dicts.

A state dict is read by order and shape: a module goes to the first layer of its kind and shape that is still free. In a
chain of layers there is one order. Any other model may be written down in many, so that its outputs are compared.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sharpness.errors import InputError, reason, require, require_installed
from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.models import torch_layouts, torch_names
from keras_sharpness.models.torch_layouts import Entry

StateDict = Mapping[str, Any]


def load_torch(
    model: keras.Model,
    state: str | os.PathLike[str] | StateDict,
    *,
    inputs: Any = None,
    outputs: Any = None,
    tolerance: float = 1e-4,
) -> keras.Model:
    """Gives a model the weights of a PyTorch state dict.

    Without `outputs`, the model must be a chain: Sequential or functional, of `Dense`, `Conv2D`, `DepthwiseConv2D`,
    `SeparableConv2D`, `Embedding`, `GraphAttention` and batch, layer or group normalization, with others that have no
    weights between them. With `outputs`, it may branch, be subclassed, and have any layers, such as
    `MultiHeadAttention`: the weights are kept only if its outputs are PyTorch's.

    Args:
        model: Built model; channels are last.
        state: Tensors or arrays by name in PyTorch's order and layouts, or a file of such tensors that `torch.save`
            wrote. No code that the file may hold is run.
        inputs: A few inputs in the model's own layout, such as (batch, height, width, channels).
        outputs: What PyTorch computes from the same inputs in evaluation mode: an array, or several in the structure of
            the model's outputs.
        tolerance: Largest difference of outputs, divided by the largest output.

    Returns:
        `model`, changed in place.

    Raises:
        InputError: If the file cannot be read safely, an entry does not fit, or outputs differ; the model is then as it
            was.
    """
    compared = (inputs is None) == (outputs is None)
    require(compared, "`inputs` and `outputs` must be given together", inputs=type(inputs), outputs=type(outputs))
    arrays = {str(name): _array(name, value) for name, value in _mapping(state).items()}
    if outputs is None:
        _assign(_values(torch_layouts.chain(model), arrays))
    else:
        _load_what_agrees(model, arrays, inputs, outputs, tolerance)
    return model


def to_torch(
    model: keras.Model, names: Iterable[str] | StateDict | None = None, *, checked: bool = False
) -> dict[str, np.ndarray]:
    """Returns a model's weights as a PyTorch state dict.

    Args:
        model: As in `load_torch`.
        names: A state dict for names, order and shapes, such as `module.state_dict()`, or only its names; None:
            `lins.0.weight`, `convs.0.weight`, `norms.0.running_mean` and so on, which are also those of PyTorch
            Geometric's `GAT`.
        checked: Whether the model need not be a chain. Compare outputs in PyTorch then: its layers are taken in the
            order in which Keras lists them, which may not be that of the module.

    Returns:
        Arrays by name, in PyTorch's layouts.

    Raises:
        InputError: If the model has a layer of another kind, or the names do not fit it.
    """
    steps = next(torch_layouts.orders(model)) if checked else torch_layouts.chain(model)
    names = {name: None for name in names} if names is not None and not isinstance(names, Mapping) else names
    modules = torch_layouts.modules(steps, packed=names is None or torch_names.has_packed_attention(names))
    shapes = dict.fromkeys(torch_names.default(modules)) if names is None else _shapes(names)
    entries = torch_names.match(modules, shapes)
    return {name: entries[name].in_torch() if name in entries else np.zeros((), np.int64) for name in shapes}


def save_torch(
    model: keras.Model,
    path: str | os.PathLike[str],
    names: Iterable[str] | StateDict | None = None,
    *,
    checked: bool = False,
) -> None:
    """Writes a model's weights to a file for `torch.load` and `module.load_state_dict`.

    Args:
        model: As in `load_torch`.
        path: The file; it appears whole or not at all.
        names: As in `to_torch`.
        checked: As in `to_torch`.

    Raises:
        InputError: As in `to_torch`, or if PyTorch is not installed.
    """
    torch = _torch()
    state = {name: torch.tensor(array) for name, array in to_torch(model, names, checked=checked).items()}
    with atomic_open(Path(path), "wb") as file:
        torch.save(state, file)


def _load_what_agrees(
    model: keras.Model, arrays: dict[str, np.ndarray], inputs: Any, outputs: Any, tolerance: float
) -> None:
    # Tries the orders of the model's layers until its outputs are those that PyTorch gave.
    theirs = [_array("outputs", output) for output in keras.tree.flatten(outputs)]
    sound = all(np.isfinite(output).all() and output.any() for output in theirs)
    require(sound, "`outputs` must be finite, and not all zero", shapes=[output.shape for output in theirs])
    before = [(variable, ops.convert_to_numpy(variable).copy()) for variable in model.weights]
    differences = []
    try:
        for steps in torch_layouts.orders(model):
            _assign(_values(steps, arrays))
            differences.append(_difference(model, inputs, theirs))
            if differences[-1] <= tolerance:
                return
        what = f"The outputs of model and PyTorch must agree to {tolerance:g} of the largest"
        raise InputError(f"{what}. Received: a difference of {min(differences):.2g}")
    except BaseException:
        for variable, array in before:
            variable.assign(array)
        raise


def _difference(model: keras.Model, inputs: Any, theirs: list[np.ndarray]) -> float:
    # The largest difference of outputs, divided by the largest output.
    tensors = keras.tree.map_structure(ops.convert_to_tensor, inputs)
    try:
        found = [ops.convert_to_numpy(output) for output in keras.tree.flatten(model(tensors, training=False))]
    except Exception as error:  # Any backend's own, for inputs of another shape, type or structure.
        raise InputError(f"`inputs` must be inputs of the model. Received: {reason(error)}") from None
    shapes, expected = [o.shape for o in theirs], [o.shape for o in found]
    require(shapes == expected, f"`outputs` must have the shapes {expected}", shapes=shapes)
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(found, theirs, strict=True))


def _values(steps: Iterable[Any], arrays: dict[str, np.ndarray]) -> dict[Entry, np.ndarray]:
    """Returns the array of each entry of a model's layers."""
    modules = torch_layouts.modules(steps, packed=torch_names.has_packed_attention(arrays))
    values: dict[Entry, np.ndarray] = {}
    for name, entry in torch_names.match(modules, _shapes(arrays)).items():
        array = arrays[name]
        require(array.shape == entry.shape, f"`{name}` must have the shape {entry.shape}", shape=array.shape)
        same = np.array_equal(values.setdefault(entry, array), array, equal_nan=True)
        require(same, f"`{name}` must equal `lin_src.weight`: senders and receivers share their kernel")
    return values


def _assign(values: dict[Entry, np.ndarray]) -> None:
    for entry, array in values.items():
        entry.assign(array)


def _shapes(state: StateDict) -> dict[str, tuple[int, ...] | None]:
    return {name: tuple(value.shape) if hasattr(value, "shape") else None for name, value in state.items()}


def _mapping(state: str | os.PathLike[str] | StateDict) -> StateDict:
    content = _read(Path(state)) if isinstance(state, str | os.PathLike) else state
    require(isinstance(content, Mapping), "A state dict must give arrays by name", type=type(content).__name__)
    return content


def _read(path: Path) -> Any:
    torch = _torch()
    require(path.is_file(), "`state` must be a file that exists", state=str(path))
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Damaged files raise whatever the first wrong byte leads to.
        what = "A file of a state dict must be whole, and hold tensors by name and nothing else"
        raise InputError(f"{what}. Received: {path} ({type(error).__name__})") from None


def _array(name: str, value: Any) -> np.ndarray:
    require(hasattr(value, "shape"), f"`{name}` must be a tensor or an array", type=type(value).__name__)
    if hasattr(value, "detach"):
        # Wide enough for every type of PyTorch's, some of which NumPy does not have.
        value = value.detach().cpu().double()
    array = np.asarray(value)
    require(array.dtype.kind in "fiu", f"`{name}` must hold real numbers", dtype=str(array.dtype))
    return array


def _torch() -> Any:
    require_installed("torch")
    import torch

    return torch
