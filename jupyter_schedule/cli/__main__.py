"""`python -m jupyter_schedule.cli`."""

from jupyter_schedule.cli.app import main

if __name__ == "__main__":
    main()
