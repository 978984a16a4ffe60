"""The tests stay on this machine."""

import socket

import pytest

from tests.support.network import NetworkError


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_another_machine_is_out_of_reach(address):
    with pytest.raises(NetworkError), socket.create_connection(address, timeout=0.1):
        pass


@pytest.mark.parametrize("name", ["example.com", b"example.org"])
def test_nobody_is_asked_for_an_address(name):
    with pytest.raises(NetworkError):
        socket.getaddrinfo(name, 25)


def test_this_machine_is_in_reach():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
