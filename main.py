"""The command line of keras_sharpness."""

from keras_sharpness.__main__ import run

if __name__ == "__main__":
    run()
