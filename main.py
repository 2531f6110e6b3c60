"""The command line of keras_sharpness."""

from keras_sharpness.cli.app import run

if __name__ == "__main__":
    run()
