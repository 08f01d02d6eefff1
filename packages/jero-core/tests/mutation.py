"""Mutation testing: which changes of the core would no test notice?

    uv run --group mutation python packages/jero-core/tests/mutation.py --sample 500 --seed 1
    uv run --group mutation python packages/jero-core/tests/mutation.py
    uv run --group mutation python packages/jero-core/tests/mutation.py --again --show

mutmut changes one thing in one function (a comparison, a number, a text, an argument that is left out, ...), and runs
the tests that call this function; a mutant that no test notices survives. The functions are those of routing, planning,
emitting, binding and problems: `tool.mutmut` in the package's pyproject.toml names the modules. The first line runs a
random sample of their mutants, the second all that have no result yet (hours), the third the survivors once more, for
instance after tests have been added, and shows what is left. Results are kept in packages/jero-core/mutants.

It fails below 85 %. What counts as killed: a test fails, or takes much longer than without the mutant. What does not
count at all: a mutant whose only change is the type in a `typing.cast`, which no test can notice.
"""

import argparse
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
BAR = 0.85
KILLED = {"killed", "timeout", "segfault", "suspicious"}
_CAST = re.compile(r'cast\((?:"(?:[^"\\]|\\.)*"|None), *')


def mutmut(*arguments, show=True):
    """Run a command of mutmut's; what it printed, if that is not shown."""
    command = ["mutmut", *arguments]
    done = subprocess.run(command, cwd=PACKAGE, check=False, text=True, stdout=None if show else subprocess.PIPE)
    if done.returncode:
        sys.exit(f"{' '.join(command[:2])} failed ({done.returncode})")
    return done.stdout


def results():
    """The status of every mutant by name."""
    lines = mutmut("results", "--all", "true", show=False).splitlines()
    return dict(line.strip().rsplit(": ", 1) for line in lines if line.strip())


def is_cast(name):
    """Whether a mutant changes nothing but the type in a `typing.cast`."""
    lines = mutmut("show", name, show=False).splitlines()
    sides = [
        [_CAST.sub("cast(", line[1:]) for line in lines if line[:1] == mark and line[:3] != mark * 3] for mark in "-+"
    ]
    return sides[0] == sides[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", help="such as router or sources.json; all, if none is given")
    parser.add_argument("--sample", type=int, help="how many mutants to run, drawn at random")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="run those that have survived once more")
    parser.add_argument("--show", action="store_true", help="show what survives")
    parser.add_argument("--report", action="store_true", help="run nothing")
    options = parser.parse_args()
    run = ["run", f"--max-children={options.jobs}"]
    if not options.report:
        mutmut(*run, "jero_core.body.x_refuse_size__mutmut_*")  # Makes all mutants.
    names = [name for name in results() if not options.modules or module_of(name) in options.modules]
    if options.sample is not None:
        names = random.Random(options.seed).sample(sorted(names), min(options.sample, len(names)))
    if not options.report:
        wanted = {"survived"} if options.again else {"not checked"}
        known = results()
        names_to_run = [name for name in names if known[name] in wanted]
        if names_to_run:
            mutmut(*run, *names_to_run)
    return report(names, options)


def report(names, options):
    known, counts, left = results(), defaultdict(Counter), []
    for name in sorted(names):
        status = "killed" if known[name] in KILLED else known[name]
        if status == "survived" and is_cast(name):
            status = "a cast"
        if status in {"survived", "no tests"}:
            left.append(name)
        counts[module_of(name)][status] += 1
    if options.show:
        for name in left:
            print(mutmut("show", name, show=False))
    total = Counter()
    for module, count in [*counts.items(), ("all", total)]:
        total += count if count is not total else Counter()
        killed, unnoticed = count["killed"], count["survived"] + count["no tests"]
        rest = ", ".join(
            f"{number} {status}" for status, number in count.items() if status not in {"killed", "survived"}
        )
        share = f"{killed / (killed + unnoticed):6.1%}" if killed + unnoticed else "     -"
        print(f"{module:20} {share}  {killed:5} killed  {unnoticed:4} survived  {rest}")
    return int(total["killed"] < BAR * (total["killed"] + total["survived"] + total["no tests"]))


def module_of(name):
    """The module of a mutant, without its package."""
    return name.removeprefix("jero_core.").rpartition(".")[0]


if __name__ == "__main__":
    sys.exit(main())
