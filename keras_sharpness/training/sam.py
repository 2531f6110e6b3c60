"""Sharpness-aware minimization as a Keras model around a model."""

import dataclasses
from typing import Any

import keras

from keras_sharpness.backend.internals import flatten_layers
from keras_sharpness.errors import require
from keras_sharpness.maximizers import Maximizer, SingleStep
from keras_sharpness.objective.selection import Selection
from keras_sharpness.training.sam_ascent import Ascent, Schedule
from keras_sharpness.training.sam_steps import stateful_step, stateless_step

OWN_STEPS = ("train_step", "compute_loss", "compute_metrics")


@keras.saving.register_keras_serializable(package="keras_sharpness")
class SAM(keras.Model):
    """Trains a model to a minimum whose neighbourhood has low loss: sharpness-aware minimization.

    Each step climbs from the weights w to w + delta and hands the optimizer the gradient there:

        delta = rho g / ||g||_2,  g the gradient at w            (arXiv:2010.01412, equation 2)
        delta = rho c^2 g / ||c g||_2,  c = |w| + eta            (adaptive=True; arXiv:2102.11600, equation 9)

    Otherwise it is a Keras model like the one inside: `compile`, `fit`, `evaluate`, `predict`, `save` and
    `keras.models.load_model` work as usual. Metrics, loss and moving statistics are those of the pass at w, and both
    passes drop the same units. A step costs about two plain ones.

        trainer = ks.SAM(model, rho=0.05)
        trainer.compile("sgd", "mse")
        trainer.fit(x, y)
        trained = trainer.model

    The loss that is climbed is all that `fit` minimizes: penalties and what layers add by `add_loss` too. With gradient
    accumulation, each batch climbs on its own. On TensorFlow, replicas of a `tf.distribute.Strategy` climb together
    unless `m` is given.

    Attributes:
        model: The model inside.
        ascent: The settings.
    """

    def __init__(
        self,
        model: keras.Model,
        rho: Schedule = 0.05,
        adaptive: bool | Selection = False,
        eta: float = 0.0,
        norm: str = "l2",
        m: int | None = None,
        maximizer: Maximizer = SingleStep(),  # noqa: B008
        every: int = 1,
        select: Selection = "all",
        **model_options: Any,
    ) -> None:
        """Wraps a model.

        Args:
            model: Built Keras model. Its weights are those that are trained.
            rho: Radius of the ball, or a `keras.optimizers.schedules.LearningRateSchedule` of it over the steps.
            adaptive: Whether the ball is measured in units of c = |w| + eta. A selection such as "no_biases": in these
                units for the selected weights, in units of 1 for the others, as the code of adaptive SAM does.
            eta: Floor added to |w|.
            norm: "l2", "linf" or "l1"; over all weights together.
            m: Examples that climb together, so that each m of a batch climb on their own; None: the whole batch.
                The first pass is that of the whole batch also then, which makes three passes.
            maximizer: How to climb: `SingleStep`, or `PGA` or `APGD` in several steps, one gradient each.
            every: Each so many steps of the optimizer climb; the others are plain.
            select: Which weights are perturbed; see `Sample`. All are trained.
            **model_options: `name`, `trainable` and `dtype` of this model.

        Raises:
            InputError: If an argument is out of range, or the model cannot be trained so.
        """
        _require_trainable(model)
        super().__init__(**{"dtype": model.dtype_policy, **model_options})
        self.model = model
        self.ascent = Ascent(
            rho=rho, adaptive=adaptive, eta=eta, norm=norm, m=m, maximizer=maximizer, every=every, select=select
        )
        self.ascent.kinds(model)  # refuses names that match nothing
        if hasattr(model, "output_names"):
            # By these, `compile` and `fit` know losses and targets of several outputs.
            self.output_names = model.output_names
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Returns the outputs of the model inside."""
        return self.model(inputs, training=training)

    def train_step(self, *state_and_data: Any) -> Any:
        """Takes one step.

        Args:
            *state_and_data: The batch; on JAX the state before it.

        Returns:
            The metrics; on JAX the state beside them.
        """
        if keras.config.backend() == "jax":
            return stateless_step(self, self.ascent, *state_and_data)
        return stateful_step(self, self.ascent, *state_and_data)

    def get_config(self) -> dict[str, Any]:
        """Returns all settings and the model inside, JSON-ready.

        Raises:
            InputError: If a setting is a function or an object of the user's.
        """
        return {
            "name": self.name,
            "model": keras.saving.serialize_keras_object(self.model),
            **self.ascent.get_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SAM":
        """Returns the model of a config.

        Args:
            config: What `get_config` returned.
            custom_objects: Classes and functions by name, as of `keras.models.load_model`.
        """
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects=custom_objects)
        fields = {field.name for field in dataclasses.fields(Ascent)}
        ascent = Ascent.from_config({name: value for name, value in config.items() if name in fields})
        return cls(model, name=config["name"], **{name: getattr(ascent, name) for name in fields})


def _require_trainable(model: keras.Model) -> None:
    """Raises unless a model can be trained by sharpness-aware steps.

    Args:
        model: The model.

    Raises:
        InputError: If it cannot.
    """
    require(isinstance(model, keras.Model), "`model` must be a Keras model", model=type(model).__name__)
    require(model.built, "`model` must be built: call it on a batch, or give it an Input", model=model.name)
    kind = type(model)
    own = [name for name in OWN_STEPS if getattr(kind, name) is not getattr(keras.Model, name)]
    require(not own, "`model` must train as Keras does, without methods of its own", methods=own)
    require(bool(model.trainable_variables), "`model` must have trainable weights", model=model.name)
    wrapped = [layer.name for layer in flatten_layers(model) if isinstance(layer, keras.layers.TorchModuleWrapper)]
    require(not wrapped, "`model` must hold no PyTorch modules, whose buffers each pass would change", layers=wrapped)
    written = [v.path for v in model.trainable_variables if getattr(v, "overwrite_with_gradient", False)]
    require(not written, "`model` must not be quantized, since its scales are no weights", weights=written[:3])
