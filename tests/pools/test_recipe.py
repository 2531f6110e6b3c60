import keras
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.pools.data_split import read_split
from keras_sharpness.pools.recipe import Recipe
from keras_sharpness.pools.schedule import Epochs
from tests.support.small_pool import TRAIN, build

SETTING = {"width": 4, "learning_rate": 0.1, "weight_decay": 0, "batch_size": 8}
SPLIT = read_split("train", TRAIN)


def recipe(build=build, **options):
    return Recipe(build=build, epochs=Epochs(), **options)


def test_rates_are_free_batch_sizes_share_an_architecture_and_arguments_of_build_do_not():
    def alike(key, **change):
        return getattr(recipe(), key)(SETTING) == getattr(recipe(), key)(SETTING | change)

    for rate in ({"learning_rate": 0.2}, {"weight_decay": 0.1}):
        assert alike("family", **rate) and alike("architecture", **rate) and alike("optimization", **rate)
    assert not alike("family", batch_size=16) and alike("architecture", batch_size=16)
    assert alike("optimization", batch_size=16) and not alike("architecture", width=5)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    assert not alike("optimization", learning_rate=schedule) and alike("architecture", learning_rate=schedule)


def test_what_build_takes_is_not_the_trainings():
    def own(width, learning_rate, batch_size):
        return build(width)

    assert recipe(own).rates(SETTING) == {"learning_rate": None, "weight_decay": 0}
    assert (
        recipe(own).epochs_of(SETTING).batch_size == Epochs().batch_size and recipe().epochs_of(SETTING).batch_size == 8
    )
    assert recipe(own).architecture(SETTING) != recipe(own).architecture(SETTING | {"learning_rate": 0.2})
    recipe(lambda **others: None).require_known(["depth", "learning_rate"])
    with pytest.raises(InputError, match="unknown=.'depth'"):
        recipe().require_known(["width", "depth"])


def test_the_optimizer_is_the_settings_then_the_arguments_then_the_models_then_sgd():
    def compiled(width):
        model = build(width)
        model.compile("adam")
        return model

    def kind(setting, build=build, **options):
        of = recipe(build, **options)
        return type(of.rule(of.model(setting, SPLIT), setting)._optimizer).__name__

    assert kind({"width": 4}) == "SGD" and kind({"width": 4}, compiled) == "Adam"
    assert kind({"width": 4}, compiled, optimizer="rmsprop") == "RMSprop"
    assert kind({"width": 4, "optimizer": "lion"}, compiled, optimizer="rmsprop") == "Lion"


def test_a_model_that_needs_data_is_built_on_them():
    def lazy(width):
        return keras.Sequential([keras.layers.Dense(width), keras.layers.Dense(2)])

    assert recipe(lazy).model({"width": 4}, SPLIT).built
