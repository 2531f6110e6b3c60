"""From a setting of hyper-parameters to the model, the loss and the update rule that train."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_sharpness.distribution.structures import to_numpy
from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.objective.labelled_data import take
from keras_sharpness.objective.losses import LossLike
from keras_sharpness.objective.objective import Objective, values
from keras_sharpness.pools.data_split import Split
from keras_sharpness.pools.initialization import INITIALIZATIONS, initialize
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.schedule import Epochs
from keras_sharpness.pools.space import Setting
from keras_sharpness.pools.update_rules import KerasRule

# Members that differ in these alone share a compiled step.
RATES = ("learning_rate", "weight_decay")
TRAINING = (*RATES, "batch_size", "optimizer")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the models of a pool are built and trained.

    Attributes:
        build: From hyper-parameters to a Keras model.
        loss: The loss; None: that of the built model.
        optimizer: Optimizer of Keras or its name; None: that of the built model, or plain SGD.
        epochs: How members go through the examples, and when they stop.
        initialization: How initial weights are drawn, a name of `INITIALIZATIONS`; None: `build` draws them anew for
            each member, which takes longer.
    """

    build: Callable[..., keras.Model]
    loss: LossLike = None
    optimizer: Any = None
    epochs: Epochs
    initialization: str | None = None

    def __post_init__(self) -> None:
        """Checks what can be checked before a model is built.

        Raises:
            InputError: If `build` cannot be called, or there is no such initialization.
        """
        require(callable(self.build), "`build` must be a function of hyper-parameters", build=type(self.build).__name__)
        known = (None, *INITIALIZATIONS)
        what = f"`initialization` must be None or one of {', '.join(INITIALIZATIONS)}"
        require(self.initialization in known, what, initialization=self.initialization)

    def require_known(self, names: list[str]) -> None:
        """Raises unless each hyper-parameter is an argument of `build`, or one of the training's.

        Args:
            names: The hyper-parameters.

        Raises:
            InputError: If one is neither.
        """
        unknown = [name for name in names if not self._is_built(name) and name not in TRAINING]
        what = f"`space` must hold arguments of `build`, or {', '.join(TRAINING)}"
        require(not unknown, what, unknown=unknown)

    def architecture(self, setting: Setting) -> tuple[Any, ...]:
        """Returns a key, the same for settings whose models are built alike."""
        return tuple(_key(value) for name, value in setting.items() if self._is_built(name))

    def family(self, setting: Setting) -> tuple[Any, ...]:
        """Returns a key, the same for settings whose models share a compiled step."""
        return tuple(_key(value) for name, value in setting.items() if not self._is_free(name, setting))

    def model(self, setting: Setting, train: Split) -> keras.Model:
        """Builds a model.

        Args:
            setting: The setting.
            train: Training examples, for a model that needs to see some to be built.

        Returns:
            The model, with initial weights of its own.

        Raises:
            InputError: If `build` fails, or returns no Keras model.
        """
        try:
            model = self.build(**{name: value for name, value in setting.items() if self._is_built(name)})
            require(isinstance(model, keras.Model), "`build` must return a Keras model", model=type(model).__name__)
            if not model.built:
                inputs = train.data.tensors[0]
                model(inputs if train.data.graph is not None else take(inputs, np.arange(1)))
        except InputError:
            raise
        except Exception as error:  # Whatever the user's own function raises.
            raise InputError(f"`build` must return a model for each setting. Received: {reason(error)}") from error
        return model

    def objectives(self, model: keras.Model, train: Split) -> tuple[Objective, Objective]:
        """Returns the loss that is trained, penalties of weights included, and the loss that is reported."""
        on_graph = train.data.graph is not None
        trained, reported = (
            Objective(model, self.loss, on_graph=on_graph, regularization=penalties) for penalties in (True, False)
        )
        trained.check(train.data, train.examples)
        return trained, reported

    def optimization(self, setting: Setting) -> tuple[Any, ...]:
        """Returns a key, the same for settings whose steps are compiled alike, for batches of any size."""
        shared = ("optimizer", *RATES)
        return tuple(_key(setting[name]) for name in shared if name in setting and not self._is_free(name, setting))

    def rule(self, model: keras.Model, setting: Setting) -> KerasRule:
        """Returns the update rule.

        Args:
            model: The model.
            setting: A setting.

        Raises:
            InputError: If there is no such optimizer, or the rule cannot take it.
        """
        chosen = setting.get("optimizer") if not self._is_built("optimizer") else None
        given = next((o for o in (chosen, self.optimizer, getattr(model, "optimizer", None)) if o is not None), "sgd")
        rate = setting.get("learning_rate") if not self._is_built("learning_rate") else None
        try:
            optimizer = keras.optimizers.get(given)
            if rate is not None and not isinstance(rate, (int, float)):
                optimizer = type(optimizer).from_config(optimizer.get_config() | {"learning_rate": rate})
        except Exception as error:  # Keras raises errors of several types.
            raise InputError(f"`optimizer` must be one of Keras's. Received: {reason(error)}") from error
        decays = "weight_decay" in setting and not self._is_built("weight_decay")
        return KerasRule(optimizer, model.trainable_variables, decays)

    def epochs_of(self, setting: Setting) -> Epochs:
        """Returns the epochs of a setting, which may have a batch size of its own."""
        if "batch_size" not in setting or self._is_built("batch_size"):
            return self.epochs
        return dataclasses.replace(self.epochs, batch_size=setting["batch_size"])

    def rates(self, setting: Setting) -> dict[str, float | None]:
        """Returns learning rate and weight decay of a setting; None where the optimizer has them."""
        return {name: setting.get(name) if self._is_free(name, setting) else None for name in RATES}

    def start(
        self, model: keras.Model, rule: KerasRule, setting: Setting, index: int, seed: int, train: Split
    ) -> Member:
        """Returns a member before its first step.

        Args:
            model: A model of its family.
            rule: The family's rule.
            setting: Its setting.
            index: Its place in the pool.
            seed: Its seed.
            train: Training examples.

        Raises:
            InputError: If `build` returns another architecture than before.
        """
        if self.initialization:
            weights, state = initialize(model, np.random.default_rng([seed, 0]), self.initialization)
        else:
            keras.utils.set_random_seed(seed)
            weights, state = to_numpy(values(self.model(setting, train)))
        member = Member(
            index=index,
            seed=seed,
            weights=weights,
            state=state,
            optimizer=rule.start(**self.rates(setting)),
            initial=weights,
        )
        return member.checked(model)

    def _is_free(self, name: str, setting: Setting) -> bool:
        """Returns whether members of a family may differ in a hyper-parameter: a rate that is a number."""
        number = isinstance(setting.get(name), (int, float, type(None)))
        return name in RATES and number and not self._is_built(name)

    def _is_built(self, name: str) -> bool:
        """Returns whether a hyper-parameter is an argument of `build`."""
        parameters = inspect.signature(self.build).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        return name in parameters or (takes_all and name not in TRAINING)


def _key(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else id(value)
