"""Folders that cannot be: refused, with nothing left behind. Those of the command line are in the corpus."""

import errno
import os

import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files import writable


@pytest.mark.parametrize("parts", [(), ("new",), ("new", "deep")])
def test_a_folder_that_can_be_is_not_made(tmp_path, parts):
    writable.require_writable(tmp_path.joinpath(*parts))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_file_system_that_takes_nothing(tmp_path, monkeypatch, number):
    def refuse(**options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(writable.tempfile, "TemporaryFile", refuse)
    message = (
        f"must be a folder that can be written to. Received: {os.strerror(number)}, [0-9,]+ bytes free in {tmp_path}"
    )
    with pytest.raises(InputError, match=message):
        writable.require_writable(tmp_path / "run")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full is needed")
def test_a_disk_that_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(writable.tempfile, "TemporaryFile", lambda **options: open("/dev/full", "wb", buffering=0))
    with pytest.raises(InputError, match="No space left on device, .* bytes free"):
        writable.require_writable(tmp_path / "run")
