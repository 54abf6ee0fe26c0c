"""Writes text.json: what Python, Jinja and lm-evaluation-harness 0.4.13 make of texts, for the ports of them.

Run as make-harness.py says.
"""
import json
import pathlib
import re

import harness_stubs  # noqa: F401  first: it puts the stand-ins in place

from lm_eval import utils
from lm_eval.api.metrics import exact_match_hf_evaluate, pooled_sample_stderr, unweighted_mean_stderr
from lm_eval.api.metrics import bootstrap_stderr, matthews_corrcoef, median, perplexity  # noqa: F401
from lm_eval.filters import build_filter_ensemble
from lm_eval.api.instance import Instance
from lm_eval.tasks.agieval import utils as agieval
from lm_eval.tasks.hellaswag import utils as hellaswag
from lm_eval.tasks.hendrycks_math import utils as hendrycks
from lm_eval.tasks.minerva_math import utils as minerva

odd = ["", " a ", "\ta\u00a0", "\x1ca\x1f", "\ufeffa", "\u2028x\u3000", "ÀB", "don't", 'say "x"', "a\\b\n", "🦙b", "xxaxx"]
text = {
    "strip": [[s, s.strip(), s.lstrip(), s.rstrip(), s.strip("x")] for s in odd],
    "capitalize": [[s, s.capitalize()] for s in odd + ["mcDONALD x", "éTÉ", "1ab"]],
    "length": [[s, len(s)] for s in odd],
    "repr": [[v, repr(v)] for v in [None, True, 3, -1.5, "a", "it's", 'q"', 'both \'"', ["a", 1], {"k": [None]}, "tab\t\n\r\\"]],
}

patterns = [
    (r"#### (\-?[0-9\.\,]+)", ["#### 1,234.", "####5", "#### -7 and #### 8"]),
    (r"(-?[$0-9.,]{2,})|(-?[0-9]+)", ["a $12, b 3 -4.5", "none"]),
    (r"(?<=the answer is )(.*)(?=.)", ["So the answer is (B).", "the answer is x\nthe answer is yes!", "the answer is"]),
    (r"The answer is (\-?[0-9\.\,]+).", ["The answer is 5.", "The answer is 5"]),
    (r"(?s).*#### ", ["a\nb #### 3", "none"]),
    (r"\.$", ["end.", "end.\n", "a.b"]),
    (r"(?i)ANSWER: ([a-d])", ["answer: b", "Answer:  c"]),
    (r"\s+", ["a\u00a0\x1c b\ufeffc"]),
    (r"[\s\d]+", ["a1\u0663 b"]),
    (r"\w+", ["naïve_日本 x-ray²"]),
    (r"\d+\Z", ["12", "12\n"]),
    (r"(?m)^(\w)", ["a\nb"]),
    (r"(?P<x>a)(b)?", ["ab", "ac"]),
    (r"\[.*?\]", ["[title] x [a\nb] [c]"]),
    (r"[]a]+", ["a]b"]),
    (r"a{2,3}\-\,", ["aa-,aaaa-,"]),
    (r"\bcat\b|dog", ["cat concat dog"]),
]
regex = [[p, s, [list(m) if isinstance(m, tuple) else m for m in re.findall(p, s)]] for p, many in patterns for s in many]

docs = {
    "text": "a b c", "n": 3, "f": 2.5, "flag": True, "none": None, "list": ["x", "y"], "mixed": [1, "z"],
    "nested": {"label": ["A", "B"], "text": ["one", "it's"]}, "spaces": "  pad  ", "html": "<a & 'b'>",
}
templates = [
    "{{text}}", "{{text}}\n", "a\n{{text}}\n\nb\n", "{{list}}", "{{mixed}} and {{nested}}", "{{flag}} {{none}} {{n}} {{f}}",
    "{{spaces.strip()}}|{{spaces.lstrip()}}|{{spaces.rstrip()}}|{{text.strip('ac')}}", "{{text.split(' ')[:-1]|join(' ')}}",
    "{{' '+text.split(' ')[-1]}}", "{{nested.label.index('B')}}", "{{nested['text'][1]}}", "{{text|upper}} {{text.upper()}}",
    "{% if flag %}\n  yes {{n}}\n{% endif %}\nend", "{% for x in list %}{{loop.index}}:{{x}} {% endfor %}",
    "{{text|regex_replace('b', 'X')}}", "{{text|regex_replace('\\\\s+', '')}}", "{{ (n|int) - 1 }}", "{{n if missing is undefined else 0}}",
    "{{html}}", "{% set q = 'a\n' %}{{q + text}}", "{{text.capitalize()}} {{', '.join(list)}}", "{{list[0] ~ n}}", "{{nested.text|length}}",
    "{# a comment #}{{text[0]}}", "{{'a' in list}} {{'x' in list}}",
]
jinja = [[t, utils.apply_template(t, docs)] for t in templates]

math = [
    "12", "1{,}000", "\\frac12", "\\frac{1}{2}", "\\dfrac 34", "\\tfrac{3}{4}", "0.5", ".5", "x=5", "xyz=5", "3/4", "a/b", "03/4", "\\sqrt3",
    "\\sqrt{3}", "\\sqrt", "2\\text{ cm}", "\\text{ a }\\text{ b }", "50\\%", "\\$5", "90^\\circ", "90^{\\circ}", "\\left(1,2\\right)",
    "1,000", "0,1", "-1,234,567", "12 inches", "2\\pi cm", "\\left[2,5\\right)", "\\text{even}", "\\mbox{odd}", "$\\frac{1}{2}$", "a 5", "an 6",
    "\\boxed{7}", "\\textbf{8}", "\\overline{AB}", "\\sqrt[3]8", "\\sqrt2x", "\\frac1{72}", "5 dollars", "10\\,000", "x+1=2=3", "", "\\frac", "\\\\pi",
    "square feet", "100\\text{ degrees}", "4\\ldots", '"quoted"', "9\\!8", " .25", "{.25}",
]
boxes = ["so \\boxed{12}.", "\\boxed{a} \\boxed{b{c}}", "\\boxed 5$ x", "\\fbox{3}", "\\boxed{open", "none", "\\boxed{x = 4}"]
finals = ["Final Answer: The final answer is $2$. I hope it is correct.", "Final Answer: The final answer is 3", "nothing",
          "Final Answer: The final answer is a\nb. I hope it is correct."]


def attempt(work, *args):
    try:
        return work(*args)
    except Exception:
        return None


equal = [[a, b, hendrycks.is_equiv(a, b), agieval._strip_string(a) == agieval._strip_string(b) if attempt(agieval._strip_string, a) is not None and attempt(agieval._strip_string, b) is not None else None]
         for a in math for b in ["12", "\\frac{1}{2}", "5", "\\frac{3}{4}", "\\sqrt{3}", "a/b", "\\frac", "1000"]]
answers = ["$12$", "a $x=3$ b $y = 4$", "x = 5.", "the 12 or $34", "none", "\\boxed{x = \\frac12}", "\\boxed{", "a=b\\nc", "= 7 .", "12th 13"]

filters = [
    [["regex", {"regex_pattern": "#### (\\-?[0-9\\.\\,]+)"}], ["take_first", {}]],
    [["regex", {"regex_pattern": "(-?[$0-9.,]{2,})|(-?[0-9]+)", "group_select": -1}], ["take_first", {}]],
    [["regex", {"regex_pattern": "x(y)?", "fallback": "nix"}], ["take_first", {}]],
    [["remove_whitespace", {}], ["lowercase", {}], ["take_first", {}]],
    [["uppercase", {}], ["take_first_k", {"k": 2}], ["majority_vote", {}], ["take_first", {}]],
    [["map", {"mapping_dict": {"a": "1"}, "default_value": "0"}], ["take_first", {}]],
    [["multi_choice_regex", {"regex_pattern": "(\\([A-Z]\\))", "group_select": -1, "ignore_case": True, "ignore_punctuation": True}], ["take_first", {}]],
    [["multi_choice_regex", {"regex_pattern": "the answer is (\\([A-Z]\\))", "regexes_to_ignore": ["the "]}], ["take_first", {}]],
]
resps = [["#### 1,200.", "b", "b"], [" a", "a", "c"], ["A", "B", "B"], ["it is $3 or 4", "", ""], ["xy", "", ""], ["x (A) and (B)", "", ""],
         ["I choose: Red wine!", "", ""], ["answer: C", "", ""], ["the answer is (B)", "", ""], ["plain", "", ""], ["  two", "", ""]]
choices = ["red wine", "the sea.", "(c) 3"]


def run_filter(chain, answers):
    ensemble = build_filter_ensemble("f", [[name, dict(options)] for name, options in chain])
    instance = Instance("generate_until", {"choices": choices}, ("", {}), 0)
    instance.resps = list(answers)
    ensemble.apply([instance])
    return instance.filtered_resps["f"]


filtered = [[chain, answers, attempt(run_filter, chain, answers)] for chain in filters for answers in resps]

matches = [
    [p, r, o, float(exact_match_hf_evaluate(predictions=[p], references=[r], **o)["exact_match"])]
    for p, r in [("1,200", "1200"), ("Paris!", "paris"), ("$5.", "x #### 5"), ("a1", "a"), ("a", "a"), ("É", "é")]
    for o in [{}, {"ignore_case": True}, {"ignore_punctuation": True, "ignore_case": True}, {"ignore_numbers": True},
              {"regexes_to_ignore": [",", "\\$", "(?s).*#### ", "\\.$"]}]
]
stderrs, sizes = [0.01, 0.02, 0.05], [100, 200, 50]
numbers = [-((i * 37) % 101) / 8 for i in range(41)]
golden = {
    "text": text, "regex": regex, "docs": docs, "jinja": jinja, "choices": choices, "filtered": filtered, "matches": matches,
    "normalised": [[s, attempt(hendrycks.strip_string, s), attempt(agieval._strip_string, s), minerva.normalize_final_answer(s)] for s in math],
    "equal": equal,
    "boxed": [[s, hendrycks.last_boxed_only_string(s)] for s in boxes],
    "answers": [[s, agieval.parse_math_answer(s)] for s in answers],
    "finals": [[s, minerva.get_unnormalized_answer(s)] for s in finals],
    "cleaned": [[s, hellaswag.preprocess(s)] for s in ["  a [title] b [step] c  ", "[header] x  y", "a   b", "[x\ny] z"]],
    "pooled": [stderrs, sizes, float(pooled_sample_stderr(stderrs, sizes)), float(unweighted_mean_stderr(stderrs))],
    "bootstrap": {"numbers": numbers, "median": bootstrap_stderr(median, numbers, 2000), "perplexity": bootstrap_stderr(perplexity, numbers, 2000), "few": bootstrap_stderr(perplexity, numbers, 300)},
}
path = pathlib.Path(__file__).with_name("text.json")
path.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
