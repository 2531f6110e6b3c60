"""Studies: train a pool, measure each member's sharpness, correlate it with test loss."""
