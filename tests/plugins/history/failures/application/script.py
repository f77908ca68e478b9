"""A program of its own: what fails here is in no module."""

import sys

from jobreporter import Dispatcher


def work(number):
    raise RuntimeError(f"script failed at {number}")


def main(config):
    with Dispatcher.from_config(config) as dispatcher:
        for number in (1, 2):
            try:
                with dispatcher.begin("nightly", id=f"script {number} in {sys.argv[2]}"):
                    work(number)
            except RuntimeError:
                pass


if __name__ == "__main__":
    main(sys.argv[1])
