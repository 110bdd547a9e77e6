# SPDX-License-Identifier: Apache-2.0
"""A server of its own for each scenario: a folder with its configuration, images and state, a port, and its control socket."""

import json
import random
import re
import signal
import socket
import subprocess
import threading
import time

from .places import ANABRANCH, PATIENCE
from .processes import Failed, command

READY_SECONDS = 120
IQN = "iqn.2026-11.org.example:"


def _free_ports(count):
    """Below the range that the system gives to connections, so that a server finds its port again after a restart."""
    found = []
    for port in random.sample(range(20000, 32000), 1000):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise Failed("no free ports")


class Refused(Failed):
    """The server's answer to a verb that it refused."""


class Server:
    def __init__(self, run, configuration, portals, name=None):
        """configuration: HOCON without portals and state directory, in which paths are relative to its folder. portals: how many.
        name: of one among several, which has a folder of its own; the only one has the run's."""
        self._run = run
        self.name = name or "server"
        self.folder = run.folder / name if name else run.folder
        self.folder.mkdir(exist_ok=True)
        self._file = self.folder / "anabranch.conf"
        self._log = run.logs / f"{self.name}.log"
        self._process = None
        self.tolerated = []  # expressions for errors in the log that the scenario causes
        self.ports = _free_ports(portals)
        self.configure(configuration)

    def start(self):
        """Starts it and waits until it is ready."""
        begun = time.monotonic()
        with open(self._log, "ab") as log:
            self._process = self._run.processes.start([ANABRANCH, "serve", "--config", self._file], stdout=subprocess.PIPE, stderr=log,
                stdin=subprocess.DEVNULL, text=True, cwd=self.folder)
        said = threading.Event()
        found = []
        threading.Thread(target=self._read, args=(self._process, found, said), daemon=True).start()
        if not said.wait(READY_SECONDS * PATIENCE) or not found:
            raise Failed(f"{self.name} is not ready:\n" + self.log()[-2000:])
        self._run.say(f"{self.name}: ready after {time.monotonic() - begun:.1f} s, ports {self.ports}")
        return self

    def _read(self, process, found, said):
        with open(self._log, "ab") as log:
            for line in process.stdout:
                log.write(line.encode())
                log.flush()
                if "ready, portals" in line:
                    found.append(line)
                    said.set()
        said.set()

    @property
    def port(self):
        return self.ports[0]

    def configure(self, configuration, ports=None):
        """Writes the configuration file; reload() applies it. ports: those to listen at, of those that it has; all of them when absent."""
        portals = "portals = [" + ", ".join(f'"127.0.0.1:{port}"' for port in ports or self.ports) + "], state-dir = state"
        self._file.write_text("anabranch {\n  " + portals + configuration + "\n}\n")

    def reload(self, force=False):
        return self.ask("reload", force=force)

    def url(self, target="vm1", lun=0):
        return f"iscsi://127.0.0.1:{self.port}/{IQN}{target}/{lun}"

    def send_signal(self, number):
        self._run.say(f"{self.name} gets {number.name}")
        self._process.send_signal(number)

    def stop(self, number=signal.SIGTERM, limit=60):
        self.send_signal(number)
        try:
            status = self._process.wait(limit * PATIENCE)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"the server has not ended {limit} s after {number.name}") from late
        if number == signal.SIGTERM and status != 0:
            raise Failed(f"the server ended with status {status} after SIGTERM")

    def restart(self, number=signal.SIGTERM, away=0):
        """away: seconds until it comes back."""
        self.stop(number)
        time.sleep(away)
        self.start()

    def restart_killed(self, limit=60):
        """Starts it again after SIGKILL."""
        self._process.wait(limit * PATIENCE)
        self.start()

    def log(self):
        return self._log.read_text(errors="replace")

    def command(self, *words, status=0):
        """A command of the command line, as a user types it."""
        printed = command(ANABRANCH, *words, "--socket", self.folder / "state/control.sock", status=status)
        self._run.say("$ anabranch " + " ".join(words) + "\n" + printed.rstrip())
        return printed

    def local_command(self, *words):
        """A command that asks no server."""
        printed = command(ANABRANCH, *words)
        self._run.say("$ anabranch " + " ".join(map(str, words)) + "\n" + printed.rstrip())
        return printed

    def ask(self, verb, limit=120, **arguments):
        """The result of a verb of the control socket (docs/control-protocol.md)."""
        try:
            result = self._ask(verb, limit, arguments)
        except Refused as refused:
            self._run.say(f"{verb} {arguments}: refused: {refused}")
            raise
        self._run.say(f"{verb} {arguments}: done")
        return result

    def _ask(self, verb, limit, arguments):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(limit * PATIENCE)
            connection.connect(str(self.folder / "state/control.sock"))
            answers = connection.makefile("rb")
            answers.readline()
            arguments = {key.replace("_", "-"): value for key, value in arguments.items()}
            connection.sendall(json.dumps({"protocol": 1, "verb": verb, "arguments": arguments}).encode() + b"\n")
            for line in answers:
                answer = json.loads(line)
                if "result" in answer:
                    return answer["result"]
                if "error" in answer:
                    raise Refused(answer["error"])
        raise Failed(f"{verb}: the server ended before it answered")

    def snapshot(self, name):
        """The snapshot VOLUME@NAME as in snapshot list, or None."""
        for snapshot in self.ask("snapshot list")["snapshots"]:
            if snapshot["name"] == name:
                return snapshot
        return None

    def phase(self, name):
        snapshot = self.snapshot(name)
        return snapshot["phase"] if snapshot else None

    def export(self, name, file):
        self.ask("snapshot export", name=name, file=str(file), force=True)
        return file

    def wait_merged(self, name, limit=180):
        """Waits until the merge of a snapshot, which runs or is over, has ended."""
        try:
            self.ask("snapshot merge", limit=limit, name=name, wait=True)
        except Refused as refused:
            if "there is no snapshot" not in str(refused):
                raise

    def await_volume(self, name, state, limit=60):
        """Waits until a volume is in a state of `volume list`: served, standby."""
        end = time.monotonic() + limit * PATIENCE
        while True:
            now = {volume["name"]: volume["state"] for volume in self._ask("status", limit, {})["volumes"]}[name]
            if now == state:
                self._run.say(f"{self.name}: {name} is {state}")
                return
            if time.monotonic() > end:
                raise Failed(f"{self.name}: {name} is {now}, and not {state} within {limit} s")
            time.sleep(0.1)

    def sessions(self):
        return self.ask("session list")["sessions"]

    def check_log(self):
        """No error and no exception in the log of the whole scenario."""
        bad = [line for line in self.log().splitlines() if re.search(r"\bERROR\b|Exception\b", line)
               and not any(expression.search(line) for expression in self.tolerated)]
        if bad:
            raise Failed("the server logged errors:\n" + "\n".join(bad[:10]))
