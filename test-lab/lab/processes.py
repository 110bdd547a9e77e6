# SPDX-License-Identifier: Apache-2.0
"""Processes that a scenario starts. They end with it, whatever becomes of it, and no others are ever signalled."""

import ctypes
import signal
import subprocess

from .places import PATIENCE

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Failed(Exception):
    """A scenario's expectation that was not met."""


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Skipped(Exception):
    """What a scenario needs and this machine does not have."""


class Processes:
    def __init__(self):
        self._started = []

    def start(self, command, **options):
        process = subprocess.Popen([str(word) for word in command], preexec_fn=_die_with_parent, **options)
        self._started.append(process)
        return process

    def end(self):
        for process in reversed(self._started):
            if process.poll() is None:
                process.kill()
            process.wait()


def command(*words, limit=120, status=0, **options):
    """Runs a command of this machine and returns what it printed; fails unless it exits with status (None: any) within limit seconds."""
    words = [str(word) for word in words]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit * PATIENCE, **options)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{' '.join(words)}: not done after {limit} s: {late.output}") from late
    if status is not None and done.returncode != status:
        raise Failed(f"{' '.join(words)}: exit status {done.returncode}, not {status}:\n{done.stdout}")
    return done.stdout
