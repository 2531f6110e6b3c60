import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.measures.climbing import LossPaths, best_paths, climbs

ASCENT = ks.Restarts(maximizer=ks.PGA(num_steps=3, step_size=0.1), num_restarts=2)


def test_the_best_start_of_each_batch_gives_its_path():
    losses = np.array([[[1.0, 2.0, 5.0], [1.5, 4.0, 3.0]], [[2.0, 3.0, 3.0], [9.0, 1.0, 6.0]]])
    # The first start's first loss is that of the weights, whichever start is best.
    np.testing.assert_array_equal(best_paths(losses), [[1.0, 2.0, 5.0], [2.0, 1.0, 6.0]])


@pytest.mark.slow
def test_paths_of_many_models_are_those_of_each(small):
    sample = ks.Sample(*small, m=5, num_batches=4)
    grid, ball = sample.grid(2), ks.Ball(rho=0.1)
    weights, state = sample.values()
    models = [([factor * w for w in weights], state) for factor in (1.0, 0.5)]
    climb = climbs(grid, ball, ASCENT)
    for model, (losses, norms) in zip(models, LossPaths(grid, ball, ASCENT)(models), strict=True):
        found = climb(*model)
        assert found.path["losses"].shape == found.path["radii"].shape == (4, 2, 4)
        np.testing.assert_allclose(losses, best_paths(found.path["losses"]), rtol=1e-5)
        np.testing.assert_array_equal(norms, found.path["slopes"][:, 0, 0])
        assert (found.path["radii"] <= 0.1 * (1 + 1e-5)).all()


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("scaling", ["adaptive", "none"])
def test_gradient_norms_are_those_of_each_batch_by_itself(small, norm, scaling):
    sample, options = ks.Sample(*small, m=4, num_batches=3), {"norm": norm, "scaling": scaling}
    (found,) = LossPaths(sample.grid(), ks.Ball(rho=0.0, **options), ks.SingleStep())([sample.values()])
    expected = [ks.gradient_norm(*small, examples=batch, **options) for batch in sample.batches]
    np.testing.assert_allclose(found.gradient_norms, expected, rtol=1e-4)


def test_another_radius_and_a_mask_are_arguments(small):
    sample = ks.Sample(*small, m=5, num_batches=4)
    climb = climbs(sample.grid(), ks.Ball(rho=0.1), ks.APGD(num_steps=5))
    wide = climb(*sample.values(), None, 0.2).path
    np.testing.assert_allclose(
        wide["losses"], climbs(sample.grid(), ks.Ball(rho=0.2), ks.APGD(num_steps=5))(*sample.values()).path["losses"]
    )
    assert wide["radii"].max() > 0.15
    still = climb(*sample.values(), [np.zeros(v.shape, "float32") for v in small[0].trainable_variables], 0.2).path
    assert np.ptp(still["losses"], axis=2).max() < 1e-6


def test_the_best_perturbation_has_the_highest_loss(small):
    model, x, y, loss = small
    sample = ks.Sample(*small, m=None)
    found = climbs(sample.grid(), ks.Ball(rho=0.2), ks.APGD(num_steps=5), keep_best=True)(*sample.values())
    before = model.get_weights()
    model.set_weights([w + delta[0, 0] for w, delta in zip(before, found.best, strict=True)])
    try:
        outputs = model.predict(x, verbose=0)
    finally:
        model.set_weights(before)
    np.testing.assert_allclose(np.mean((outputs - y) ** 2), found.path["losses"].max(), rtol=1e-4)
