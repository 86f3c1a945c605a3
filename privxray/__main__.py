"""``python -m privxray``: the command without its script. Tested in tests/unit/test_deid_pool.py."""

from privxray.cli.app import main

if __name__ == "__main__":
    main()
