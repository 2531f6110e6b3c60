"""One question on many data sets: which measure ranks generalization? `docs/atlas.md` is the protocol."""
