"""What differs between Linux, macOS and Windows, and nothing else (docs/adr/0102).

No other module of privxray asks which system it runs on, and none imports ``fcntl``, ``resource``, ``msvcrt``
or ``ctypes``; tests/unit/test_system.py holds them to it. What is POSIX's is chosen where its module can be
imported, so that on Linux a test can take the module away. What is Windows' is called through
:mod:`privxray.system.win32`, so that on Linux a test can see the calls.
"""
