"""The pair's tokenizer: byte-level byte pairs in GPT-2's convention over ASCII, built so that a word is one token.

tokenizer.py DUOSIM OUT.json: merges from the training rows of DUOSIM, a built program.
Merges exist inside lower-case words only, so that digits and capitals stay apart.
"""
import json
import re
import subprocess
import sys
from collections import Counter

PIECE = re.compile(r" ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")    # GPT-2's pattern, as far as ASCII goes
SPECIAL = ["<pad>", "<bos>", "<eos>"]
PAD, BOS, EOS = range(3)
ROWS = 40000


def rows(program, seed, first, n, easy=0.0):
    """Training rows, endlessly many when n is large: lists of [prompt, answer]."""
    command = [program, "tasks", "--rows", "--seed", str(seed), "--first", str(first), "--n", str(n), "--easy", str(easy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            yield json.loads(line)
        if process.wait() != 0:
            raise SystemExit(f"{program} tasks ended with {process.returncode}")


def merges_for(words):
    """The most frequent pair first, of equals the last in the alphabet, until each word is one token."""
    split, merges = [list(w) for w in sorted(words)], []
    while True:
        pairs = Counter(p for s in split for p in zip(s, s[1:]))
        if not pairs:
            return merges
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        for s in split:
            i = 0
            while i + 1 < len(s):
                if (s[i], s[i + 1]) == best:
                    s[i:i + 2] = [s[i] + s[i + 1]]
                i += 1


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.vocabulary = SPECIAL + ["\n"] + [chr(c) for c in range(32, 127)] + ["".join(m) for m in self.merges]
        self.used = len(self.vocabulary)
        self.vocabulary += [f"<unused{i}>" for i in range(-self.used % 32)]
        self.ids = {t: i for i, t in enumerate(self.vocabulary)}
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.known = {}

    def piece(self, text):
        s = list(text)
        while len(s) > 1:
            rank, i = min((self.rank.get(p, 1 << 30), i) for i, p in enumerate(zip(s, s[1:])))
            if rank == 1 << 30:
                break
            s[i:i + 2] = [s[i] + s[i + 1]]
        return [self.ids[t] for t in s]

    def encode(self, text):
        out = []
        for p in PIECE.findall(text):
            if p not in self.known:
                if len(self.known) > 100000:
                    self.known.clear()
                self.known[p] = self.piece(p)
            out += self.known[p]
        return out

    def decode(self, ids):
        return "".join(self.vocabulary[i] for i in ids if i >= len(SPECIAL))

    @classmethod
    def load(cls, path):
        with open(path, encoding="ascii") as file:
            return cls(json.load(file))


def main():
    program, out = sys.argv[1:]
    words = set()
    for row in rows(program, 1, 0, ROWS):
        for text in row:
            words.update(p for t in text for p in PIECE.findall(t) if p.strip().isalpha() and p.strip().islower())
    merges = merges_for(words)
    with open(out, "w", encoding="ascii") as file:
        json.dump(merges, file, separators=(",", ":"))
        file.write("\n")
    t = Tokenizer(merges)
    assert all(len(t.encode(w)) == 1 for w in words)
    print(f"{len(words)} words, {len(merges)} merges, {t.used} tokens used of {len(t.vocabulary)}")


if __name__ == "__main__":
    main()
