"""Measures a pair through the project's own kernels.

    measure.py DUOSIM ASK_PAIR EDGE.gguf CLOUD.gguf NGRAM --split calibration|test --n N --work DIR

Every question is answered greedily; grades are the C grader's.  Prints what the model card holds, and leaves tasks.jsonl,
answers.jsonl and grades.jsonl in DIR.
"""
import argparse
import json
import os
import subprocess
from collections import defaultdict

import numpy as np


def lines_of(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def write_lines(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(r) + "\n" for r in rows)


def answers(a, name, tasks):
    """What ask_pair says of each task, and the grades of both models."""
    asked, got, path = (os.path.join(a.work, x) for x in (name + ".jsonl", "said.jsonl", name + "-answers.jsonl"))
    write_lines(asked, tasks)
    lines = lines_of([a.ask_pair, "answer", asked, a.edge, a.cloud, a.ngram])
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(x + "\n" for x in lines)
    said, graded = [json.loads(x) for x in lines], {}
    for role in ("edge", "cloud"):
        write_lines(got, [dict(id=t["id"], prompt=t["prompt"], reference=s[role]["text"]) for t, s in zip(tasks, said)])
        graded[role] = np.array([float(x) for x in lines_of([a.ask_pair, "grade", asked, got])])
    return said, graded


def auc(score, label):
    """Of a score for a label; None when one of the two kinds has fewer than five."""
    pos, neg = score[label], score[~label]
    if min(len(pos), len(neg)) < 5:
        return None
    return float((pos[:, None] > neg).mean() + 0.5 * (pos[:, None] == neg).mean())


def within(score, label, family):
    each = {f: auc(score[family == f], label[family == f]) for f in dict.fromkeys(family)}
    each = {f: x for f, x in each.items() if x is not None}
    return (sum(each.values()) / len(each) if each else float("nan")), each


def cascade(edge, cloud, score, share, draws=2000):
    """Mean grade when the least sure share goes to the cloud, less what a random share gives; with a 95 % interval by question."""
    def gain(i):
        order = np.argsort(score[i], kind="stable")
        k = round(share * len(i))
        sent = i[order[:k]]
        mixed = (edge[i].sum() - edge[sent].sum() + cloud[sent].sum()) / len(i)
        return mixed, mixed - (edge[i].mean() + share * (cloud[i].mean() - edge[i].mean()))
    everyone, r = np.arange(len(edge)), np.random.default_rng(1)
    drawn = [gain(r.choice(everyone, len(everyone)))[1] for _ in range(draws)]
    mixed, more = gain(everyone)
    return mixed, more, *np.quantile(drawn, (0.025, 0.975))


def accepted(ranks, ahead=4):
    """Rounds of drafting so many tokens: drafted, accepted, passes, tokens."""
    at = drafted = taken = passes = 0
    while at < len(ranks):
        most = min(ahead, len(ranks) - at - 1)
        run = 0
        while run < most and ranks[at + run] == 1:
            run += 1
        drafted, taken, passes, at = drafted + most, taken + run, passes + 1, at + run + 1
    return drafted, taken, passes, len(ranks)


def drafts(said, family):
    print("\n| drafts of four tokens, greedy | edge: agree | accepted | tokens a pass | n-grams: agree | accepted | tokens a pass |\n|---|---|---|---|---|---|---|")
    for f in [*dict.fromkeys(family), "all"]:
        part, cells = [s for s, g in zip(said, family) if f in (g, "all")], []
        for drafter in ("edge_ranks", "ngram_ranks"):
            drafted, taken, passes, tokens = map(sum, zip(*(accepted(s[drafter]) for s in part)))
            agree = sum(r == 1 for s in part for r in s[drafter]) / tokens
            cells += [f"{agree:.3f}", f"{taken / drafted:.3f}" if drafted else "-", f"{tokens / passes:.2f}"]
        print(f"| {f} | " + " | ".join(cells) + " |")


def quality(tasks, edge, cloud, family):
    print(f"\n{len(tasks)} questions: edge {edge.mean():.3f}, cloud {cloud.mean():.3f}, difference {cloud.mean() - edge.mean():.3f}")
    e, c = edge > 0.999, cloud > 0.999
    print(f"all right: edge {e.mean():.3f}, cloud {c.mean():.3f}; edge wrong and cloud right {(~e & c).mean():.3f}, "
          f"edge right and cloud wrong {(e & ~c).mean():.3f}, both right {(e & c).mean():.3f}, both wrong {(~e & ~c).mean():.3f}")
    print("\n| family | edge, by level | cloud, by level | edge | cloud | only cloud right | only edge right |\n|---|---|---|---|---|---|---|")
    level = np.array([t["difficulty"] for t in tasks])
    for f in dict.fromkeys(family):
        at = family == f
        cells = [" ".join(f"{g[at & (level == x)].mean():.2f}" for x in sorted(set(level[at]))) for g in (edge, cloud)]
        print(f"| {f} | {cells[0]} | {cells[1]} | {edge[at].mean():.2f} | {cloud[at].mean():.2f} | {(~e & c)[at].mean():.2f} | {(e & ~c)[at].mean():.2f} |")


def confidence(said, edge, cloud, family):
    said = [s["edge"] for s in said]
    e, gain = edge > 0.999, (edge <= 0.999) & (cloud > 0.999)
    scores = {
        "least probability": [min(s["p"], default=1) for s in said],
        "mean probability": [np.mean(s["p"]) if s["p"] else 1 for s in said],
        "first probability": [(s["p"] or [1])[0] for s in said],
        "product": [float(np.sum(np.log(np.maximum(s["p"], 1e-9)))) for s in said],
        "least margin": [min(s["margin"], default=1) for s in said],
    }
    print("\n| confidence of the edge | own answer right | within family | only the cloud right | within family |\n|---|---|---|---|---|")
    for name, x in scores.items():
        x = np.array(x)
        own, own_each = within(x, e, family)
        other, other_each = within(-x, gain, family)
        print(f"| {name} | {auc(x, e):.3f} | {own:.3f} | {auc(-x, gain):.3f} | {other:.3f} |")
        if name == "least probability":
            kept = own_each, other_each
    for what, each in zip(("own answer right", "only the cloud right"), kept):
        print(f"\nwithin family, least probability, {what}: " + ", ".join(f"{f} {x:.2f}" for f, x in each.items()))
    x = np.array(scores["least probability"])
    print("\n| share sent to the cloud | cascade | over random | 95 % |\n|---|---|---|---|")
    for share in (0.1, 0.3, 0.5, 0.7):
        mixed, more, low, high = cascade(edge, cloud, x, share)
        print(f"| {share:.0%} | {mixed:.3f} | {more:+.3f} | {low:+.3f} to {high:+.3f} |")


def retrieval(a, tasks):
    """Closed-book questions alone, with their fact, with three others."""
    know = os.path.join(a.work, "know.jsonl")
    write_lines(know, [t for t in tasks if t["family"] == "know"])
    cases = {"alone": lines_of([a.duosim, "tasks", know])} | {k: lines_of([a.ask_pair, "context", know, k]) for k in ("facts", "others")}
    print("\n| closed-book questions (know) | edge | cloud |\n|---|---|---|")
    for name, lines in cases.items():
        graded = answers(a, "know-" + name, [json.loads(x) for x in lines])[1]
        print(f"| {name} | {graded['edge'].mean():.3f} | {graded['cloud'].mean():.3f} |")


def main():
    p = argparse.ArgumentParser()
    for name in ("duosim", "ask_pair", "edge", "cloud", "ngram"):
        p.add_argument(name)
    p.add_argument("--split", default="calibration", choices=("calibration", "test")), p.add_argument("--n", type=int, default=1000)
    p.add_argument("--seed", default="1"), p.add_argument("--work", required=True)
    a = p.parse_args()
    os.makedirs(a.work, exist_ok=True)
    tasks = [json.loads(x) for x in lines_of([a.duosim, "tasks", "--split", a.split, "--n", str(a.n), "--seed", a.seed])]
    family = np.array([t["family"] for t in tasks])
    said, graded = answers(a, "tasks", tasks)
    write_lines(os.path.join(a.work, "grades.jsonl"), [dict(edge=e, cloud=c) for e, c in zip(*(graded[r].tolist() for r in ("edge", "cloud")))])
    quality(tasks, graded["edge"], graded["cloud"], family)
    confidence(said, graded["edge"], graded["cloud"], family)
    retrieval(a, tasks)
    drafts(said, family)


if __name__ == "__main__":
    main()
