"""Put on PYTHONPATH by conftest.py: no process that a test starts can open a network connection."""

import socket


class NetworkUsedError(AssertionError):
    pass


def _refuse(*_: object, **__: object) -> None:
    raise NetworkUsedError("privxray must not use the network")


socket.socket.connect = _refuse
socket.socket.connect_ex = _refuse
socket.socket.bind = _refuse
socket.socket.sendto = _refuse
socket.getaddrinfo = _refuse
socket.create_connection = _refuse
