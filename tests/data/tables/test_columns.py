import gzip

import numpy as np
import pytest

from keras_sharpness.data.tables.columns import encode, parse
from keras_sharpness.errors import InputError

KEEL = b"""%% a comment
@relation r
@attribute Size real [0.5, 9.0]
@attribute Kind{a, b, c}
@attribute Flag {0, 1}
@attribute Class {10, 9}
@inputs Size, Kind, Flag
@outputs Class
@data

0.5, b, 1, 10
 9.0,a, 0, 9
1.5, ?, 1, 9
2.5, c , <null>, 9
3.5, c, 0, 9
"""


def test_a_file_of_keel():
    x, y = encode(parse([KEEL], "keel"), "Class", [], "classification")
    # Rows with a missing value are gone; words have become three features, numbers have stayed; 9 comes before 10.
    assert x.tolist() == [[0.5, 0, 1, 0, 1], [9, 1, 0, 0, 0], [3.5, 0, 0, 1, 0]]
    assert (x.dtype, y.dtype, y.tolist()) == (np.float32, np.int64, [1, 0, 0])


@pytest.mark.parametrize(
    ("contents", "form"),
    [
        ([b"\xef\xbb\xbfid,u , v\n1,2,3.5\n2,4,?\n3,6,7.5\n"], "comma header"),
        ([b"u;v\n2;3,5\n6;7,5\n"], "semicolon header decimal-comma"),
        ([b"three rows\nu\tv\n2\t3.5\n", b"three rows\nu\tv\n6\t7.5\n"], "tab header skip"),
    ],
)
def test_separators_and_headers(contents, form):
    frame = parse(contents, form)
    x, y = encode(frame, "v", ["id"] if "id" in frame else [], "regression")
    assert x.tolist() == [[2], [6]] and y.tolist() == [[3.5], [7.5]]
    assert (x.dtype, y.dtype) == (np.float32, np.float32)


def test_targets_in_a_file_of_their_own():
    contents = [gzip.compress(b"1 2 \n3 4 \n"), gzip.compress(b"-1\n1\n")]
    x, y = encode(parse(contents, "space gzip labels"), "label", [], "classification")
    assert x.tolist() == [[1, 2], [3, 4]] and y.tolist() == [0, 1]


@pytest.mark.parametrize(("values", "features"), [(1, 1), (2, 1), (3, 3), (20, 20), (21, 0)])
def test_words_become_features(values, features):
    content = "".join(f"w{number % values},{number},{number}\n" for number in range(42)).encode()
    assert encode(parse([content], "comma"), "2", [], "regression")[0].shape == (42, features + 1)


def test_unknown_columns_and_words_as_targets_are_refused():
    frame = parse([b"1,a\n"], "comma")
    with pytest.raises(InputError, match=r"^the columns must be among 0, 1. Received: columns=\['7', 'id'\]$"):
        encode(frame, "7", ["id"], "regression")
    with pytest.raises(InputError, match="must be numbers"):
        encode(frame, "1", [], "regression")
