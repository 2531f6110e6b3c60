import keras
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support import sam_reference as slow
from tests.support.sam_reference import X, Y
from tests.support.sam_training import noisy

SUMS = keras.losses.MeanSquaredError(reduction="sum")


@pytest.mark.parametrize("loss", [["mse", SUMS], keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")])
def test_parts_of_losses_that_do_not_add_up_are_refused(loss):
    trainer = ks.SAM(noisy() if isinstance(loss, list) else slow.network(), m=4)
    trainer.compile("sgd", loss)
    with pytest.raises(InputError, match="`m` must be None"):
        trainer.fit(X, [Y[:, :1], Y[:, 1:]] if isinstance(loss, list) else Y, verbose=0)
