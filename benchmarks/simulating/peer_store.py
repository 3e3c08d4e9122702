"""The store in Mesa, as its documentation teaches it and lean, in AgentPy, and in ambr.

In ambr numpy draws for all agents at once, and no events are kept: it has no tables for them.

Run by the peer's own Python: `peer_store.py mesa-lean 100000 30`; prints JSON.
"""

import bisect
import itertools
import json
import math
import random
import sys
import time

CATEGORIES, MOST_LINES, PRODUCTS = 8, 5, 200
WEEK = [0.8, 0.8, 0.9, 1.0, 1.3, 1.6, 0.6]


class Shelves:
    """Products with stock, and the rule that orders more."""

    def __init__(self, rng: random.Random, shoppers: int) -> None:
        self.level = max(3, int(shoppers * 0.35 / PRODUCTS * 4))
        self.stock = [self.level] * PRODUCTS
        self.price = [
            max(50, round(rng.lognormvariate(math.log(12), 0.7) * 100)) for _ in self.stock
        ]
        category = [rng.randrange(CATEGORIES) for _ in self.stock]
        self.of = [[p for p in range(PRODUCTS) if category[p] == c] for c in range(CATEGORIES)]
        weight = [min(50.0, rng.paretovariate(1.5)) for _ in self.stock]
        self.sums = [list(itertools.accumulate(weight[p] for p in of)) for of in self.of]
        self.due: list[tuple[int, int, int]] = []

    def night(self, day: int) -> None:
        """Deliveries come, and products that run low are ordered."""
        for _, product, amount in [item for item in self.due if item[0] == day]:
            self.stock[product] += amount
        self.due = [item for item in self.due if item[0] > day]
        if day % 2 == 0:
            for product, left in enumerate(self.stock):
                if left < self.level // 2:
                    self.due.append((day + 2, product, self.level - left))


class Shopper:
    """What a shopper is and does, the same in every framework."""

    def setup_shopper(self, rng: random.Random) -> None:
        """Draw a shopper's tastes and budget."""
        self.chance = rng
        self.budget = round(rng.lognormvariate(math.log(260), 0.6) * 100)
        self.rate = rng.betavariate(2, 6)
        self.taste = rng.randrange(CATEGORIES)
        self.habit = rng.betavariate(2, 3)
        self.last = -1
        self.spent = 0

    def shop(self, day: int, shelves: Shelves, visits: list, lines: list, missed: list) -> None:
        """Perhaps come, and buy a few products."""
        rng = self.chance
        if rng.random() >= self.rate * WEEK[day % 7]:
            return
        visits.append((len(visits), day, self.key))
        count, limit, product = 1, math.exp(-1.2), rng.random()
        while product > limit:
            count += 1
            product *= rng.random()
        for _ in range(min(MOST_LINES, count)):
            if self.last >= 0 and rng.random() < self.habit:
                want = self.last
            else:
                sums = shelves.sums[self.taste]
                want = shelves.of[self.taste][bisect.bisect(sums, rng.random() * sums[-1])]
            price = shelves.price[want]
            if self.budget < price:
                continue
            if shelves.stock[want] < 1:
                missed.append((day, self.key, want))
                continue
            shelves.stock[want] -= 1
            self.budget -= price
            self.spent += price
            self.last = want
            lines.append((len(visits) - 1, day, self.key, want, price))


def mesa_model(shoppers: int, taught: bool):
    """The store in Mesa."""
    import mesa

    class Agent(Shopper, mesa.Agent):
        def __init__(self, model):
            super().__init__(model)
            self.key = self.unique_id
            self.setup_shopper(model.random)

        def step(self):
            model = self.model
            if not taught:
                self.shop(model.day, model.shelves, model.visits, model.lines, model.missed)
                return
            visits, lines, missed = [], [], []
            self.shop(model.day, model.shelves, visits, lines, missed)
            add = model.datacollector.add_table_row
            for _, day, key in visits:
                add("visits", {"visit": model.count, "day": day, "shopper": key})
            for _, day, key, want, price in lines:
                row = {"visit": model.count, "day": day, "shopper": key}
                add("lines", {**row, "product": want, "price": price})
            for day, key, want in missed:
                add("missed", {"day": day, "shopper": key, "product": want})
            model.count += len(visits)

    class Store(mesa.Model):
        def __init__(self):
            super().__init__(rng=1)
            self.shelves = Shelves(self.random, shoppers)
            self.visits, self.lines, self.missed, self.day, self.count = [], [], [], 0, 0
            if taught:
                line = ["visit", "day", "shopper", "product", "price"]
                self.datacollector = mesa.DataCollector(
                    agent_reporters={"spent": "spent"},
                    tables={
                        "visits": ["visit", "day", "shopper"],
                        "lines": line,
                        "missed": ["day", "shopper", "product"],
                    },
                )
            for _ in range(shoppers):
                Agent(self)

        def step(self):
            self.shelves.night(self.day)
            self.agents.shuffle_do("step")
            if taught:
                self.datacollector.collect(self)
            self.day += 1

    model = Store()

    def frames():
        if taught:
            for name in ("visits", "lines", "missed"):
                model.datacollector.get_table_dataframe(name)
            model.datacollector.get_agent_vars_dataframe()

    return model.step, frames


def agentpy_model(shoppers: int):
    """The store in AgentPy."""
    import agentpy

    class Agent(Shopper, agentpy.Agent):
        def setup(self):
            self.key = self.id
            self.setup_shopper(self.model.random)

        def act(self):
            model = self.model
            self.shop(model.day, model.shelves, model.visits, model.lines, model.missed)

    class Store(agentpy.Model):
        def setup(self):
            self.shelves = Shelves(self.random, shoppers)
            self.visits, self.lines, self.missed, self.day = [], [], [], 0
            self.people = agentpy.AgentList(self, shoppers, Agent)

        def step(self):
            self.shelves.night(self.day)
            self.people.shuffle().act()
            self.day += 1

    model = Store({"seed": 1})
    model.sim_setup(steps=10**6, seed=1)
    return model.step, lambda: None


def ambr_model(shoppers: int):
    """The store in ambr, in its vectorised lane."""
    import ambr
    import numpy as np

    class Store(ambr.Model):
        def setup(self):
            rng, self.shelves, self.day = self.rng, Shelves(random.Random(1), shoppers), 0
            budget = np.rint(rng.lognormal(math.log(260), 0.6, shoppers) * 100).astype(np.int64)
            self.add_agents(
                shoppers,
                budget=budget,
                rate=rng.beta(2, 6, shoppers),
                taste=rng.integers(0, CATEGORIES, shoppers),
                habit=rng.beta(2, 3, shoppers),
                last=np.full(shoppers, -1),
            )

        def step_vectorized(self):
            rng, shelves, people = self.rng, self.shelves, self.agents
            shelves.night(self.day)
            budget, last = people.budget.to_numpy().copy(), people.last.to_numpy().copy()
            taste, habit = people.taste.to_numpy(), people.habit.to_numpy()
            rate = people.rate.to_numpy() * WEEK[self.day % 7]
            come = rng.permutation(np.flatnonzero(rng.random(shoppers) < rate))
            lines = 1 + rng.poisson(1.2, len(come))
            price, stock = np.array(shelves.price), np.array(shelves.stock)
            for line in range(MOST_LINES):
                who = come[lines > line]
                want, kinds = np.empty(len(who), dtype=np.int64), taste[who]
                for kind in range(CATEGORIES):
                    mine, sums = kinds == kind, np.array(shelves.sums[kind])
                    drawn = rng.random(int(mine.sum())) * sums[-1]
                    want[mine] = np.array(shelves.of[kind])[np.searchsorted(sums, drawn, "right")]
                again = (last[who] >= 0) & (rng.random(len(who)) < habit[who])
                want = np.where(again, last[who], want)
                able = budget[who] >= price[want]
                who, want = who[able], want[able]
                order = np.argsort(want, kind="stable")
                place = np.empty(len(who), dtype=np.int64)
                counts = np.bincount(want, minlength=PRODUCTS)
                place[order] = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
                got = place < stock[want]
                stock -= np.bincount(want[got], minlength=PRODUCTS)
                budget[who[got]] -= price[want[got]]
                last[who[got]] = want[got]
            people.budget, people.last = budget, last
            shelves.stock = stock.tolist()
            self.day += 1

    model = Store({"steps": 10**6, "seed": 1, "show_progress": False})
    model.setup()
    return model.step_vectorized, lambda: None


def main() -> None:
    """Run one peer and print what it took."""
    name, shoppers, days = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if name in ("agentpy", "ambr"):
        step, end = (agentpy_model if name == "agentpy" else ambr_model)(shoppers)
    else:
        step, end = mesa_model(shoppers, name == "mesa-taught")
    started = time.process_time()
    for _ in range(days):
        step()
    end()
    print(json.dumps({"seconds": time.process_time() - started}))


if __name__ == "__main__":
    main()
