# SPDX-License-Identifier: Apache-2.0
"""A virtual machine under QEMU's emulation. Its second serial port has a shell that is sent a line and answers "<<RC n>>"."""

import os
import re
import subprocess
import threading
import time

from .kernel_log import faults
from .places import PATIENCE
from .processes import Failed
from .qmp import Qmp

READY = r"LAB: ready version (\d+)\n"


class Guest:
    def __init__(self, run, name, arguments, memory=512, reboots=False, ready=READY, limit=240):
        """arguments: of QEMU, beside console, memory and processor. reboots: a reboot of the guest is one; otherwise QEMU ends."""
        self._run = run
        self.name = name
        self._kernel_log = run.logs / f"{name}.kernel.log"
        self._qemu_log = run.logs / f"{name}.qemu.log"
        self._shell_log = open(run.logs / f"{name}.shell.log", "w")
        self._monitor = run.folder / f"{name}.qmp"
        self._qmp = None
        self._text = ""
        self._at = 0
        self._ended = False
        self._changed = threading.Condition()  # guards _text and _ended
        self.tolerated = []  # expressions of kernel_log for messages that the scenario causes
        command = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc,usb=off,hpet=off,smm=off", "-cpu", "max,la57=off", "-m", memory,
            "-nodefaults", "-display", "none", "-serial", f"file:{self._kernel_log}", "-serial", "stdio",
            "-qmp", f"unix:{self._monitor},server=on,wait=off", *([] if reboots else ["-no-reboot"]), *arguments]
        begun = time.monotonic()
        self.process = run.processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(self._qemu_log, "w"))
        threading.Thread(target=self._read, daemon=True).start()
        if ready:
            self.expect(ready, limit)
            run.say(f"guest {name}: ready after {time.monotonic() - begun:.1f} s")

    def _read(self):
        while block := os.read(self.process.stdout.fileno(), 65536):
            text = block.decode("utf-8", "replace").replace("\r", "")
            self._shell_log.write(text)
            self._shell_log.flush()
            with self._changed:
                self._text += text
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def expect(self, pattern, limit=120):
        """Waits for a text that comes after what was waited for before."""
        end = time.monotonic() + limit * PATIENCE
        with self._changed:
            while True:
                found = re.search(pattern, self._text[self._at :], re.M)
                if found:
                    self._at += found.end()
                    return found
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    what = "ended" if self._ended else f"said no such thing in {limit} s"
                    raise Failed(f"guest {self.name}: {what}, waiting for {pattern}:\n{self._text[-1500:]}\n"
                        f"{self._qemu_log.read_text(errors='replace')}\n{self.kernel_log()[-1500:]}")
                self._changed.wait(left)

    def said(self):
        """All that its shell has printed so far."""
        with self._changed:
            return self._text

    def send(self, line):
        self._run.say(f"{self.name}# {line}")
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def answer(self, status=0, limit=120):
        """What the line that was sent last has printed. Fails unless it exits with status (None: any)."""
        begin = self._at
        found = self.expect(r"^<<RC (\d+)>>$", limit)
        text = self._text[begin : begin + found.start()].strip("\n") if found.start() else ""
        if text:
            self._run.say(text[-800:])
        if status is not None and int(found.group(1)) != status:
            raise Failed(f"guest {self.name}: exit status {found.group(1)}, not {status}: {text[-1500:]}")
        return text

    def run(self, line, status=0, limit=120):
        self.send(line)
        return self.answer(status, limit)

    def qmp(self):
        if self._qmp is None:
            self._qmp = Qmp(self._monitor)
        return self._qmp

    def kernel_log(self):
        return self._kernel_log.read_text(errors="replace") if self._kernel_log.exists() else ""

    def check_kernel(self):
        """Nothing in the kernel's messages that is a fault of the disks."""
        bad = faults(self.kernel_log(), self.tolerated)
        if bad:
            raise Failed(f"guest {self.name}: messages of the kernel:\n" + "\n".join(bad[:10]))

    def power_off(self, limit=120):
        """Ends it as a shutdown does: everything is written, QEMU logs out."""
        self.send("cd /; sync; mount -o remount,ro / 2>/dev/null; poweroff -f")
        self.await_end(limit)

    def await_end(self, limit=120):
        try:
            self.process.wait(limit * PATIENCE)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"guest {self.name} is not off after {limit} s:\n{self.kernel_log()[-1000:]}") from late
        self._run.say(f"guest {self.name}: off")
        self.check_kernel()

    def power_cut(self):
        self.process.kill()
        self.process.wait()
        self._run.say(f"guest {self.name}: power cut")
        self.check_kernel()
