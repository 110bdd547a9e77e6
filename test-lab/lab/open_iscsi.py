# SPDX-License-Identifier: Apache-2.0
"""open-iscsi in a guest: nodes, sessions and the disks that come of them."""

from .server import IQN

HOST = "10.0.2.2"  # how a guest reaches our loopback


class OpenIscsi:
    def __init__(self, guest, replacement_timeout=600):
        """Starts udev and iscsid. replacement_timeout: seconds that I/O waits for a connection to come back."""
        self._guest = guest
        self._timeout = replacement_timeout
        guest.run("modprobe iscsi_tcp; modprobe sd_mod; /lib/systemd/systemd-udevd --daemon; udevadm trigger; udevadm settle; iscsid")

    def node(self, port, target="vm1", **settings):
        """Makes a record of a target at a portal; settings: of node.session, with "_" for the first dot."""
        self._iscsiadm(port, target, "-o new")
        self.set(port, target, timeo_replacement_timeout=self._timeout, **settings)

    def set(self, port, target="vm1", **settings):
        for key, value in settings.items():
            self._iscsiadm(port, target, f"-o update -n node.session.{key.replace('_', '.', 1)} -v {value}")

    def set_all(self, port, settings, target="vm1"):
        """settings: of node, by their whole names behind that."""
        for key, value in settings.items():
            self._iscsiadm(port, target, f"-o update -n 'node.{key}' -v {value}")

    def log_in(self, port, target="vm1", status=0):
        return self._iscsiadm(port, target, "-l", status)

    def log_out(self, port, target="vm1"):
        self._iscsiadm(port, target, "-u")

    def _iscsiadm(self, port, target, what, status=0):
        return self._guest.run(f"iscsiadm -m node -T {IQN}{target} -p {HOST}:{port} {what} 2>&1", status)

    def await_disk(self, name="sda"):
        self._guest.run(f"n=0; while [ ! -b /dev/{name} ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done; udevadm settle; [ -b /dev/{name} ]")
