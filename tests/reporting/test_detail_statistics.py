"""Statistics of a pool whose batches and test examples are known one by one."""

import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files.checksum import save_compressed
from keras_sharpness.reporting.detail_statistics import (
    Details,
    beside_gradient_norm,
    corrected,
    over_sources,
    read_details,
)
from keras_sharpness.statistics import compare_paired_taus, crossed_bootstrap, kendall, split_half_reliability
from tests.reporting.fake_run import make_details


def test_each_source_has_its_interval():
    details = Details(**make_details())
    found = dict(over_sources(details))
    assert list(found) == ["models", "batches", "test examples", "all three"]
    expected = crossed_bootstrap(details.rises, details.test_losses)
    assert found["all three"] == expected
    assert found["batches"].ci_high - found["batches"].ci_low < expected.ci_high - expected.ci_low


def test_tau_without_the_noise_of_the_batches():
    details = Details(**make_details())
    found = corrected(details)
    assert found.reliability == split_half_reliability(details.rises)
    assert abs(found.corrected.tau) > abs(found.tau)


def test_the_gradient_norm_in_place_of_sharpness():
    details = Details(**make_details())
    sharpness, norms, losses = details.means
    np.testing.assert_array_equal(norms, details.gradient_norms.mean(axis=1))
    found = dict(beside_gradient_norm(details))
    assert found["gradient norm with test loss"].tau == kendall(norms, losses).tau
    expected = compare_paired_taus((sharpness, losses), (norms, losses))
    assert found["difference, same networks"] == expected
    constant = Details(**make_details() | {"gradient_norms": np.ones((40, 6))})
    assert beside_gradient_norm(constant) == []


def test_a_file_is_read_without_models_that_diverged(tmp_path):
    path, arrays = tmp_path / "details.npz", make_details()
    assert read_details(path) is None
    arrays["test_losses"][3, 2] = np.nan
    save_compressed(path, **arrays)
    found = read_details(path)
    assert len(found.rises) == 39
    np.testing.assert_array_equal(found.test_losses, np.delete(arrays["test_losses"], 3, axis=0))


def test_a_small_pool_has_no_such_statistics_and_another_file_is_refused(tmp_path):
    save_compressed(tmp_path / "few.npz", **{name: table[:14] for name, table in make_details().items()})
    assert read_details(tmp_path / "few.npz") is None
    save_compressed(tmp_path / "other.npz", rises=np.zeros((20, 3)))
    with pytest.raises(InputError, match="other.npz must hold rises, gradient_norms, test_losses"):
        read_details(tmp_path / "other.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "few.npz").read_bytes()[:300])
    with pytest.raises(InputError, match="it is damaged"):
        read_details(tmp_path / "cut.npz")
