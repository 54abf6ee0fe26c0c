"""Writes harness.json: requests, scores and aggregates of lm-evaluation-harness 0.4.13 itself, over the fixtures.

Run: PYTHONPATH=<unpacked lm_eval wheel>:<jinja2 numpy pyyaml tqdm more_itertools typing_extensions dill> \
    LMEVAL_DISABLE_MULTIPROC=1 python3 make-harness.py
"""
import hashlib
import json
import pathlib
from collections import defaultdict

from harness_stubs import fixtures  # first: it puts the stand-ins in place

import lm_eval
from lm_eval.api.task import ConfigurableTask
from lm_eval.evaluator_utils import _compute_task_aggregations
from lm_eval.tasks import _yaml_loader

here = pathlib.Path(__file__).parent
tasks_folder = pathlib.Path(lm_eval.__file__).parent / "tasks"

# (file, our name, shots or None for the task's own, what a model might write to each document, and for a
# conversation: system instruction, examples as turns of their own)
runs = [
    ("many-targets.yaml", "many_targets", None, None),
    ("begun-answers.yaml", "begun_choices", None, None),
    ("begun-answers.yaml", "begun_choices", None, None, (None, False)),
    ("begun-answers.yaml", "begun_choices", None, None, ("Be brief.", True)),
    ("begun-text.yaml", "begun_text", None, [" 7", " 60 or 120", " none"]),
    ("begun-text.yaml", "begun_text", None, [" 7", " 60 or 120", " none"], ("Be brief.", False)),
    ("begun-text.yaml", "begun_text", None, [" 7", " 60 or 120", " none"], (None, True)),
    ("mmlu/default/mmlu_anatomy.yaml", "mmlu_anatomy", 2, None, (None, False)),
    ("mmlu/default/mmlu_anatomy.yaml", "mmlu_anatomy", 2, None, ("Be brief.", True)),
    ("winogrande/default.yaml", "winogrande", 2, None, (None, False)),
    ("mmlu/default/mmlu_anatomy.yaml", "mmlu_anatomy", 5, None),
    ("mmlu/default/mmlu_anatomy.yaml", "mmlu_anatomy", None, None),
    ("hellaswag/hellaswag.yaml", "hellaswag", None, None),
    ("hellaswag/hellaswag.yaml", "hellaswag", 3, None),
    ("arc/arc_easy.yaml", "arc_easy", None, None),
    ("arc/arc_challenge.yaml", "arc_challenge", None, None),
    ("winogrande/default.yaml", "winogrande", None, None),
    ("winogrande/default.yaml", "winogrande", 2, None),
    ("piqa/piqa.yaml", "piqa", None, None),
    ("super_glue/boolq/default.yaml", "boolq", None, None),
    ("siqa/siqa.yaml", "siqa", None, None),
    ("openbookqa/openbookqa.yaml", "openbookqa", None, None),
    ("commonsense_qa/default.yaml", "commonsense_qa", None, None),
    ("commonsense_qa/default.yaml", "commonsense_qa", 2, None),
    ("truthfulqa/truthfulqa_mc1.yaml", "truthfulqa_mc1", None, None),
    ("truthfulqa/truthfulqa_mc2.yaml", "truthfulqa_mc2", None, None),
    ("gsm8k/gsm8k.yaml", "gsm8k", None, [" 3 + 4 = 7\n#### 7", " It is 60 or $120.\n#### 60", " #### 600. Then 5"]),
    ("gsm8k/gsm8k-cot.yaml", "gsm8k_cot", None, [" The answer is 7.", " The answer is 120 km", " The answer is $600."]),
    ("bbh/cot_fewshot/boolean_expressions.yaml", "bbh_cot_fewshot_boolean_expressions", None,
     ["So the answer is False.", "So the answer is true.", "the answer is True, or the answer is not"]),
    ("bbh/cot_fewshot/dyck_languages.yaml", "bbh_cot_fewshot_dyck_languages", None,
     ["So the answer is ] ).", "So the answer is }.", "nothing"]),
    ("bbh/cot_fewshot/snarks.yaml", "bbh_cot_fewshot_snarks", None,
     ["So the answer is (B).", "So the answer is (B).", "So the answer is (A)"]),
    ("agieval/aqua-rat.yaml", "agieval_aqua_rat", None, None),
    ("agieval/math.yaml", "agieval_math", None, [" $12$.", " x = \\boxed{\\frac12}", " nothing at all"]),
    ("lambada/lambada_openai.yaml", "lambada_openai", None, None),
    ("triviaqa/default.yaml", "triviaqa", None, [" mars", " London", " the Goethe!"]),
    ("hendrycks_math/hendrycks_math_algebra.yaml", "hendrycks_math_algebra", None,
     [" $12$", " It is $x = \\frac{1}{2}$", " 1000"]),
    ("minerva_math/minerva_math_algebra.yaml", "minerva_math_algebra", None,
     [" Final Answer: The final answer is $12$. I hope it is correct.",
      " Final Answer: The final answer is $\\frac{1}{2}$. I hope it is correct.",
      " Final Answer: The final answer is $1000$ cents. I hope it is correct."]),
    ("humaneval/humaneval.yaml", "humaneval", None, ["    return x\n", "    return 1", "pass"]),
    ("mbpp/mbpp.yaml", "mbpp", None, ["def add(x): return x", "", "x"]),
    ("wikitext/wikitext.yaml", "wikitext", None, None),
]


def logprob(context, continuation):
    """A number that looks like a log-probability, from the strings; a multiple of 1/64, so exact in JSON."""
    digest = hashlib.sha256(f"{context}\x00{continuation}".encode()).digest()
    return -(int.from_bytes(digest[:2], "big") % 2048) / 64, digest[2] % 3 == 0


def respond(instance, texts):
    if instance.request_type == "loglikelihood":
        return logprob(*instance.args)
    if instance.request_type == "loglikelihood_rolling":
        return logprob("", instance.args[0])[0]
    return texts[instance.doc_id]


def render(messages, add_generation_prompt=True):
    """A chat template: turns between marks, the last one left open when the answer is begun."""
    text = "".join(f"<{each['role']}>{each['content']}</{each['role']}>" for each in messages)
    return text + "<assistant>" if add_generation_prompt else text.removesuffix("</assistant>")


golden = []
for file, name, shots, texts, *rest in runs:
    own = fixtures / file
    config = _yaml_loader.load_yaml(own if own.exists() else tasks_folder / file, resolve_func=True)
    task = ConfigurableTask(config=config)
    if shots is not None:
        task.set_config("num_fewshot", shots)
    elif task.config.num_fewshot is None:
        task.set_config("num_fewshot", 0)
    task.set_fewshot_seed(1234)
    chat = {}
    if rest:
        system, multiturn = rest[0]
        chat = {"system_instruction": system, "fewshot_as_multiturn": multiturn}
        chat |= {"apply_chat_template": True, "chat_template": render}
    task.build_all_requests(limit=None, rank=0, world_size=1, **chat)
    requests, responses = [], []
    for instance in task.instances:
        response = respond(instance, texts)
        instance.resps.append(response)
        first = instance.args[0]
        requests.append([instance.doc_id, first, instance.args[1] if instance.request_type != "loglikelihood_rolling" else None])
        responses.append(list(response) if isinstance(response, tuple) else response)
    task.apply_filters()
    by_doc = defaultdict(list)
    for instance in task.instances:
        by_doc[instance.doc_id].append(instance)
    raw, scores = defaultdict(list), []
    for doc_id, instances in sorted(by_doc.items()):
        instances.sort(key=lambda each: each.idx)
        values = {}
        for filter_key in instances[0].filtered_resps:
            metrics = task.process_results(
                instances[0].doc, [each.filtered_resps[filter_key] for each in instances]
            )
            for metric, value in metrics.items():
                raw[(metric, filter_key)].append(value)
                values[f"{metric},{filter_key}"] = list(value) if isinstance(value, tuple) else float(value)
        scores.append(values)
    aggregates, _ = _compute_task_aggregations(task, raw, bootstrap_iters=3000)
    golden.append({
        "task": name,
        "file": file if own.exists() else None,
        "shots": shots,
        "chat": {"system": rest[0][0], "multiturn": rest[0][1]} if rest else None,
        "requests": requests,
        "responses": responses,
        "scores": scores,
        "aggregates": {key: value if isinstance(value, str) else float(value) for key, value in aggregates.items()},
    })

lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in golden)
(here / "harness.json").write_text(f"[\n{lines}\n]\n")
