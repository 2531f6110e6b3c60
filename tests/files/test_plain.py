"""Plain files only; what may stand in the place of one is in the corpus too."""

import os

import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files.plain import read, read_plain


def test_links_are_followed_where_they_may_be(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert (
        read(tmp_path / "file") == read(tmp_path / "link") == read_plain(tmp_path / "file", linked=False) == b"content"
    )
    with pytest.raises(InputError, match="must be a plain file, not a link"):
        read_plain(tmp_path / "link", linked=False)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe must be a plain file"):
        read(tmp_path / "pipe")


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "none")
    with pytest.raises(InputError, match="none must be a readable file. Received: No such file"):
        read(tmp_path / "none")
