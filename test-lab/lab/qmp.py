# SPDX-License-Identifier: Apache-2.0
"""QEMU's machine protocol: docs/interop/qmp-spec of QEMU."""

import json
import socket

from .processes import Failed


class Qmp:
    def __init__(self, path, limit=60):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(limit)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rw")
        self._file.readline()
        self("qmp_capabilities")

    def __call__(self, name, **arguments):
        """Executes a command and returns its result; "_" in names of arguments stands for "-"."""
        arguments = {key.replace("_", "-"): value for key, value in arguments.items()}
        self._file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self._file.flush()
        while True:
            answer = self._next()
            if "error" in answer:
                raise Failed(f"QMP {name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def await_event(self, event, **fields):
        while True:
            answer = self._next()
            if answer.get("event") == event and all(answer.get("data", {}).get(key) == value for key, value in fields.items()):
                return

    def _next(self):
        line = self._file.readline()
        if not line:
            raise Failed("QEMU has ended")
        return json.loads(line)
