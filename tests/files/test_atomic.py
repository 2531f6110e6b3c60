import os
import stat

import pytest

from keras_sharpness.files.atomic import SUFFIX, atomic_open, remove_parts


def test_a_file_appears_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    with atomic_open(path) as file:
        file.write("äpfel")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "äpfel"
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_open(path, "wb") as file:
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no umask")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_umask_decides_who_may_read(tmp_path, umask):
    before = os.umask(umask)
    try:
        with atomic_open(tmp_path / "file"):
            pass
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~umask


def test_remove_parts_removes_what_a_killed_process_left(tmp_path):
    (tmp_path / "inner").mkdir()
    left = tmp_path / "inner" / f".file.abc{SUFFIX}"
    others = [tmp_path / "file", tmp_path / f"file{SUFFIX}", tmp_path / ".hidden"]
    for path in (left, *others):
        path.touch()
    remove_parts(tmp_path)
    assert not left.exists()
    assert all(path.exists() for path in others)
