"""Ports for servers that must be told theirs before they start."""

import random
import socket

# Below what Linux, macOS and Windows give to those who ask for any port: nobody gets it before the server has it.
_PORTS = range(15_000, 32_000)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    chance = random.SystemRandom()  # a seed would give two processes the same
    while True:
        port = chance.choice(_PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
