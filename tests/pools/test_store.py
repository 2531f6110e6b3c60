import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files import numbered
from keras_sharpness.models import fcnn
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.store import PoolStore, load_member
from tests.support import cases


@pytest.fixture
def member():
    weights = [w.astype("float32") for w in cases.fcnn().weights]
    return Member(index=3, seed=17, weights=weights, state=[], epoch_losses=(0.5, 0.25))


def test_a_member_comes_back_whole(tmp_path, member):
    store = PoolStore(tmp_path)
    store.save_member(member, {"train_loss": 0.2, "test_loss": 0.3})
    assert store.trained() == {3}
    again = store.load_member(3)
    assert (again.index, again.seed, again.epoch_losses) == (3, 17, (0.5, 0.25))
    for a, b in zip(again.weights, member.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert store.load_row(3) == {"index": 3, "seed": 17, "epochs": 2, "train_loss": 0.2, "test_loss": 0.3}


def test_a_member_is_rebuilt_as_a_keras_model(tmp_path, member):
    PoolStore(tmp_path).save_member(member, {})
    model = load_member(tmp_path, 3, fcnn())
    x = cases.fcnn().x
    np.testing.assert_allclose(model.predict(x, verbose=0), cases.fcnn().model.predict(x, verbose=0), rtol=1e-6)


def test_a_damaged_file_is_named(tmp_path, member):
    store = PoolStore(tmp_path)
    store.save_member(member, {})
    (path,) = tmp_path.glob("pool/*.npz")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="00003.npz must be a whole file"):
        store.load_member(3)


def test_a_missing_member_is_named(tmp_path):
    with pytest.raises(InputError, match="Model 5 must have been saved"):
        PoolStore(tmp_path).load_member(5)


def test_details_come_back(tmp_path):
    store = PoolStore(tmp_path)
    store.save_details(2, {"test_losses": np.arange(3.0)})
    assert store.detailed() == {2} and store.measured() == set()
    store.save_paths(2, {"losses": np.zeros((2, 3)), "gradient_norms": np.ones(2)})
    details = store.load_details(2)
    np.testing.assert_array_equal(details["test_losses"], np.arange(3.0))
    np.testing.assert_array_equal(details["gradient_norms"], np.ones(2))
    store.clear()
    assert store.detailed() == set()


def test_clear_removes_everything(tmp_path, member):
    store = PoolStore(tmp_path)
    store.save_member(member, {})
    store.save_paths(3, {"losses": np.zeros((2, 3))})
    store.clear()
    assert store.trained() == store.measured() == set()


def test_a_link_counts_as_damaged_and_is_replaced_not_followed(tmp_path, member, caplog):
    store = PoolStore(tmp_path / "run")
    store.save_member(member, {})
    path, elsewhere = tmp_path / "run" / "pool" / "00003.npz", tmp_path / "elsewhere.npz"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    assert store.trained() == set() and "00003.npz is damaged" in caplog.text
    store.save_member(member, {"test_loss": 1.0})
    assert store.trained() == {3} and not path.is_symlink() and elsewhere.read_bytes() == before


def test_measures_are_packed_too(tmp_path, monkeypatch):
    monkeypatch.setattr(numbered, "BLOCK", 2)
    store = PoolStore(tmp_path)
    for index in range(3):
        store.save_measures(index, {"values": {"l2_norm": index}})
    assert sorted(path.name for path in (tmp_path / "measures").iterdir()) == ["00000-00001.zip", "00002.json"]
    assert [store.load_measures(index) for index in (1, 2, 3)] == [
        *({"values": {"l2_norm": index}} for index in (1, 2)),
        {},
    ]
    store.clear()
    assert not [*(tmp_path / "measures").iterdir()]
