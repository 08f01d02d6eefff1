"""What a request costs over a socket: granian and uvicorn, one worker on one core, wrk on the other.

python benchmarks/served.py [--only raw,jero] [--servers granian] [--workload item] [--starts 4] [--rounds 5]
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import report
from check import served_alike
from contenders import BASE, DISTRIBUTIONS, choose
from servers import COMMANDS, HOST, Server, running
from workloads import WORKLOADS, Request, Workload

BAR = 1.03
DEFAULT = (BASE, "jero", "blacksheep", "litestar", "fastapi")
# wrk counts a 404 as an error, so the workload that is one stays in process.
SERVED = [name for name, workload in WORKLOADS.items() if workload.status < 400]
DEFAULT_WORKLOADS = SERVED
CONNECTIONS = 32

# Printed by wrk when it is done: its own summary is for eyes.
DONE = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests": %d, "us": %d, "status": %d, "socket": %d}\\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True)
class Burst:
    """What one burst gave."""

    cpu_us: float  # CPU microseconds per request
    per_second: float


@dataclass
class Series:
    """All bursts of one contender on one server and one workload."""

    server: Server
    bursts: list[Burst] = field(default_factory=list)


def lua_string(text: str) -> str:
    """Quote a text for Lua; what is sent here is printable ASCII."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def script(request: Request) -> str:
    """Write the wrk script that sends this request."""
    # wrk writes these two itself.
    own = (b"host", b"content-length")
    lines = [f"wrk.method = {lua_string(request.method)}"]
    lines += [
        f"wrk.headers[{lua_string(name.decode())}] = {lua_string(value.decode())}"
        for name, value in request.headers()
        if name not in own
    ]
    if request.body:
        lines.append(f"wrk.body = {lua_string(request.body.decode())}")
    return "\n".join(lines) + "\n" + DONE


def burst(
    server: Server, workload: Workload, lua: Path, seconds: int, cpu: int, connections: int = CONNECTIONS
) -> Burst:
    """Load one server for a while."""
    url = f"http://{HOST}:{server.port}{workload.request.target}"
    # Not wrk's two seconds: a slow peer's stream takes longer, and is no error.
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(lua), url]
    command = ["taskset", "-c", str(cpu), *wrk]
    before = server.cpu_ns()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    # The requests that were under way when wrk left are the server's still to finish.
    time.sleep(0.05)
    spent = server.cpu_ns() - before
    server.require_alive()
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if done.returncode or line is None:
        raise RuntimeError(f"wrk failed on {server.name}: {done.stdout}{done.stderr}")
    result = json.loads(line.removeprefix("RESULT "))
    if result["status"] or result["socket"] or not result["requests"]:
        raise RuntimeError(f"wrk on {server.name}, {workload.title}: {result}")
    return Burst(spent / result["requests"] / 1000, result["requests"] * 1e6 / result["us"])


def check(servers: list[Server], workloads: list[Workload]) -> None:
    """Make sure that all answer alike before any is loaded."""
    for workload in workloads:
        answers = {(server.kind, server.contender): server.ask(workload.request) for server in servers}
        for (kind, contender), answer in answers.items():
            base = answers[kind, BASE]
            if base.status != workload.status:
                raise RuntimeError(f"{workload.title}: {BASE} on {kind} answers {base.status}")
            if problem := served_alike(base, answer, contender, workload.request):
                raise RuntimeError(f"on {kind}: {problem}")


def measure(
    servers: list[Server], workloads: list[Workload], args: argparse.Namespace, wrk_cpu: int, folder: Path
) -> dict[tuple[str, str], list[Series]]:
    """Take turns; the bursts that are divided by each other follow each other."""
    series = {
        (kind, workload.name): [Series(server) for server in servers if server.kind == kind]
        for kind in dict.fromkeys(server.kind for server in servers)
        for workload in workloads
    }
    scripts: dict[str, Path] = {}
    for workload in workloads:
        scripts[workload.name] = folder / f"{workload.name}.lua"
        scripts[workload.name].write_text(script(workload.request), encoding="utf-8")
    shuffle = random.Random(20250101)
    # One round more than asked for: the first warms up and is thrown away.
    for done in range(args.rounds + 1):
        for (_, name), group in series.items():
            order = list(group)
            shuffle.shuffle(order)
            for one in order:
                result = burst(one.server, WORKLOADS[name], scripts[name], args.burst, wrk_cpu)
                if done:
                    one.bursts.append(result)
        print(f"round {done}/{args.rounds}", file=sys.stderr, flush=True)
    return series


def render(series: dict[tuple[str, str], list[Series]]) -> str:
    """Write the result as Markdown."""
    parts: list[str] = []
    for (kind, name), group in series.items():
        base = next(one for one in group if one.server.contender == BASE)
        rows: list[list[str]] = []
        for one in group:
            cpu = [burst.cpu_us for burst in one.bursts]
            ratios = [mine / theirs.cpu_us for mine, theirs in zip(cpu, base.bursts, strict=True)]
            low, mid, high = report.quartiles(ratios)
            rows.append(
                [
                    one.server.contender,
                    f"{report.quartiles(cpu)[1]:.2f}",
                    f"{report.quartiles([burst.per_second for burst in one.bursts])[1]:,.0f}",
                    f"{mid:.3f}",
                    f"{low:.3f} to {high:.3f}",
                    report.verdict(mid, BAR) if one.server.contender == "jero" else "",
                ]
            )
        header = ["contender", "CPU us/request", "requests/s", f"CPU ratio to {BASE}", "quartiles", f"bar {BAR}"]
        parts.append(f"## {kind}: {WORKLOADS[name].title}\n\n{report.table(header, rows)}\n")
    return "\n".join(parts)


NOTES = f"""\
CPU time is that of all threads of the server's processes; requests are those that wrk completed. The ratio is the
median of the ratios to {BASE} taken round by round, `quartiles` theirs. Requests per second depend on what else the
machine does; CPU time per request does so far less.
"""


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="bursts of each contender on each start; default: 5")
    parser.add_argument("--burst", type=int, default=1, help="seconds; wrk takes whole ones")
    parser.add_argument("--servers", default=",".join(COMMANDS), help="comma-separated")
    parser.add_argument("--only", help=f"some contenders, comma-separated; default {','.join(DEFAULT)}")
    parser.add_argument("--workload", choices=SERVED, help=f"default: {', '.join(DEFAULT_WORKLOADS)}")
    # Two processes of one program differ by two or three percent, by how their memory came to lie.
    parser.add_argument("--starts", type=int, default=4, help="how often all servers are started anew; default: 4")
    parser.add_argument("--server-cpu", type=int, help="default: the first CPU of this process")
    parser.add_argument("--wrk-cpu", type=int, help="default: the next one")
    parser.add_argument("--no-save", action="store_true", help="do not write results/served.md")
    return parser.parse_args()


def main() -> None:
    """Start, check, load, report, stop."""
    args = parse()
    for tool in ("wrk", "taskset"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is missing (Debian packages: wrk, util-linux)")
    kinds = [kind.strip() for kind in args.servers.split(",")]
    if unknown := [kind for kind in kinds if kind not in COMMANDS]:
        raise SystemExit(f"unknown server {', '.join(unknown)}; there are: {', '.join(COMMANDS)}")
    cpus = sorted(os.sched_getaffinity(0))
    server_cpu = cpus[0] if args.server_cpu is None else args.server_cpu
    wrk_cpu = cpus[1 % len(cpus)] if args.wrk_cpu is None else args.wrk_cpu
    if server_cpu == wrk_cpu:
        raise SystemExit("the servers and wrk need a CPU each")
    names = choose(args.only, DEFAULT)
    workloads = [WORKLOADS[name] for name in ([args.workload] if args.workload else DEFAULT_WORKLOADS)]

    def leave(signum: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + signum)

    # A plain SIGTERM would end the script without its `finally`.
    signal.signal(signal.SIGTERM, leave)
    series: dict[tuple[str, str], list[Series]] = {}
    for _ in range(args.starts):
        with tempfile.TemporaryDirectory(prefix="jero-bench-") as folder, running(kinds, names, server_cpu) as servers:
            check(servers, workloads)
            print(f"check: {len(servers)} servers answer alike", file=sys.stderr)
            for key, group in measure(servers, workloads, args, wrk_cpu, Path(folder)).items():
                if key not in series:
                    series[key] = group
                    continue
                for all_bursts, further in zip(series[key], group, strict=True):
                    all_bursts.bursts += further.bursts
    facts = report.environment((*DISTRIBUTIONS, "granian", "uvicorn", "uvloop", "httptools"), os.cpu_count() or 1)
    taken = (
        f"- starts: {args.starts}, rounds each: {args.rounds}, bursts of {args.burst} s, {CONNECTIONS} connections, "
        f"servers on CPU {server_cpu}, wrk on CPU {wrk_cpu}"
    )
    text = f"# Served\n\n{facts}\n{taken}\n\n{render(series)}\n{NOTES}"
    print(text)
    if not args.no_save:
        print(f"written to {report.save('served.md', text)}", file=sys.stderr)


if __name__ == "__main__":
    main()
