"""`python -m feedwatch` is `feedwatch`."""

from feedwatch.cli import main

if __name__ == "__main__":
    main()
