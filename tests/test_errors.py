import numpy as np
import pytest

from keras_sharpness import errors
from keras_sharpness.errors import InputError


def message(call):
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


def test_a_message_is_one_line_whatever_it_quotes():
    assert str(InputError("must fit.\n  Received:\n\n 3 \r\nand 4")) == "must fit. Received: 3 and 4"


def test_what_must_hold_comes_before_what_came():
    errors.require(True, "`rho` must be small", rho=9)
    text = message(lambda: errors.require(False, "`rho` must be small", rho=9, norm="l2"))
    assert text == "`rho` must be small. Received: rho=9, norm='l2'"
    assert message(lambda: errors.require(False, "`rho` must be small")) == "`rho` must be small."


@pytest.mark.parametrize("value", [0.5, 3, np.float32(1e-30), np.int64(2)])
def test_positive_numbers_pass(value):
    errors.require_positive("rate", value)
    errors.require_non_negative("rate", value)


@pytest.mark.parametrize("value", [-1e-30, float("inf"), float("nan"), "1", None, 1j])
def test_other_numbers_are_refused(value):
    for check, word in ((errors.require_positive, "positive"), (errors.require_non_negative, "non-negative")):
        text = message(lambda check=check: check("rate", value))
        assert text == f"`rate` must be finite and {word}. Received: rate={value!r}"


def test_zero_is_non_negative_but_not_positive():
    errors.require_non_negative("rate", 0)
    assert "positive" in message(lambda: errors.require_positive("rate", 0))


@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, "3", None])
def test_what_counts_nothing_is_refused(value):
    errors.require_count("m", 1)
    errors.require_count("m", np.int32(7))
    words = "at least 1" if isinstance(value, int) else "an integer"
    assert message(lambda: errors.require_count("m", value)) == f"`m` must be {words}. Received: m={value!r}"


@pytest.mark.parametrize("value", [-1, 2**31, 0.0, "0"])
def test_seeds_fit_into_the_integers_of_every_backend(value):
    for seed in (0, 2**31 - 1, np.int64(5)):
        errors.require_seed(seed)
    assert message(lambda: errors.require_seed(value)).startswith("`seed` must be an integer from 0 to 2147483647.")


def test_the_reason_of_another_librarys_error_is_short_and_plain():
    colours = ValueError("\x1b[1mException encountered when calling Dense.call().\x1b[0m\n\nNo\n  match")
    assert errors.reason(colours) == "No match"
    assert errors.reason(ValueError("bad shape. Arguments received by Dense.call(): x=1")) == "bad shape."
    assert errors.reason(KeyError()) == "KeyError"
    assert len(errors.reason(ValueError("x" * 1000))) == 300
