"""The tests stay on this machine."""

import socket

import pytest

from tests.support.network import NetworkError


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_another_machine_cannot_be_reached(address):
    with pytest.raises(NetworkError), socket.create_connection(address, timeout=0.1):
        pass


@pytest.mark.parametrize("name", ["example.com", b"example.org"])
def test_host_names_are_not_resolved(name):
    with pytest.raises(NetworkError):
        socket.getaddrinfo(name, 25)


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
