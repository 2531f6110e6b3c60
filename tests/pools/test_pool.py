import math

import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.pools.pool import status_of, with_gaps
from keras_sharpness.pools.train_pool import train_pool
from tests.support.small_pool import OPTIONS, TEST, TRAIN, build


@pytest.mark.parametrize(
    ("losses", "stop_loss", "status"),
    [
        ((0.1, 0.1), 0.1, "reached"),
        ((0.1, 0.11), 0.1, "missed"),
        ((0.1, 0.1), None, "ended"),
        ((math.nan, 0.1), 0.1, "diverged"),
        ((0.1, math.inf), None, "diverged"),
    ],
)
def test_how_a_training_ended(losses, stop_loss, status):
    assert status_of(*losses, stop_loss) == status


def test_gaps_are_test_minus_training():
    scores = {"training_loss": 1.0, "test_loss": 1.5}
    assert with_gaps(scores) == scores | {"gap": 0.5}
    assert with_gaps(scores | {"training_error": 0.25, "test_error": 0.5})["error_gap"] == 0.25


def test_a_model_that_diverges_says_so():
    pool = train_pool(build, TRAIN, TEST, space={"learning_rate": [1e30]}, stop_loss=0.1, **OPTIONS)
    assert pool.rows[0]["status"] == "diverged"


def test_a_model_that_is_not_there_is_named():
    pool = train_pool(build, TRAIN, TEST, space={"width": [4]}, **OPTIONS)
    assert len(pool) == 1 and len(pool.table()) == 1 and pool.table().attrs["hyper_parameters"] == ["width"]
    with pytest.raises(InputError, match="`index` must be that of one of the pool's 1 models. Received: index=3"):
        pool.model(3)
