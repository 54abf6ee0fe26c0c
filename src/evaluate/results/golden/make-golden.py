"""Expected values for the tests of this folder, by Python and scipy: how Python writes values, the hashes of
sample lines as lm-evaluation-harness 0.4.13 computes them, McNemar's exact test as a binomial test, and
paired bootstrap intervals. Needs python3-scipy; writes golden.json beside itself."""

import hashlib
import json
import os

import numpy
from scipy import stats

floats = [0.0, 1.0, -1.5, 0.1, 1e-4, 1.5e-5, 123456789.125, 1e15, 1e16, 1.25e22, -3.0517578125e-05,
          5e-324, 1.7976931348623157e308, 0.3333333333333333, -12.345678901234567, 100.0, 0.001]

targets = ["plain", "it's", 'say "hi"', "0", 3, ["a", "it's", 'both \' and "'], ["tab\tnew\nline\\", "é\u00a0\u200b"],
           ["\x00\x1f\x7f", "日本", "\u2028", "\U0001f600", "\U000e0001"], []]

documents = [
    {"question": "What is 2 + 2?\nThink.", "choices": ["3", "4"], "answer": 1},
    {"text": "quote \" backslash \\ tab \t bell \x07 del \x7f é 日本 \U0001f600 \u2028", "empty": [], "none": None,
     "nested": {"deep": {}, "list": [[1, 2], [True, False]]}},
    {"float": 0.5, "small": 1.5e-05, "big": 1234567890123456, "negative": -7},
]


def hash_string(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


samples = []
for document, prompt, target in [(documents[0], "Question: What is 2 + 2?\nAnswer:", 1),
                                 (documents[1], "é", "it's"),
                                 (documents[2], "", ["a", "b'c"])]:
    samples.append({
        "doc": document, "prompt": prompt, "target": target,
        "doc_hash": hash_string(json.dumps(document, indent=2, ensure_ascii=False)),
        "prompt_hash": hash_string(prompt),
        "target_hash": hash_string(str(target)),
    })
task_hash = hash_string("".join(s["doc_hash"] + s["prompt_hash"] + s["target_hash"] for s in samples))

mcnemar = [[b, c, stats.binomtest(b, b + c, 0.5).pvalue if b + c else 1.0]
           for b, c in [(0, 0), (1, 0), (5, 5), (10, 2), (3, 17), (212, 144), (700, 801), (0, 60), (4000, 4200)]]


def interval(first, second, statistic, paired_seed):
    found = stats.bootstrap((first, second), statistic, paired=True, vectorized=False, method="percentile",
                            n_resamples=20000, confidence_level=0.95,
                            random_state=numpy.random.default_rng(paired_seed))
    return [float(found.confidence_interval.low), float(found.confidence_interval.high), float(found.standard_error)]


generator = numpy.random.default_rng(7)
right = (generator.random(400) < 0.55).astype(float)
other = numpy.where(generator.random(400) < 0.8, right, (generator.random(400) < 0.75).astype(float))
difference = other - right
logs = generator.normal(-60, 20, 120)
logs_other = logs + generator.normal(1.5, 4, 120)
words = generator.integers(20, 80, 120).astype(float)


def perplexities(log, log_other):
    # indexes travel as values: scipy resamples these two arrays by the same draws
    return numpy.exp(-numpy.sum(log_other[:, 0]) / numpy.sum(log_other[:, 1])) - numpy.exp(
        -numpy.sum(log[:, 0]) / numpy.sum(log[:, 1]))


def perplexity_interval():
    rng = numpy.random.default_rng(9)
    draws = []
    for _ in range(20000):
        at = rng.integers(0, 120, 120)
        draws.append(perplexities(numpy.stack([logs[at], words[at]], 1), numpy.stack([logs_other[at], words[at]], 1)))
    return [float(numpy.quantile(draws, 0.025)), float(numpy.quantile(draws, 0.975)), float(numpy.std(draws, ddof=1))]


golden = {
    "floats": [[value, repr(value)] for value in floats],
    "targets": [[value, str(value)] for value in targets],
    "documents": [[value, json.dumps(value, indent=2, ensure_ascii=False)] for value in documents],
    "samples": samples,
    "taskHash": task_hash,
    "mcNemar": mcnemar,
    "accuracy": {
        "first": right.tolist(), "second": other.tolist(),
        "difference": float(numpy.mean(difference)),
        "stderr": float(numpy.std(difference, ddof=1) / numpy.sqrt(len(difference))),
        "interval": interval(right, other, lambda a, b: numpy.mean(b) - numpy.mean(a), 8),
    },
    "perplexity": {
        "first": [[float(a), float(w)] for a, w in zip(logs, words)],
        "second": [[float(a), float(w)] for a, w in zip(logs_other, words)],
        "difference": float(perplexities(numpy.stack([logs, words], 1), numpy.stack([logs_other, words], 1))),
        "interval": perplexity_interval(),
    },
}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json"), "w", encoding="utf-8") as file:
    json.dump(golden, file, ensure_ascii=True, separators=(",", ":"))
    file.write("\n")
