from keras_sharpness.reporting.output import write_files


def test_texts_and_pictures_are_written(tmp_path):
    write_files(tmp_path / "new", {"a.md": "é", "b.png": b"\x89"})
    assert (tmp_path / "new" / "a.md").read_text(encoding="utf-8") == "é"
    assert (tmp_path / "new" / "b.png").read_bytes() == b"\x89"
