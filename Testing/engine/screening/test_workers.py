"""The worker processes of this machine, and a Ctrl-C that reaches them together with the command."""

import signal

from ldct_bmd.screening.cluster import local_cluster


def _on_interrupt() -> object:
    return signal.getsignal(signal.SIGINT)


def test_a_worker_leaves_ctrl_c_to_the_command() -> None:
    with local_cluster(1) as client:
        assert client.submit(_on_interrupt).result(timeout=60) == signal.SIG_IGN
