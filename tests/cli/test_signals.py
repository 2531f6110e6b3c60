"""A signal lets the work in progress finish; a second one ends it."""

import os
import signal

import pytest

from keras_sharpness.cli.signals import graceful


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_interrupts(number, caplog):
    with graceful() as came:
        assert came() == 0
        os.kill(os.getpid(), number)
        assert came() == number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert caplog.messages == [f"{number.name}: finishing the models in progress; a second signal ends at once"]


def test_handlers_are_put_back_also_after_an_error():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ZeroDivisionError), graceful():
        assert signal.getsignal(signal.SIGTERM) not in before
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
