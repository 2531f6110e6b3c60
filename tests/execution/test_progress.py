"""Bars and words on work that takes long."""

import logging

import pytest

from keras_sharpness.execution import progress


def test_a_bar_counts_the_steps_on_a_terminal(terminal):
    assert [*progress.follow(iter("abc"), 3, "block")] == ["a", "b", "c"]
    assert "/3" in terminal()


@pytest.mark.parametrize("total", [1, 3])
def test_there_is_no_bar_where_nobody_looks_or_none_is_wanted(terminal, monkeypatch, total):
    assert len([*progress.follow(range(total), total, "block", shown=False)]) == total
    monkeypatch.setattr(progress, "is_watched", lambda: False)
    assert len([*progress.follow(range(total), total, "block")]) == total
    assert terminal() == ""


def test_the_cost_is_named_beforehand_if_it_is_more_than_a_minute(monkeypatch, caplog):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    with caplog.at_level(logging.INFO):
        assert len([*progress.follow(range(20), 20, "block")]) == 20
        assert "18 more steps take about 3 minutes" in caplog.text
        caplog.clear()
        assert len([*progress.follow(range(5), 5, "block")]) == 5
        assert caplog.text == ""


@pytest.mark.parametrize("disabled", ["", "1"])
def test_tqdms_variable_turns_all_bars_off(monkeypatch, disabled):
    monkeypatch.setitem(progress.sys.modules, "ipykernel", progress)
    monkeypatch.setenv("TQDM_DISABLE", disabled)
    assert progress.is_watched() is not bool(disabled)
