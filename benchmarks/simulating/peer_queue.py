"""A hospital's beds in simpy: patients come, wait by urgency, stay and leave.

Run by the peer's own Python: `peer_queue.py 100000`; prints JSON.
"""

import json
import random
import sys
import time

import simpy

BEDS, USE, URGENCIES = 20, 0.9, 3


def main() -> None:
    """Run it and print what it took."""
    count, rng = int(sys.argv[1]), random.Random(1)
    gaps = [rng.expovariate(BEDS * USE) for _ in range(count)]
    stays = [rng.expovariate(1) for _ in range(count)]
    urgency = [rng.randrange(URGENCIES) for _ in range(count)]
    visits = []

    def patient(env, beds, who, came):
        with beds.request(priority=urgency[who]) as request:
            yield request
            started = env.now
            yield env.timeout(stays[who])
        visits.append((who, came, started, env.now))

    def source(env, beds):
        for who, gap in enumerate(gaps):
            yield env.timeout(gap)
            env.process(patient(env, beds, who, env.now))

    started = time.process_time()
    env = simpy.Environment()
    env.process(source(env, simpy.PriorityResource(env, capacity=BEDS)))
    env.run()
    seconds = time.process_time() - started
    waited = sum(start - came for _, came, start, _ in visits) / count
    print(json.dumps({"seconds": seconds, "waited": waited}))


if __name__ == "__main__":
    main()
