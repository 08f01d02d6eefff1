"""The queue's promises in rounds on real servers, with the issue's figures:

    uv run python packages/jero-background/tests/servers/soak_queue.py --rounds 20

- SIGTERM with 100 requests in flight and 1,000 items queued, once with time for all of them and once without: every
  item whose request got 200 ran exactly once, or is named in the log as dropped; once the requests under way have been
  answered, the process ends within drain_timeout + 1 s.
- SIGKILL at a random moment: no item ran twice, what is lost is at most what was queued or running, and the next start
  is clean.

Run it on a quiet machine: the second is one second. Exit status 1 if anything is wrong.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from queue_server import SERVERS, QueueServer, account, number_of, post_all, terminate_round


def kill_round(server, folder, seed):
    """Kill a server at a random moment of its work; what is wrong, and the figures."""
    folder.mkdir()
    moment = random.Random(seed).uniform(0.05, 0.6)
    with QueueServer(server, folder, JERO_PAUSE="0.002") as process:

        async def main():
            work = asyncio.create_task(post_all(process.port, [f"/quick/{number}" for number in range(3000)], 4))
            await asyncio.sleep(moment)
            process.kill()
            return await work

        taken = asyncio.run(main())
        ran = process.ran()
        lost = [number_of(target) for target in taken if number_of(target) not in ran]
        wrong = [f"{number} ran {count} times" for number, count in ran.items() if count > 1]
        if len(lost) > 2001:  # maxsize and the one that runs
            wrong.append(f"{len(lost)} items are lost")
        with QueueServer(server, folder) as again:
            more = asyncio.run(post_all(again.port, [f"/quick/{number}" for number in range(5000, 5010)], 1))
            again.terminate()
            again.process.wait(60)
        wrong += account(again, more)
    return wrong, len(taken), len(ran), len(lost)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--servers", default=",".join(SERVERS))
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        for server in options.servers.split(","):
            for label, drain, pause in (("all", 30.0, 0.0002), ("some", 1.0, 0.02)):
                most, answered, least = 0.0, 0.0, 10**6
                for index in range(options.rounds):
                    folder = Path(name) / f"{server}-{label}-{index}"
                    wrong, seconds, after, taken = terminate_round(
                        server, folder, items=1000, in_flight=100, drain=drain, pause=pause
                    )
                    most, answered, least = max(most, after), max(answered, seconds), min(least, taken)
                    if after > drain + 1:
                        wrong.append(f"the process ended {after:.2f} s after the last answer")
                    failures += bool(wrong)
                    if wrong:
                        print(f"{server} SIGTERM {label} round {index}:", *wrong[:10], sep="\n  ")
                print(
                    f"{server}: SIGTERM, drain_timeout {drain:g} s: {options.rounds} rounds, at least {least} of 1100 "
                    f"requests got 200; the process ended at most {most:.2f} s after the last answer, {answered:.2f} s "
                    "after SIGTERM",
                    flush=True,
                )
            figures = []
            for index in range(options.rounds):
                wrong, *figure = kill_round(server, Path(name) / f"{server}-kill-{index}", index)
                figures.append(figure)
                failures += bool(wrong)
                if wrong:
                    print(f"{server} SIGKILL round {index}:", *wrong[:10], sep="\n  ")
            taken, ran, lost = (sum(column) for column in zip(*figures, strict=True))
            print(f"{server}: SIGKILL: {options.rounds} rounds, {taken} taken, {ran} ran once, {lost} lost", flush=True)
    print("FAILED" if failures else "all rounds are right")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
