"""`python -m keras_sharpness`: the same as `main.py`."""

from keras_sharpness.cli.app import run

if __name__ == "__main__":
    run()
