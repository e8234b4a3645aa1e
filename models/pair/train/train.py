"""Trains one model of the pair on rows of `duosim tasks --rows`.

    train.py DUOSIM {edge|cloud} --steps N --out FILE.pt [--log FILE.csv]

The loss is on answers, plus 0.3 of it at one earlier exit, drawn each step.  Matrices by Muon (momentum made orthogonal),
the rest by Adam; or all by AdamW.  Rate: warm-up, constant, then linear to zero over the last part.  SIGUSR1 lets that last
part begin now: what is there then is a finished model of fewer steps.
"""
import argparse
import csv
import json
import os
import random
import signal
import subprocess
import time
from collections import defaultdict

import torch
import torch.nn.functional as F

from model import SHAPES, Model
from tokenizer import BOS, EOS, PAD, PIECE, Tokenizer, rows

PACK = 160                   # tokens of a sequence, into which several rows are packed
IGNORED = -100


# ---------------------------------------------------------------- rows into batches

def encode(row, tokenizer):
    """Ids and what to predict behind each."""
    x, y = [BOS], []
    for prompt, answer in row:
        p, a = tokenizer.encode(prompt), tokenizer.encode(answer) + [EOS]
        x += p + a
        y += [IGNORED] * len(p) + a
    return x[:-1], y


def pack(encoded):
    """First fit, longest first; a sequence is a list of rows."""
    packs = []
    for row in sorted(encoded, key=lambda r: -len(r[0])):
        for p in packs:
            if p[0] + len(row[0]) <= PACK:
                p[0] += len(row[0])
                p[1].append(row)
                break
        else:
            packs.append([len(row[0]), [row]])
    return sorted((p[1] for p in packs), key=lambda p: -sum(len(r[0]) for r in p))


def tensors(packs):
    """Ids, targets and the mask that keeps rows of a sequence apart."""
    n = max(sum(len(r[0]) for r in p) for p in packs)
    ids, want = torch.full((len(packs), n), PAD), torch.full((len(packs), n), IGNORED)
    row_of = torch.zeros(len(packs), n, dtype=torch.long)
    for i, p in enumerate(packs):
        t = 0
        for j, (x, y) in enumerate(p):
            ids[i, t:t + len(x)], want[i, t:t + len(x)], row_of[i, t:t + len(x)] = torch.tensor(x), torch.tensor(y), j + 1
            t += len(x)
    mask = (row_of[:, :, None] == row_of[:, None]) & torch.ones(n, n, dtype=torch.bool).tril()
    return ids, want, mask[:, None]


def batches(program, tokenizer, seed, per_step, easy_rows, chunk):
    """Endless; each batch in chunks of sequences of like length.  Easy levels weigh more in the first rows."""
    batch = []
    for n, first, easy in ((easy_rows, 0, 1.0), (2_000_000_000 - easy_rows, easy_rows, 0.0)):
        for row in rows(program, seed, first, n, easy) if n else ():
            batch.append(encode(row, tokenizer))
            if len(batch) == per_step:
                packs = pack(batch)
                yield [tensors(packs[i:i + chunk]) for i in range(0, len(packs), chunk)]
                batch = []


# ---------------------------------------------------------------- optimizers

def orthogonal(g):
    """Newton-Schulz iteration towards the nearest matrix with orthogonal rows."""
    tall = g.shape[0] > g.shape[1]
    x = g.T if tall else g
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if tall else x


class Muon:
    def __init__(self, matrices, momentum=0.95, decay=0.01):
        self.items, self.momentum, self.decay = [(w, torch.zeros_like(w)) for w in matrices], momentum, decay

    @torch.no_grad()
    def step(self, rate):
        for w, m in self.items:
            m.mul_(self.momentum).add_(w.grad)
            g = orthogonal(w.grad + self.momentum * m)
            w.mul_(1 - rate * self.decay).sub_(g, alpha=rate * max(1, w.shape[0] / w.shape[1]) ** 0.5)


class Optimizer:
    def __init__(self, model, kind, rate, adam_rate):
        matrices = [w for layer in model.layers for w in layer.matrices()]
        taken = {id(w) for w in matrices}
        rest = [p for p in model.parameters() if id(p) not in taken]
        self.rate, self.muon = rate, Muon(matrices) if kind == "muon" else None
        if self.muon:
            groups = [dict(params=rest, base=adam_rate, weight_decay=0.0)]
        else:
            groups = [dict(params=matrices, base=rate, weight_decay=0.05), dict(params=rest, base=adam_rate, weight_decay=0.0)]
        self.adam = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95))

    def step(self, scale):
        for g in self.adam.param_groups:
            g["lr"] = g["base"] * scale
        self.adam.step()
        if self.muon:
            self.muon.step(self.rate * scale)


# ---------------------------------------------------------------- how good it is

def questions(program, split, n, seed=1):
    command = [program, "tasks", "--split", split, "--n", str(n), "--seed", str(seed)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]


@torch.no_grad()
def validate(model, tokenizer, tasks, batch=64):
    """Mean grade by (family, level) with the reference so far given: equal to greedy answers' where grading is exact, close
    where it is by parts."""
    order = sorted(range(len(tasks)), key=lambda i: len(tasks[i]["prompt"]) + len(tasks[i]["reference"]))
    grades = defaultdict(list)
    for start in range(0, len(order), batch):
        part = [tasks[i] for i in order[start:start + batch]]
        coded = [encode([[t["prompt"], t["reference"]]], tokenizer) for t in part]
        n = max(len(x) for x, _ in coded)
        ids = torch.tensor([x + [PAD] * (n - len(x)) for x, _ in coded])
        choice = model.logits(model.states(ids)[-1]).argmax(-1).tolist()
        for t, (x, y), c in zip(part, coded, choice):
            right = [a == b for a, b in zip(y, c) if a != IGNORED]
            grades[t["family"], t["difficulty"]].append(grade(t, right, tokenizer))
    return grades


def grade(task, right, tokenizer):
    """From whether each token of the answer (and its end) is chosen."""
    if task["grading"] == "parts":
        parts, at = task["reference"].split(";"), 0
        share = []
        for i, p in enumerate(parts):
            n = len(tokenizer.encode(p)) + 1
            share.append(all(right[at:at + n]))
            at += n
        return sum(share) / len(share)
    if task["grading"] == "slots":
        at, word, good = 0, -1, []
        for piece in PIECE.findall(task["reference"]):
            n = len(tokenizer.encode(piece))
            word += piece.startswith(" ")
            if word in task["slots"] and piece.startswith(" "):
                good.append(all(right[at:at + n]))
            at += n
        return sum(good) / len(task["slots"])
    return float(all(right))


def table(grades):
    families = defaultdict(dict)
    for (family, level), g in sorted(grades.items()):
        families[family][level] = sum(g) / len(g)
    everything = [x for g in grades.values() for x in g]
    lines = [f"  {f:6} " + " ".join(f"{v:.2f}" for v in levels.values()) for f, levels in families.items()]
    return sum(everything) / len(everything), lines


# ---------------------------------------------------------------- training

def save(model, path, **about):
    torch.save(dict(shape=model.shape, weights=model.state_dict(), about=about), path + ".part")
    os.replace(path + ".part", path)


def load(path):
    stored = torch.load(path, weights_only=True)
    model = Model(**stored["shape"])
    model.load_state_dict(stored["weights"])
    return model.eval(), stored["about"]


def step_of(model, group, draw):
    """Backward over a batch; the mean loss of an answer's token at the last layer, and how many tokens there were."""
    n = sum(int((want != IGNORED).sum()) for _, want, _ in group)
    early, total, tokens = draw.randrange(len(model.layers) - 1), 0.0, 0
    for ids, want, mask in group:
        states, keep = model.states(ids, mask), want != IGNORED
        last = F.cross_entropy(model.logits(states[-1][keep]), want[keep], reduction="sum")
        exit_loss = F.cross_entropy(model.logits(states[early][keep]), want[keep], reduction="sum")
        ((last + 0.3 * exit_loss) / n).backward()
        total += float(last.detach())
        tokens += int((ids != PAD).sum())
    return total / n, tokens


def parse():
    a = argparse.ArgumentParser()
    a.add_argument("program"), a.add_argument("role", choices=SHAPES)
    a.add_argument("--steps", type=int, required=True)
    a.add_argument("--out", required=True), a.add_argument("--log")
    a.add_argument("--tokenizer", default=os.path.join(os.path.dirname(__file__), "tokenizer.json"))
    a.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    a.add_argument("--rate", type=float, default=0.006), a.add_argument("--adam-rate", type=float, default=0.001)
    a.add_argument("--warm-up", type=int, default=30), a.add_argument("--decay", type=float, default=0.4, help="share of the steps")
    a.add_argument("--easy", type=float, default=0.2, help="share of the steps in which easy levels weigh more")
    a.add_argument("--rows", type=int, default=128, help="of a step"), a.add_argument("--chunk", type=int, default=8, help="sequences")
    a.add_argument("--seed", type=int, default=1), a.add_argument("--threads", type=int, default=1)
    a.add_argument("--validation", type=int, default=600, help="questions of split calibration")
    a.add_argument("--every", type=int, default=0, help="validate every so many steps")
    return a.parse_args()


def main():
    a = parse()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    draw, tokenizer = random.Random(a.seed), Tokenizer.load(a.tokenizer)
    model = Model(vocabulary=len(tokenizer.vocabulary), **SHAPES[a.role])
    optimizer = Optimizer(model, a.optimizer, a.rate, a.adam_rate)
    tasks = questions(a.program, "calibration", a.validation)
    print(a.role, model.shape, sum(p.numel() for p in model.parameters()), "parameters", flush=True)
    stream = batches(a.program, tokenizer, a.seed, a.rows, int(a.easy * a.steps) * a.rows, a.chunk)
    end = dict(steps=a.steps, decay=int(a.decay * a.steps))
    log = csv.writer(open(a.log, "w", newline="", buffering=1)) if a.log else None
    if log:
        log.writerow(["step", "tokens", "seconds", "loss", "validation"])

    state = dict(step=0)

    def finish_early(*_):
        end["decay"] = min(end["decay"], max(1, int(0.3 * state["step"])))
        end["steps"] = state["step"] + end["decay"]
    signal.signal(signal.SIGUSR1, finish_early)

    start, tokens, smooth = time.time(), 0, None
    while state["step"] < end["steps"]:
        step = state["step"]
        model.zero_grad(set_to_none=True)
        loss, seen = step_of(model, next(stream), draw)
        optimizer.step(min(1.0, (step + 1) / a.warm_up, (end["steps"] - step) / max(1, end["decay"])))
        tokens += seen
        smooth = loss if smooth is None else 0.97 * smooth + 0.03 * loss
        step = state["step"] = step + 1
        score = ""
        if step == end["steps"] or a.every and step % a.every == 0:
            score, lines = table(validate(model.eval(), tokenizer, tasks))
            model.train()
            print(f"validation {score:.3f}", *lines, sep="\n", flush=True)
            save(model, a.out, step=step, tokens=tokens, args=vars(a))
        if step % 50 == 0 or step == end["steps"]:
            seconds = time.time() - start
            print(f"step {step} of {end['steps']}, {tokens} tokens, {tokens / seconds:.0f}/s, loss {smooth:.4f}, {seconds:.0f} s", flush=True)
            if log:
                log.writerow([step, tokens, round(seconds, 1), round(smooth, 4), score and round(score, 4)])
    save(model, a.out, step=state["step"], tokens=tokens, seconds=round(time.time() - start, 1), args=vars(a))


if __name__ == "__main__":
    main()
