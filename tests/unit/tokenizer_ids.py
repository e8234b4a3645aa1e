#!/usr/bin/env python3
"""tokenizer_ids.py [-n N] [-s SEED] NAME=MODEL.gguf... > tokenizer_ids.tsv

What llama.cpp makes of strings that this script makes up: the expected ids of test_tokenizer.c.  Lines of
name, special (0 or 1), bytes of the string in hex, ids.  Needs llama-cpp-python.  For a larger comparison by hand:
    python3 tokenizer_ids.py -n 2000 smollm2-135m=... > ids.tsv ; DUOSIM_TOKENIZER_IDS=ids.tsv test_tokenizer"""
import argparse
import random
import sys

WORDS = ("the quick brown fox naïve café résumé Straße ÄÖÜ don't I'll we've THEY'RE he'd it's O'Brien 3.14159 1,000,000 2026-11-21 "
         "http://example.org/a?b=c&d foo_bar() x+=1; {\"k\": [1,2]} C++ 日本語 中文字符 한국어 العربية עברית हिन्दी ไทย Ελληνικά Русский "
         "😀 👨‍👩‍👧‍👦 🇩🇪 e\u0301 \u200b \ufeff ½ ² Ⅷ ٣٤ ①").split(" ")
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>", "<unk>", "<|eot_id|>", "<|begin_of_text|>", "<start_of_turn>",
           "<end_of_turn>", "<bos>", "<0x41>", "<repo_name>", "<|im_", "\n\n"]
PIECES = [" ", " ", "\n", "\t", "\r", "a", "B", "1", ".", "'", "'s", "'LL", "  "]


def character(r):
    k = r.random()
    if k < .45:
        return chr(r.randrange(32, 127))
    if k < .55:
        return chr(r.choice([0, 1, 7, 8, 9, 10, 11, 12, 13, 27, 28, 29, 30, 31, 127, 133, 160]))
    for limit, low, high in ((.65, 0xA0, 0x250), (.72, 0x370, 0x600), (.8, 0x4E00, 0x9FFF), (.86, 0x1F300, 0x1FAFF)):
        if k < limit:
            return chr(r.randrange(low, high))
    if k < .9:
        return r.choice("\u2003\u2009\u2028\u3000\u1680\u202f\u00a0\u180e\u2060")
    while True:
        code = r.randrange(0x110000)
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def string(r):
    k = r.random()
    if k < .3:
        return "".join(character(r) for _ in range(r.randrange(0, 24)))
    if k < .5:
        return "".join(r.choice(PIECES) for _ in range(r.randrange(1, 24)))
    if k < .6:
        return "".join(r.choice("aé日1 ") * r.randrange(1, 12) for _ in range(4))
    out = ""
    for _ in range(r.randrange(1, 10)):
        out += r.choice(WORDS if r.random() < .85 else SPECIAL) + r.choice([" ", " ", " ", "", "  ", "\n", "\n\n", "\t"])
    return out


def main():
    import llama_cpp
    p = argparse.ArgumentParser()
    p.add_argument("-n", type=int, default=300)
    p.add_argument("-s", type=int, default=1)
    p.add_argument("models", nargs="+")
    a = p.parse_args()
    print("# made by tokenizer_ids.py with llama-cpp-python " + llama_cpp.__version__)
    for model in a.models:
        name, path = model.split("=", 1)
        llama = llama_cpp.Llama(model_path=path, vocab_only=True, verbose=False)
        r = random.Random(a.s)
        for i in range(a.n if not name.startswith("tiny-") else max(1, a.n // 8)):
            text, special = string(r).encode(), i % 2
            ids = llama.tokenize(text, add_bos=True, special=bool(special))
            print(name, special, text.hex() or "-", " ".join(map(str, ids)) or "-", sep="\t")


if __name__ == "__main__":
    sys.exit(main())
