import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files.lock import alone_in


def test_a_second_process_is_refused(tmp_path):
    with alone_in(tmp_path / "run"), pytest.raises(InputError, match="another process works in it"):  # noqa: SIM117
        with alone_in(tmp_path / "run"):
            pass
    with alone_in(tmp_path / "run"):
        pass
