# Makes sentencepiece.json: ids and decodings by Google's own SentencePiece (Debian's python3-sentencepiece,
# 0.1.97), for the models of the shared data. Run: /usr/bin/python3 make-sentencepiece-golden.py DATA_FOLDER
import json
import os
import random
import sys

import sentencepiece

data = sys.argv[1]
texts = [
    "", " ", "  ", "a", " a", "a ", "  two  spaces  ", "\n", "\n\n \n", "\t\ttab", "Hello world",
    "Hello, y'all! How are you?", "</s>", "<s>x</s><unk>", "<0x41><0x0A>", "[INST] <<SYS>>",
    "\u00c4pfel und B\u00e4ume", "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8", "\U0001f999\U0001f999 llama \U0001f999",
    "\u2603\u2603\u2603 snow \u2603\u2603", "\u00a0nbsp\u00a0", "1234567890 3.14159", "a" * 50, " " * 37, "x" + " " * 20 + "y",
    "\ufeffbom", "\ufffd", "\u0000zero\u0000", "e\u0301 combining", "def f(x):\n    return x ** 2\n",
    "The quick brown fox jumps over the lazy dog. " * 3, "\U0010ffff\ue000 private",
]
random.seed(7)
alphabet = " \n\tabcdefgh\u00e9\u4f60\u2603\U0001f999.,'<>/s"
texts += ["".join(random.choice(alphabet) for _ in range(random.randint(1, 60))) for _ in range(60)]
byte_runs = [
    [229, 147, 136 + 3], [3 + 0xE2, 3 + 0x98, 3 + 0x83], [3 + 0xE2, 3 + 0x98], [3 + 0xE2, 3 + 0x28],
    [3 + 0xFF, 3 + 0xFE], [3 + 0xED, 3 + 0xA0, 3 + 0x80], [3 + 0xC0, 3 + 0x80], [3 + 0xF0, 3 + 0x9F, 3 + 0xA6, 15043],
    [15043, 3 + 0xF0, 3 + 0x9F, 3 + 0xA6, 3 + 0x99, 15043], [1, 15043, 2], [1, 29871, 29871, 15043], [3 + 0x20, 15043],
    [3 + 0xF4, 3 + 0x90, 3 + 0x80, 3 + 0x80], [3 + 0xE0, 3 + 0x80, 3 + 0x80], [0, 15043], [15043, 0, 3186],
]


def cases(path, with_bytes):
    model = sentencepiece.SentencePieceProcessor(model_file=os.path.join(data, path))
    encoded = [{"text": text, "ids": model.encode(text)} for text in texts]
    decoded = [{"ids": ids, "text": model.decode(ids)} for ids in byte_runs] if with_bytes else []
    decoded += [{"ids": case["ids"], "text": model.decode(case["ids"])} for case in encoded if case["ids"]]
    return {"path": path, "encoded": encoded, "decoded": decoded}


golden = [cases("llama2-tokenizer/tokenizer.model", True), cases("babyllama105/tok105.model", False)]
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "sentencepiece.json"), "w", encoding="utf-8") as file:
    json.dump(golden, file, ensure_ascii=True, separators=(",", ":"))
    file.write("\n")
