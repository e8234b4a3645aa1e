"""Records what llama.cpp makes of SmolLM2-135M: tests/unit/llama_logits.tsv, which test_smollm2.c reads.

    pip install llama-cpp-python==0.3.36
    test_smollm2 f32.gguf            writes the model once more, its weights as F32
    python tests/unit/llama_logits.py f32.gguf ~/.cache/duosim/smollm2-135m.gguf > tests/unit/llama_logits.tsv

Lines: "text PROMPT IDS WRITTEN", the ids of a prompt and of the 128 tokens that greedy choice writes behind it, F32 weights;
"step N" and "exact POSITION VALUES", every Nth of the vocabulary's logits at each of the first 64 positions of the first text;
"packed POSITION VALUES", the same with the weights as they are in the file.
"""
import sys

import llama_cpp
import numpy

PROMPTS = [
    "The three states of matter are",
    "Question: Why is the sky blue?\nAnswer:",
    "Once upon a time, in a small village by the sea,",
    "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n",
    "<|im_start|>user\nName two uses of copper.<|im_end|>\n<|im_start|>assistant\n",
]
WRITTEN, POSITIONS, STEP = 128, 64, 769


def load(path):
    return llama_cpp.Llama(path, n_ctx=512, n_batch=512, n_threads=2, logits_all=True, verbose=False)


def write(model, ids):
    written, least = [], numpy.inf
    model.reset()
    model.eval(ids)
    while len(written) < WRITTEN:
        row = model.scores[model.n_tokens - 1]
        second, first = numpy.sort(row)[-2:]
        least = min(least, first - second)
        written.append(int(numpy.argmax(row)))
        model.eval(written[-1:])
    print(f"smallest lead of a first over a second: {least:.3g}", file=sys.stderr)
    return written


def logits(model, word, ids):
    model.reset()
    model.eval(ids)
    for position in range(POSITIONS):
        print(word, position, " ".join(f"{x:.6g}" for x in model.scores[position][::STEP]), sep="\t")


def main(exact, packed):
    model = load(exact)
    print(f"# llama-cpp-python {llama_cpp.__version__}")
    first = None
    for prompt in PROMPTS:
        ids = model.tokenize(prompt.encode(), add_bos=False, special=True)
        written = write(model, ids)
        first = first or (ids + written)[:POSITIONS]
        print("text", prompt.replace("\n", "\\n"), *[" ".join(map(str, x)) for x in (ids, written)], sep="\t")
    print("step", STEP, sep="\t")
    logits(model, "exact", first)
    logits(load(packed), "packed", first)


main(*sys.argv[1:])
