import json
import logging

import keras
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.pools.train_pool import train_pool
from tests.support.small_pool import OPTIONS, SPACE, TEST, TRAIN, X, Y, build


def test_a_pool_goes_on_with_the_same_numbers(tmp_path):
    whole = train_pool(build, TRAIN, TEST, space=SPACE, seeds=2, output_dir=tmp_path / "whole", **OPTIONS)
    asked = iter(range(100))
    options = OPTIONS | {"output_dir": tmp_path / "part"}
    part = train_pool(build, TRAIN, TEST, space=SPACE, seeds=1, stop=lambda: next(asked) > 5, **options)
    assert 0 < len(part) < 8
    for path in [*(tmp_path / "part" / "pool").glob("*.npz")][:1]:
        path.write_bytes(path.read_bytes()[:-9])
    again = train_pool(build, TRAIN, TEST, space=SPACE, seeds=2, **options)
    assert len(again) == 16
    for ours, theirs in zip(again.rows, whole.rows, strict=True):
        assert {k: v for k, v in ours.items() if isinstance(v, (int, str))} == {
            k: v for k, v in theirs.items() if isinstance(v, (int, str))
        }
        assert ours["test_loss"] == pytest.approx(theirs["test_loss"], rel=1e-5)
    with pytest.raises(InputError, match="a pool with the same settings.*differing=.'epochs'"):
        train_pool(build, TRAIN, TEST, space=SPACE, seeds=2, **options | {"max_epochs": 4})
    fewer = (X[:29], Y[:29])
    with pytest.raises(InputError, match="a pool with the same settings.*differing=.'data'"):
        train_pool(build, fewer, TEST, space=SPACE, seeds=2, **options)
    afresh = train_pool(build, TRAIN, TEST, space={"width": [4]}, resume=False, **options)
    assert len(afresh) == 1 and PoolStore(tmp_path / "part").trained() == {0}
    assert json.loads((tmp_path / "part" / "pool.json").read_text())["settings"] == [{"width": 4}]


def test_a_setting_that_fails_is_named_and_the_others_go_on(caplog):
    def fails(width):
        return build(width if width > 0 else 1 / 0)

    with caplog.at_level(logging.WARNING):
        pool = train_pool(fails, TRAIN, TEST, space={"width": [4, 0, 6]}, **OPTIONS)
    assert [row["width"] for row in pool.rows] == [4, 6] and [*pool.failures] == [1]
    assert "setting {'width': 0} is not trained: `build` must return a model" in caplog.text
    assert "1 settings failed" in repr(pool)


def test_an_optimizer_that_keras_numbered_otherwise_is_the_same(tmp_path):
    options = OPTIONS | {"output_dir": tmp_path, "max_epochs": 1}
    for _ in range(2):  # "sgd", then "sgd_1"
        optimizer = keras.optimizers.SGD(0.1)
        assert len(train_pool(build, TRAIN, TEST, space={"width": [4]}, **options | {"optimizer": optimizer})) == 1
    with pytest.raises(InputError, match="differing=.'optimizer'"):
        train_pool(build, TRAIN, TEST, space={"width": [4]}, **options | {"optimizer": keras.optimizers.SGD(0.2)})
