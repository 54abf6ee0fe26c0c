"""Writes python-random.json: what CPython's random.Random gives, for PythonRandom to reproduce."""
import json
import pathlib
import random

golden = []
for seed in [0, 1, 1234, 2**31, 2**32 - 1, 2**32, 2**53 - 1]:
    rnd = random.Random(seed)
    entry = {"seed": seed, "bits": [rnd.getrandbits(32) for _ in range(5)]}
    entry["random"] = [rnd.random() for _ in range(5)]
    entry["below"] = [[n, rnd._randbelow(n)] for n in [1, 2, 3, 5, 1000, 2**31, 2**32 - 1, 2**32]]
    # both algorithms of sample, at and around the size where they change, the state carried on
    entry["samples"] = [
        [n, k, rnd.sample(list(range(n)), k)]
        for n, k in [(5, 5), (21, 5), (22, 5), (7473, 5), (7473, 6), (85, 6), (84, 6), (86, 6), (300, 25), (4000, 25)]
    ]
    entry["choices"] = [[n, k, rnd.choices(list(range(n)), k=k)] for n, k in [(10, 12), (5153, 6)]]
    shuffled = list(range(20))
    rnd.shuffle(shuffled)
    entry["shuffle"] = shuffled
    for _ in range(2000):
        rnd.getrandbits(32)
    entry["late"] = rnd.getrandbits(32)
    golden.append(entry)

path = pathlib.Path(__file__).with_name("python-random.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
