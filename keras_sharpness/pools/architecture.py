"""Models that are built alike: what trains and evaluates them, compiled once."""

from collections.abc import Callable
from typing import Any

from keras_sharpness.pools.data_split import Split
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.recipe import Recipe
from keras_sharpness.pools.scores import compile_split_scores
from keras_sharpness.pools.space import Setting
from keras_sharpness.pools.trainer import CompiledTraining, Trainer
from keras_sharpness.pools.update_rules import KerasRule


class Architecture:
    """The models of all settings that `build` makes alike.

    Attributes:
        score: From a member to losses and error rates of training and test; see `compile_split_scores`.
    """

    def __init__(
        self, recipe: Recipe, setting: Setting, train: Split, test: Split, plan: str | None, distribution: Any
    ) -> None:
        """Builds one of the models, and checks that model, loss and data fit.

        Args:
            recipe: How models are built and trained.
            setting: One of the settings.
            train: Training examples.
            test: Test examples.
            plan: Plan of the training; see `CompiledTraining`.
            distribution: Where members train and are evaluated.

        Raises:
            InputError: If `build` fails, or model, loss and data do not fit.
        """
        self._recipe, self._train, self._plan, self._distribution = recipe, train, plan, distribution
        self._model = recipe.model(setting, train)
        self._trained, reported = recipe.objectives(self._model, train)
        reported.check(test.data, test.examples)
        self.score = compile_split_scores(reported, {"training": train, "test": test}, distribution)
        self._part = train.receptive_field(self._model)
        self._compiled: dict[Any, tuple[KerasRule, CompiledTraining]] = {}

    def start(self, setting: Setting, index: int, seed: int) -> Member:
        """Returns a member before its first step; see `Recipe.start`."""
        return self._recipe.start(self._model, self._training(setting)[0], setting, index, seed, self._train)

    def trainer(self, setting: Setting, start: Callable[[int], Member], num_models: int) -> Trainer:
        """Returns the trainer of a family.

        Args:
            setting: A setting of the family.
            start: From a place in the pool to the member before its first step.
            num_models: Models of the family.

        Raises:
            InputError: If the optimizer cannot be taken, or the plan does not fit the model.
        """
        on, epochs = (self._part.data, self._part.examples), self._recipe.epochs_of(setting)
        return Trainer(self._training(setting)[1], *on, epochs, start, num_models, self._distribution)

    def _training(self, setting: Setting) -> tuple[KerasRule, CompiledTraining]:
        """Returns the rule of a setting and the compiled steps, which batches of all sizes share."""
        key = self._recipe.optimization(setting)
        if key not in self._compiled:
            rule = self._recipe.rule(self._model, setting)
            self._compiled[key] = rule, CompiledTraining(self._trained, rule, self._plan)
        return self._compiled[key]
