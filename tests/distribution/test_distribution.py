"""The functions that users call."""

import pytest

from keras_sharpness import distribution
from keras_sharpness.distribution.threads import Threads
from keras_sharpness.errors import InputError


def test_none_means_the_threads_of_this_process():
    assert isinstance(distribution.distribute(None), Threads)
    assert distribution.start("none") is None


def test_a_distribution_stays_as_it_is():
    threads = Threads()
    assert distribution.distribute(threads) is threads


@pytest.mark.parametrize("function", [distribution.distribute, distribution.split_examples])
def test_anything_else_is_refused(function):
    with pytest.raises(InputError, match="`distribution` must be a .*Received: distribution=3"):
        function(3)


def test_public_names_stay():
    for name in ("distribute", "start", "split_examples", "map_in_threads", "AbstractDistribution", "Threads"):
        assert hasattr(distribution, name)
