"""JSON and CSV files of a run."""

import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.reporting.reading import read_json, read_table


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"{", "run.json must be JSON", id="cut"),
        pytest.param(b"[1]", "run.json must hold a JSON object. Received: type='list'", id="list"),
        pytest.param(b"[" * 100_000, "run.json must be JSON", id="deep"),
        pytest.param(b"\xff\xfe", "run.json must be JSON", id="bytes"),
        pytest.param(None, "run.json must be a readable file", id="missing"),
    ],
)
def test_bad_json(tmp_path, content, message):
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_json(path)


def test_json(tmp_path):
    (tmp_path / "run.json").write_text('{"a": {"b": null}}')
    assert read_json(tmp_path / "run.json") == {"a": {"b": None}}


def read(tmp_path, text, columns=("a", "b"), texts=()):
    (tmp_path / "t.csv").write_text(text)
    return read_table(tmp_path / "t.csv", columns, texts)


def test_numbers_texts_and_missing_values(tmp_path):
    table = read(tmp_path, "a,b,more\n1,None,x\n,64,y\n", texts=("b",))
    assert list(table["b"]) == ["None", "64"]
    assert table["a"].isna().tolist() == [False, True]
    assert list(table["more"]) == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n1\n", r"must have the columns a, b. Received: missing=\['b'\]"),
        ("a,b\n", "must have at least one row"),
        ("a,b\n1,x\n", r"must hold numbers. Received: not_numbers=\['b'\]"),
        ("a,b\n1,True\n", r"not_numbers=\['b'\]"),
        ("a,b\n1,1e300\n", r"must hold numbers of 32 bits. Received: too_large=\['b'\]"),
        ("", "must be a CSV table"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_a_table_that_is_missing(tmp_path):
    with pytest.raises(InputError, match="none.csv must be a readable file"):
        read_table(tmp_path / "none.csv", ("a",))
