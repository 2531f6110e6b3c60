"""Names for what the numerical core passes around, and for the choices that users make by name.

`choices` lists a choice's names. A module that needs them only as text, such as the command line, takes them from here:
the modules that implement them import Keras, and that fixes Keras's backend.
"""

import typing
from typing import Any, Literal, TypeAlias

Array: TypeAlias = Any
"""A tensor of the active backend, or anything that converts to one."""

Weights: TypeAlias = list[Array]
"""One array per trainable weight, in Keras's own order and layouts."""

State: TypeAlias = list[Array]
"""One array per non-trainable variable: batch-norm statistics, seed generators."""

Data: TypeAlias = Any
"""All inputs and targets of a data set, as tensors of the backend; a batch is a set of indices into it."""

Block: TypeAlias = dict[str, Array]
"""Some cells of the grid of (batch, draw): "examples" (size, m), "batch" (size,), "draw" (size,)."""

BackendName: TypeAlias = Literal["tensorflow", "jax", "torch"]
"""A backend of Keras."""

NormName: TypeAlias = Literal["linf", "l2", "l1"]
"""The norm of a ball."""

ScalingName: TypeAlias = Literal["adaptive", "none", "per_filter", "per_layer"]
"""The scale c of a ball: |w|, 1, or the Euclidean norm of each filter or of each array of weights."""

MaximizerName: TypeAlias = Literal["pga", "apgd", "single_step"]
"""A rule of ascent: projected gradient ascent, the same with momentum and step halving, or one step as in SAM."""

DirectionName: TypeAlias = Literal["gradient", "steepest"]
"""The direction of a step of projected gradient ascent: the gradient, or the steepest step in the ball's norm."""

CoordinatesName: TypeAlias = Literal["weights", "scaled"]
"""The coordinates of a gradient step: the weights, or the weights divided by the scale."""

NoiseName: TypeAlias = Literal["gaussian", "uniform"]
"""The distribution of the perturbations of average-case sharpness."""

SelectionName: TypeAlias = Literal["all", "no_biases", "no_normalization", "kernels"]
"""A named set of weights that move."""

PlanName: TypeAlias = Literal["vectorized", "sequential"]
"""Whether many copies of a network are computed at once or one after another."""

StrategyName: TypeAlias = Literal["none", "mirrored", "multi_worker", "tpu"]
"""Devices that share the work: those of this process, of this machine, of several machines, or of a TPU."""

SplitName: TypeAlias = Literal["cells", "examples"]
"""What devices share: whole batches, or the examples of each batch."""

MeasureName: TypeAlias = Literal[
    "worst_case",
    "average_case",
    "grid",
    "keskar",
    "attribution",
    "eigenvalues",
    "trace",
    "spectral_density",
    "gradient_norm",
    "fisher_rao",
    "relative_flatness",
    "critical",
    "line",
    "plane",
    "barrier",
]
"""A measure of the command `measure`."""

CurvatureName: TypeAlias = Literal["hessian", "ggn", "fisher"]
"""A curvature matrix of the loss: its Hessian, the generalized Gauss-Newton matrix, or the empirical Fisher."""

DerivativesName: TypeAlias = Literal["exact", "differences"]
"""Where a matrix of second derivatives comes from: the backend, or first derivatives at two points."""

EigenvalueName: TypeAlias = Literal["magnitude", "largest", "smallest"]
"""Which eigenvalues are found: the largest in absolute value, the largest, or the most negative."""

TraceMethodName: TypeAlias = Literal["hutchinson", "hutch++"]
"""An estimator of a trace."""

LandscapeDirectionName: TypeAlias = Literal["random", "ascent"]
"""A direction through the loss landscape."""

ConditionalMethodName: TypeAlias = Literal["residual", "matched", "copula"]
"""An estimator of conditional rank correlation."""

ModelName: TypeAlias = Literal["fcnn", "lenet", "gat"]
"""A system of the paper: network, data and loss."""

ProtocolName: TypeAlias = Literal["paper", "released"]
"""A study's procedure: that of the paper's text, or that of its released code."""

OrderName: TypeAlias = Literal["to_paper", "to_code"]
"""The order of an ablation: from the released code to the paper's text, or from the text to the code."""


def choices(names: Any) -> tuple[str, ...]:
    """Returns the names of a choice, such as `NormName`, in order."""
    return typing.get_args(names)
