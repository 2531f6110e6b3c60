from keras_sharpness.reporting.output import write_files


def test_texts_and_pictures_are_written(tmp_path):
    write_files(tmp_path / "new", {"a.md": "é", "b.png": b"\x89"})
    assert (tmp_path / "new" / "a.md").read_text(encoding="utf-8") == "é"
    assert (tmp_path / "new" / "b.png").read_bytes() == b"\x89"


def test_what_a_killed_report_left_goes_when_the_file_is_written_again(tmp_path):
    for name in (".a[1].md.x7.part", ".b.md.x7.part"):
        (tmp_path / name).touch()
    write_files(tmp_path, {"a[1].md": "whole"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.md.x7.part", "a[1].md"]
