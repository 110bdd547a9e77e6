# SPDX-License-Identifier: Apache-2.0
"""Where things are. All of it can be chosen by environment variables, as for test-lab/build and test-lab/root."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
TEMPORARY = Path(os.environ.get("TMPDIR", "/tmp"))
# The kernel and its tools, built by test-lab/build.
KERNEL_LAB = Path(os.environ.get("LAB", TEMPORARY / "kernel-lab"))
# The disk image that guests boot, built by test-lab/root.
ROOT = Path(os.environ.get("ROOTS", TEMPORARY / "anabranch-roots")) / "scenarios"
DISK = ROOT / "disk.img"
# The command under test: of this checkout, or of an installed package.
ANABRANCH = os.environ.get("ANABRANCH", str(CHECKOUT / "anabranch"))
# One node of Ceph (test-lab/README.md).
CEPH = CHECKOUT / "test-lab" / "ceph"
# Logs of servers, consoles of guests, and the images while a scenario runs.
LOGS = CHECKOUT / "target" / "scenarios"
# By how much all limits of time are longer, for a machine that is busy with other things.
PATIENCE = float(os.environ.get("PATIENCE", 1))
