"""`python -m rpctrace` is the command `rpctrace`."""

from rpctrace.cli import run

if __name__ == "__main__":
    run()
