"""Fits the pair's small judges: judges.py DUOSIM ASK_PAIR WORK OUT

WORK is the folder of measure.py's run on split calibration: its answers say when the edge is wrong and the cloud right.
Writes into OUT: router.csv (features of the prompt), router_state.csv (the edge's mean state over the prompt), guard.csv,
tagger.csv.  Guard and tagger are fitted on split train; all are tried on what they were not fitted on.
"""
import csv
import json
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import torch

from measure import auc

REFUSAL = " no, that is not safe."
LEAST = 4                    # times that a feature must have been seen


def lines_of(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def fit(rows, label, penalty, steps=400):
    """Weights (bias last) of a logistic model; rows: a dense matrix."""
    x = torch.cat((torch.as_tensor(rows, dtype=torch.float64), torch.ones(len(rows), 1, dtype=torch.float64)), 1)
    y, w = torch.as_tensor(label, dtype=torch.float64), torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], max_iter=steps, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(x @ w, y) + penalty * (w[:-1] ** 2).sum()
        value.backward()
        return value
    optimizer.step(loss)
    return w.detach().numpy()


def table_of(features, known=None):
    """0 or more for each known feature; known: those seen often enough, in order of the alphabet."""
    if known is None:
        seen = Counter(f for row in features for f in set(row))
        known = sorted(f for f, n in seen.items() if n >= LEAST)
    at = {f: i for i, f in enumerate(known)}
    out = np.zeros((len(features), len(known)))
    for i, row in enumerate(features):
        for f in row:
            if f in at:
                out[i, at[f]] += 1
    return out, known


def write(path, names, weights, least=0.02):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["feature", "weight"])
        out.writerow(["bias", f"{weights[-1]:.4g}"])
        out.writerows([n, f"{w:.4g}"] for n, w in zip(names, weights) if abs(w) >= least)


def score(x, w):
    return x @ w[:-1] + w[-1]


def write_tasks(path, tasks):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps({k: v for k, v in t.items() if k != "id"}) + "\n" for t in tasks)    # the same may come twice


def tasks_of(duosim, split, n, *more):
    return [json.loads(x) for x in lines_of([duosim, "tasks", "--split", split, "--n", str(n), "--seed", "7", *more])]


def features_of(ask_pair, work, tasks, which):
    path = os.path.join(work, "features.jsonl")
    write_tasks(path, tasks)
    return [json.loads(x) for x in lines_of([ask_pair, "features", path, which])]


def router(ask_pair, work, out):
    def read(name):
        with open(os.path.join(work, name), encoding="utf-8") as file:
            return [json.loads(x) for x in file]
    tasks = read("tasks.jsonl")
    gain = np.array([g["edge"] <= 0.999 < g["cloud"] for g in read("grades.jsonl")])
    half = np.arange(len(tasks)) % 2 == 0
    states = np.array([x["state"] for x in read("tasks-answers.jsonl")])
    words, known = table_of(features_of(ask_pair, work, tasks, "prompt"))
    for name, x, names, penalty in (("router", words, known, 1e-3), ("router_state", states, [f"h{i}" for i in range(states.shape[1])], 1e-5)):
        tried = auc(score(x[~half], fit(x[half], gain[half], penalty)), gain[~half])
        write(os.path.join(out, name + ".csv"), names, fit(x, gain, penalty), 0.02 if name == "router" else 0)
        print(f"{name}: AUC for 'edge wrong, cloud right' {tried:.3f} on the half that it was not fitted on, {gain.mean():.2f} of {len(gain)} questions")


def guard(duosim, ask_pair, work, out):
    sets = {}
    for split, n in (("train", 4000), ("calibration", 1000)):
        tasks = tasks_of(duosim, split, n, "--family", "guard") + tasks_of(duosim, split, n // 2)
        sets[split] = features_of(ask_pair, work, tasks, "prompt"), np.array([t["reference"] == REFUSAL for t in tasks])
    x, known = table_of(sets["train"][0])
    w = fit(x, sets["train"][1], 1e-5)
    tried, label = table_of(sets["calibration"][0], known)[0], sets["calibration"][1]
    s = score(tried, w)
    print(f"guard: AUC {auc(s, label):.3f}, right {((s > 0) == label).mean():.3f} of {len(label)} prompts of split calibration, {label.mean():.2f} unsafe")
    write(os.path.join(out, "guard.csv"), known, w)


def tagger(duosim, ask_pair, work, out):
    sets = {}
    for split, n in (("train", 2000), ("calibration", 600)):
        tasks = tasks_of(duosim, split, n, "--family", "mask") + tasks_of(duosim, split, n // 2)
        words = features_of(ask_pair, work, tasks, "words")
        sets[split] = [w[3] for w in words], np.array([[w[1], w[2]] in tasks[w[0]].get("sensitive", []) for w in words])
    x, known = table_of(sets["train"][0])
    w = fit(x, sets["train"][1], 1e-5)
    tried, label = table_of(sets["calibration"][0], known)[0], sets["calibration"][1]
    said = score(tried, w) > 0
    print(f"tagger: {(said & label).sum() / said.sum():.3f} of what it marks is sensitive, it marks {(said & label).sum() / label.sum():.3f} of what is "
          f"({label.sum()} of {len(label)} words of split calibration)")
    write(os.path.join(out, "tagger.csv"), known, w)


def main():
    duosim, ask_pair, work, out = sys.argv[1:]
    torch.set_num_threads(1)
    guard(duosim, ask_pair, work, out)
    tagger(duosim, ask_pair, work, out)
    router(ask_pair, work, out)


if __name__ == "__main__":
    main()
