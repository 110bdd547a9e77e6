# SPDX-License-Identifier: Apache-2.0
"""The command line: which scenarios run, and the table of how they ended."""

import argparse
import fcntl
import importlib
import pkgutil
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import scenarios
from .places import ANABRANCH, CHECKOUT, DISK, KERNEL_LAB, LOGS, PATIENCE
from .processes import Failed, Processes, Skipped
from .run import Run

# Every scenario module has a docstring (its first line is its help), QUICK, LIMIT (seconds) and scenario(run).


SKIPPED = 77  # the exit status of a scenario that was skipped


def _load():
    names = sorted(module.name for module in pkgutil.iter_modules(scenarios.__path__))
    return {name.replace("_", "-"): importlib.import_module(f"{scenarios.__name__}.{name}") for name in names}


def _arguments(known):
    lines = "\n".join(f"  {name:22} {'quick ' if module.QUICK else '      '} {module.__doc__.splitlines()[0]}" for name, module in known.items())
    parser = argparse.ArgumentParser(
        prog="test-lab/scenarios", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs real initiators and virtual machines against a server, and prints how each scenario ended.\n"
        "Exit status: 0 all passed or were skipped, 1 some failed, 2 usage. Needs test-lab/build and, as root, test-lab/root.",
        epilog=f"scenarios:\n{lines}\n\nANABRANCH=COMMAND tests another command than this checkout's. PATIENCE=3 makes all limits of time three times as\n"
        "long, for a busy machine. Logs are kept in target/scenarios.")
    parser.add_argument("--quick", action="store_true", help="only those that continuous integration runs")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="run N at a time (1)")
    parser.add_argument("--verbose", action="store_true", help="show what they say while they run")
    parser.add_argument("names", nargs="*", metavar="NAME", help="run only these")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"no scenario {unknown[0]}; there are {', '.join(known)}")
    return arguments


def _run_here(name, module):
    """In a process of its own: runs a scenario and exits with 0, 1, or 77 if it was skipped."""
    run = Run(name)
    passed = False
    try:
        module.scenario(run)
        run.finish()
        passed = True
    except Failed as failed:
        run.say(f"FAILED: {failed}")
    except Skipped as skipped:
        run.say(f"skipped: {skipped}")
        return SKIPPED
    except Exception:  # a fault of the scenario itself fails it too
        run.say(f"FAILED: {traceback.format_exc()}")
    finally:
        run.close(passed)
    return 0 if passed else 1


def _run(name, module, processes, verbose):
    """Runs one scenario within its limit; (name, result, seconds)."""
    log = LOGS / f"{name}.log"
    begun = time.monotonic()
    with open(log, "w") as out:
        process = processes.start([sys.executable, sys.argv[0], "--in-this-process", name], stdout=out, stderr=subprocess.STDOUT, cwd=CHECKOUT)
        try:
            result = {0: "passed", SKIPPED: "skipped"}.get(process.wait(module.LIMIT * PATIENCE), "FAILED")
        except subprocess.TimeoutExpired:
            process.kill()  # which ends all that it started
            process.wait()
            result = f"FAILED: not over after {module.LIMIT * PATIENCE:.0f} s"
    seconds = time.monotonic() - begun
    print(f"{name:22} {result:8} {seconds:5.0f} s", flush=True)
    if result != "passed" or verbose:
        lines = log.read_text(errors="replace").splitlines()
        if result == "skipped":
            lines = lines[-1:]  # the reason
        print("\n".join("    " + line for line in (lines if verbose else lines[-25:])), flush=True)
    return name, result, seconds


def main():
    known = _load()
    if len(sys.argv) == 3 and sys.argv[1] == "--in-this-process":
        return _run_here(sys.argv[2], known[sys.argv[2]])
    sys.argv[0] = str(Path(sys.argv[0]).resolve())
    arguments = _arguments(known)
    chosen = arguments.names or [name for name, module in known.items() if module.QUICK or not arguments.quick]
    for needed, how in ((KERNEL_LAB / "vmlinux", "test-lab/build"), (DISK, "test-lab/root, as root")):
        if not needed.exists():
            print(f"test-lab/scenarios: no {needed}: run {how}", file=sys.stderr)
            return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    lock = open(LOGS / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"test-lab/scenarios: another run uses {LOGS}", file=sys.stderr)
        return 2
    processes = Processes()
    try:
        # Builds a checkout that has not been built, or is older than its sources, once and not in each scenario.
        processes.start([ANABRANCH, "--version"], stdout=subprocess.DEVNULL).wait(900)
        begun = time.monotonic()
        with ThreadPoolExecutor(arguments.jobs) as pool:
            results = list(pool.map(lambda name: _run(name, known[name], processes, arguments.verbose), chosen))
    finally:
        processes.end()
    skipped = [name for name, result, _ in results if result == "skipped"]
    failed = [name for name, result, _ in results if result not in ("passed", "skipped")]
    print(f"{len(results) - len(failed) - len(skipped)} of {len(results)} scenarios passed, {time.monotonic() - begun:.0f} s")
    if skipped:
        print(f"skipped: {', '.join(skipped)}")
    if failed:
        print(f"failed: {', '.join(failed)}; logs are in {LOGS}")
    return 1 if failed else 0
