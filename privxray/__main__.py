"""``python -m privxray``: the command where its script is not on the path."""

from privxray.cli.app import main

if __name__ == "__main__":
    main()
