import pytest

from keras_sharpness import data
from keras_sharpness.errors import InputError

HEAVY = ("tensorflow", "keras", "tensorflow_datasets", "tensorflow_gnn", "pandas", "scipy", "jax", "torch")
LOAD_LIGHTLY = f"""
import sys
from keras_sharpness import data
data.load("abalone"), data.load("cora")
print([name for name in {HEAVY} if name in sys.modules])
"""


def test_abalone_and_cora_need_numpy_alone(run_python):
    process = run_python("-c", LOAD_LIGHTLY)
    assert process.returncode == 0, process.stderr
    assert process.stdout == "[]\n"


@pytest.mark.parametrize("function", [data.load, data.builder])
def test_an_unknown_name_is_refused_with_the_known_ones(function):
    with pytest.raises(InputError, match="must be one of abalone, cora, fashion_mnist. Received: name='mnist'"):
        function("mnist")


@pytest.mark.parametrize("name", data.NAMES)
def test_a_data_dir_that_is_no_folder_is_refused(name, tmp_path):
    with pytest.raises(InputError, match="`data_dir` must be a folder that exists"):
        data.load(name, tmp_path / "missing")


@pytest.mark.parametrize("name", ["abalone", "cora"])
def test_splits_hold_indices_of_examples(name):
    dataset = data.load(name)
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.dtype == "int64"
        assert len(split) == 0 or 0 <= split.min() <= split.max() < len(dataset.y)
