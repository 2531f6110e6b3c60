"""Numbered files are read alike whether they lie alone or in the archive of their block."""

import os
import zipfile

import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.files import numbered
from keras_sharpness.files.numbered import NumberedFiles

NUMBER = 10


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Ten files in blocks of four: two archives and two files by themselves."""
    monkeypatch.setattr(numbered, "BLOCK", 4)
    files = make(tmp_path / "pool")
    for index in range(NUMBER):
        write(files, index)
    return files


def make(folder):
    return NumberedFiles(folder, ".npz", lambda content: content.startswith(b"whole"))


def write(files, index, content=None):
    files.path(index).parent.mkdir(exist_ok=True)
    files.path(index).write_bytes(content or b"whole %d" % index)
    files.pack(index)


def names(files):
    return sorted(path.name for path in files.path(0).parent.iterdir())


ALL = ["00000-00003.zip", "00004-00007.zip", "00008.npz", "00009.npz"]


def test_complete_blocks_are_packed_and_read_like_files(files):
    assert names(files) == ALL
    assert files.whole() == ({*range(NUMBER)}, {})
    assert [files.read(index) for index in range(NUMBER)] == [b"whole %d" % index for index in range(NUMBER)]
    assert [files.where(index).parent.name for index in (7, 8)] == ["00004-00007.zip", "pool"]
    with zipfile.ZipFile(files.path(0).parent / ALL[0]) as archive:
        assert archive.read("00003.npz") == b"whole 3"
    with pytest.raises(FileNotFoundError):
        files.read(NUMBER)


def test_files_that_come_out_of_order_are_packed_once_all_are_there(files, tmp_path):
    others = make(tmp_path / "others")
    for index in (3, 1, 0):
        write(others, index)
    assert len(names(others)) == 3
    write(others, 2)
    assert names(others) == ALL[:1]


def test_a_kill_between_archive_and_removal_is_harmless(files):
    for index in (1, 2):
        files.path(index).write_bytes(b"whole %d" % index)
    assert files.whole() == ({*range(NUMBER)}, {})
    again = make(files.path(0).parent)
    again.pack()
    assert names(again) == ALL and again.whole() == ({*range(NUMBER)}, {})


def test_what_was_written_later_counts(files):
    files.path(1).write_bytes(b"whole anew")
    assert files.read(1) == b"whole anew"
    files.pack(1)
    assert names(files) == ALL and files.read(1) == b"whole anew" and files.read(0) == b"whole 0"


def test_a_damaged_file_in_an_archive_is_the_only_one(files):
    archive = files.path(0).parent / ALL[1]
    content = archive.read_bytes()
    assert content.count(b"whole 5") == 1
    archive.write_bytes(content.replace(b"whole 5", b"wholE 5"))
    whole, damaged = files.whole()
    assert whole == {*range(NUMBER)} - {5} and damaged == {archive: [5]}
    with pytest.raises(InputError, match=r"00004-00007.zip/00005.npz must be a whole file of a run"):
        files.read(5)
    write(files, 5)
    assert names(files) == ALL and files.whole() == ({*range(NUMBER)}, {})


def test_a_damaged_archive_is_replaced_once_its_files_are_made_again(files):
    archive = files.path(0).parent / ALL[0]
    archive.write_bytes(archive.read_bytes()[:-30])
    assert files.whole() == ({*range(4, NUMBER)}, {archive: [0, 1, 2, 3]})
    for index in range(4):
        write(files, index)
    assert names(files) == ALL and files.whole() == ({*range(NUMBER)}, {})


def test_damaged_files_are_not_packed(files):
    write(files, 10, b"torn")
    write(files, 11)
    assert names(files) == [*ALL, "00010.npz", "00011.npz"]
    assert files.whole()[1] == {files.path(10): [10]}


def test_large_blocks_stay_files(files, monkeypatch):
    monkeypatch.setattr(numbered, "MOST_BYTES", 29)
    for index in (10, 11):
        write(files, index)
    assert len(names(files)) == 6


def test_an_archive_of_anything_else_is_refused(files, tmp_path):
    archive = files.path(0).parent / ALL[0]
    kept = archive.read_bytes()

    def deflated(path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("00000.npz", bytes(10**6))

    def endless(path):
        path.write_bytes(kept.replace((7).to_bytes(4, "little") * 2, (2**31).to_bytes(4, "little") * 2))

    def linked(path):
        (tmp_path / "elsewhere.zip").write_bytes(kept)
        path.symlink_to(tmp_path / "elsewhere.zip")

    for damage in (deflated, endless, linked, os.mkfifo):
        archive.unlink()
        damage(archive)
        assert files.whole() == ({*range(4, NUMBER)}, {archive: [0, 1, 2, 3]}), damage
        with pytest.raises(InputError, match="00000-00003.zip"):
            files.read(0)


def test_copies_are_packed_as_they_are(files, tmp_path):
    other = make(tmp_path / "other")
    write(other, 9, b"whole, of the other")
    files.copy_to(other)
    assert names(other) == ALL and other.read(9) == b"whole, of the other" and other.read(3) == b"whole 3"


def test_clear_removes_archives_too(files):
    (files.path(0).parent / "seconds.json").write_text("{}")
    files.clear()
    assert names(files) == ["seconds.json"] and files.whole() == (set(), {})
