"""What is the same for all rows of the atlas. It was fixed before any result was seen; `docs/atlas.md` says why."""

SPLIT_SEEDS = (0, 1, 2, 3)
# Models of each setting, each from a seed of its own.
SEEDS = 2
# Models of a row: 32 settings on each split.
TRAINED = 32 * SEEDS * len(SPLIT_SEEDS)
# At most; half of the examples where there are fewer.
NUM_TRAIN = 500
NUM_TEST = 5000

RATES: dict[str, list[float]] = {"learning_rate": [0.01, 0.05], "batch_size": [16, 64], "weight_decay": [0.0, 0.001]}
MOMENTUM = 0.9
MAX_EPOCHS = 120
# A row's training loss is one that this share of settings reached within so many epochs, on the training data of the
# first split. It is no smaller than FLOOR.
PILOT_EPOCHS = 60
PILOT_SHARE = 0.9
PILOT_SEED = 1000
FLOOR = 0.01

NUM_BATCHES, BATCH = 10, 64
# All measures but bisections over ascents, which take longer than all others together, and epochs to losses that few
# rows reach.
MEASURES = (
    "all",
    *("-sharpness_init", "-sharpness_orig", "-sharpness_flatness"),
    *("-sharpness_mag_init", "-sharpness_mag_orig", "-sharpness_mag_flatness"),
    *("-steps_0.1", "-steps_0.1_to_0.01"),
)
