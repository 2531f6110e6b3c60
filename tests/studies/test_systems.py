from keras_sharpness.studies.config import study_config
from keras_sharpness.studies.systems import SYSTEMS, Particular, System


def test_table_one():
    table = {name: (s.schedule.learning_rate, s.loss, s.rho) for name, s in SYSTEMS.items()}
    assert table == {
        "fcnn": (0.014, "mean squared error", 0.025),
        "lenet": (0.05, "cross-entropy", 0.0001),
        "gat": (0.236, "cross-entropy", 0.02),
    }
    for name in SYSTEMS:
        config = study_config(name)
        assert (config.num_models, config.m, config.num_batches, config.pga_steps) == (50, 64, 50, 5)
        assert config.step_size == config.schedule.learning_rate
        assert (config.schedule.batch_size, config.schedule.stop_tolerance) == (64, 0.05)
    epochs = {name: (s.schedule.min_epochs, s.schedule.max_epochs) for name, s in SYSTEMS.items()}
    assert epochs == {"fcnn": (2, 10), "lenet": (2, 10), "gat": (10, 20)}


def test_a_group_stands_for_its_particulars():
    system = System(
        dataset="cora",
        network="gat",
        loss="cross-entropy",
        schedule=SYSTEMS["gat"].schedule,
        rho=1.0,
        particulars=tuple(Particular(name=name, released="", paper="") for name in "abc"),
        groups={"both": ("a", "b")},
    )
    assert system.names == ["a", "b", "c", "both"]
    assert system.expand(("both", "c")) == {"a", "b", "c"}
    assert system.expand(("b",)) == {"b"}
