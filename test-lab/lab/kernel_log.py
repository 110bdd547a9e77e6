# SPDX-License-Identifier: Apache-2.0
"""Which messages of a guest's kernel are faults."""

import re

# What no guest may see, unless the scenario has said that it causes it.
_FAULTS = re.compile(
    r"I/O error|Sense not available|Unrecognized sense|cache data failed|Assuming drive cache|EXT4-fs (error|warning)|Aborting journal"
    r"|Remounting filesystem read-only|Call Trace|BUG:|WARNING:|hung_task|blocked for more than|rejecting I/O|Invalid command|Add\. Sense|FAILED Result"
    r"|protocol error|unaligned|Offlined|lost page write|JBD2: .*error|conn error|ping timeout|session recovery timed out|connection\d+:\d+: .*error",
    re.I,
)
# What an emulated guest says, with a trace, when this machine gave it no processor for some 20 s.
_STARVED = re.compile(r"rcu: INFO: rcu_\w+ (self-)?detected stall|watchdog: BUG: soft lockup")

# What the initiator says of a connection that is lost and comes back in time.
LOST_CONNECTION = re.compile(r"conn error|ping timeout", re.I)
# What it and the disks below dm-multipath say of a path that stays away longer.
LOST_PATH = re.compile(
    r"conn error|ping timeout|session recovery timed out|\bsd [\d:]+:.*(rejecting I/O|FAILED Result|DID_TRANSPORT)|I/O error, dev sd[a-z]+,|Failing path", re.I)

# What it says of a path to a server that stands by, or got the disk just now.
STANDBY = re.compile(
    r"Add\. Sense: (Logical unit not accessible, target port in standby state|Asymmetric access state changed)|Buffer I/O error on dev sd[a-z]+,", re.I)

# What it says of a disk whose LUN the scenario has removed.
REMOVED_LUN = re.compile(r"Add\. Sense: Logical unit not supported")


def faults(text, tolerated):
    """The lines that are faults; tolerated: expressions for those that are not, in this scenario."""
    lines = text.replace("\r", "").splitlines()
    if _STARVED.search(text):
        lines = [line for line in lines if "Call Trace" not in line and not _STARVED.search(line)]
    return [line for line in lines if _FAULTS.search(line) and not any(expression.search(line) for expression in tolerated)]
