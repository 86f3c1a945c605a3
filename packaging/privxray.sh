#!/bin/sh
# privxray, with the Python that lies beside it.
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="$here/python/lib" exec "$here/python/bin/python3.11" -I "$here/python/start.py" "$@"
