# Context and continuation as token ids by the rule of lm-evaluation-harness (lm_eval/api/model.py,
# _encode_pair), with Google's SentencePiece in place of transformers' tokenizer.
# usage: /usr/bin/python3 make-pairs.py TOKENIZER.model > pairs.json
import json
import sys

import sentencepiece

tokenizer = sentencepiece.SentencePieceProcessor(model_file=sys.argv[1])

PAIRS = [
    ("Question: What is the capital of France?\nAnswer:", " Paris"),
    ("Question: What is 2 + 2?\nA. 3\nB. 4\nAnswer:", " B"),
    ("A man is walking. He ", "stops and looks around."),
    ("Trailing\ttabs and lines \n\t", "then text"),
    ("Sarah was better than Maria so Sarah", " got the harder cases."),
    ("", "No context at all"),
    ("Der Fluß heißt ", "Rhein \U0001f30a"),
    ("unfinished wor", "d goes on"),
]


def encode(text):
    return [tokenizer.bos_id()] + tokenizer.encode(text)


def split(context, continuation):
    if context == "":
        return [tokenizer.bos_id()], tokenizer.encode(continuation)
    spaces = len(context) - len(context.rstrip())
    if spaces > 0:
        continuation = context[-spaces:] + continuation
        context = context[:-spaces]
    whole = encode(context + continuation)
    head = encode(context)
    return head, whole[len(head):]


rows = []
for context, continuation in PAIRS:
    head, tail = split(context, continuation)
    rows.append({"context": context, "continuation": continuation, "head": head, "tail": tail})
print(json.dumps(rows, ensure_ascii=False, indent=1))
