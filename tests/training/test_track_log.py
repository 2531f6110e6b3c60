import pandas as pd

from keras_sharpness.training.track_log import TrackLog


def test_memory_holds_few_rows_evenly_and_the_newest_while_the_file_holds_all(tmp_path):
    log = TrackLog(("step", "value"), 10, tmp_path / "log.csv")
    for step in range(1000):
        log.add({"step": step, "value": step**2})
        assert len(log.rows) <= 11
        assert log.rows[-1]["step"] == step
    kept = log.to_frame()["step"].to_numpy()
    gaps = kept[1:-1] - kept[:-2]
    assert set(gaps) == {gaps[0]}
    assert pd.read_csv(tmp_path / "log.csv")["step"].tolist() == list(range(1000))


def test_a_new_log_begins_a_new_file(tmp_path):
    for _ in range(2):
        TrackLog(("step",), 10, tmp_path / "log.csv").add({"step": 0})
    assert (tmp_path / "log.csv").read_text().split() == ["step", "0"]
