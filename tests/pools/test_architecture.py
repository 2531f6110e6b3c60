from keras_sharpness.pools.train_pool import train_pool
from keras_sharpness.pools.trainer import CompiledTraining, Trainer
from tests.support.small_pool import OPTIONS, SPACE, TEST, TRAIN, build


def test_models_of_one_family_share_a_compiled_step(monkeypatch):
    made = []
    monkeypatch.setattr(
        "keras_sharpness.pools.architecture.Trainer",
        lambda *args, **kwargs: made.append(args[5]) or Trainer(*args, **kwargs),
    )
    train_pool(build, TRAIN, TEST, space=SPACE | {"weight_decay": [0, 0.1]}, seeds=3, **OPTIONS)
    assert made == [12] * 4


def test_steps_are_compiled_once_for_all_batch_sizes_and_rates(monkeypatch):
    made = []
    monkeypatch.setattr(
        "keras_sharpness.pools.architecture.CompiledTraining",
        lambda *args: made.append(args) or CompiledTraining(*args),
    )
    train_pool(build, TRAIN, TEST, space=SPACE | {"width": [4]}, **OPTIONS)
    assert len(made) == 1
