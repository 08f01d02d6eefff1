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
import json
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
BAR = 0.85
KILLED, SURVIVED, NOT_RUN = "killed", "survived", "not run"
_BY_EXIT_CODE = {0: SURVIVED, 33: SURVIVED, None: NOT_RUN} | dict.fromkeys((1, 3, 36, 24, 152, -24, -11, -9), KILLED)
"""33: no test calls the function; 3: an internal error of pytest; what follows are times and memory used up."""
_CAST = re.compile(r'cast\((?:"(?:[^"\\]|\\.)*"|None), *')


def mutmut(*arguments, show=True):
    """Run a command of mutmut's; what it printed, if that is not shown."""
    command = ["mutmut", *arguments]
    done = subprocess.run(command, cwd=PACKAGE, check=False, text=True, stdout=None if show else subprocess.PIPE)
    if done.returncode:
        sys.exit(f"{' '.join(command[:2])} failed ({done.returncode})")
    return done.stdout


def results():
    """The status of every mutant by name. What pytest could not run is no kill."""
    found = {}
    for file in (PACKAGE / "mutants").rglob("*.py.meta"):
        codes = json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
        found |= {name: _BY_EXIT_CODE.get(code, f"failed with {code}") for name, code in codes.items()}
    return found


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
        known = results()
        names_to_run = [name for name in names if known[name] != KILLED and (known[name] == SURVIVED) == options.again]
        if names_to_run:
            mutmut(*run, *names_to_run)
    return report(names, options)


def report(names, options):
    known, counts, left = results(), defaultdict(Counter), []
    for name in sorted(names):
        status = "a cast" if known[name] == SURVIVED and is_cast(name) else known[name]
        if status not in {KILLED, "a cast"}:
            left.append(name)
        counts[module_of(name)][status] += 1
    if options.show:
        for name in left:
            print(mutmut("show", name, show=False))
    total = sum(counts.values(), Counter())
    for module, count in [*counts.items(), ("all", total)]:
        tried = count.total() - count["a cast"] - count[NOT_RUN]
        rest = ", ".join(f"{number} {status}" for status, number in count.items() if status not in {KILLED, SURVIVED})
        print(f"{module:20} {count[KILLED] / max(tried, 1):6.1%}  {count[KILLED]:5} of {tried:5} killed  {rest}")
    return int(total[KILLED] < BAR * (total.total() - total["a cast"]))


def module_of(name):
    """The module of a mutant, without its package."""
    return name.removeprefix("jero_core.").rpartition(".")[0]


if __name__ == "__main__":
    sys.exit(main())
