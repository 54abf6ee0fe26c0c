# Makes trained-corpus.txt and trained.json: what Google's own SentencePiece (Debian's python3-sentencepiece,
# 0.1.97) learns from that corpus, and how it encodes with a model that Corral wrote. Run:
#   /usr/bin/python3 make-trained-golden.py corpus
#   corral tokenizer train trained-corpus.txt --separator '\n' --vocab-size 540 --coverage 1 --control '<|user|>' --control '<|end|>' --out trained.model
#   /usr/bin/python3 make-trained-golden.py extra > extra.txt
#   corral tokenizer extend trained.model extra.txt --separator '\n' --pieces 60 --out extended.model
#   /usr/bin/python3 make-trained-golden.py encode trained.model extended.model
import base64
import json
import os
import random
import sys
import tempfile

import sentencepiece

# Greek, which the corpus has none of, and English words that it lacks
extra = ["το λάμα περπατά στον λόφο", "ο λόφος είναι πράσινος", "το καπέλο του λάμα είναι στον λόφο", "walking sticks", "sticky walking sticks"] * 3
here = os.path.dirname(os.path.abspath(__file__))
corpus = os.path.join(here, "trained-corpus.txt")
words = {
    "en": "the llama walked slowly walking walker over under green hill hills its hat was lost found again happily happiness un-happy don't (maybe)".split(),
    "de": "das Lama läuft über grüne Hügel Hügelkette größer größte und sucht seinen Straßenhut überall".split(),
    "ru": "лама идёт идут по зелёному холму холмы и ищет шляпу шляпа шляпка".split(),
    "ja": "ラマは 緑の丘を 歩いて 帽子を 探した 帽子が 丘に".split(),
}


def write_corpus():
    random.seed(11)
    lines = []
    for _ in range(420):
        language = random.choice(["en", "en", "en", "de", "ru", "ja"])
        some = [random.choice(words[language]) for _ in range(random.randint(3, 12))]
        if random.random() < 0.3:
            some.insert(random.randrange(len(some)), str(random.randrange(10000)))
        glue = "" if language == "ja" else " "
        line = glue.join(some) + random.choice([".", "!", "?", "...", " 🦙", ""])
        if random.random() < 0.1:
            line = "    " + line.replace(" ", "  ", 1)
        lines.append(line)
    with open(corpus, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def encode(path, extended_path):
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "own")
        sentencepiece.SentencePieceTrainer.train(
            input=corpus, model_prefix=prefix, vocab_size=540, model_type="bpe", byte_fallback=True,
            split_digits=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True, character_coverage=1.0, control_symbols=["<|user|>", "<|end|>"],
            minloglevel=2,
        )
        own = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
    with open(path, "rb") as file:
        model = file.read()
    ours = sentencepiece.SentencePieceProcessor(model_proto=model)
    with open(corpus, encoding="utf-8") as file:
        lines = file.read().split("\n")
    with open(extended_path, "rb") as file:
        extended_model = file.read()
    extended = sentencepiece.SentencePieceProcessor(model_proto=extended_model)
    texts = lines[:60] + [
        "", " ", "   ", "a\nb", "\n", "\tx", "12,345.67", "unseen wörter", "日本 ☃", "<|user|>", "</s>", "llama" * 9,
    ]
    golden = {
        "theirs": [own.id_to_piece(id) for id in range(own.vocab_size())],
        "theirTokens": sum(len(ids) for ids in own.encode(lines)),
        "model": base64.b64encode(model).decode("ascii"),
        "special": {"unknown": ours.unk_id(), "bos": ours.bos_id(), "eos": ours.eos_id(), "size": ours.vocab_size()},
        "controls": [ours.is_control(id) for id in range(6)],
        "encoded": [{"text": text, "ids": ours.encode(text)} for text in texts],
        "extra": extra,
        "extendedModel": base64.b64encode(extended_model).decode("ascii"),
        "extended": [{"text": text, "ids": extended.encode(text)} for text in texts[:30] + extra[:5] + ["λάμα sticks ψ"]],
    }
    with open(os.path.join(here, "trained.json"), "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=False, separators=(",", ":"))


if sys.argv[1] == "corpus":
    write_corpus()
elif sys.argv[1] == "extra":
    print("\n".join(extra))
else:
    encode(sys.argv[2], sys.argv[3])
