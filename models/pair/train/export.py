"""export.py FILE.pt NAME OUT.gguf [--tokenizer FILE.json]: a trained model as GGUF, matrices in F16."""
import argparse
import os
import struct

import numpy as np

from model import BASE, CONTEXT, EPS
from tokenizer import BOS, EOS, PAD, SPECIAL, Tokenizer
from train import load

ALIGN, F32, F16 = 32, 0, 1
U32, I32, REAL, FLAG, TEXT, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL, CONTROL, UNUSED = 1, 3, 5


def text(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def value(kind, x):
    pack = {U32: lambda: struct.pack("<I", x), I32: lambda: struct.pack("<i", x), REAL: lambda: struct.pack("<f", x),
            FLAG: lambda: struct.pack("<?", x), TEXT: lambda: text(x)}
    if kind in pack:
        return pack[kind]()
    item, items = x
    return struct.pack("<IQ", item, len(items)) + b"".join(value(item, i) for i in items)


def byte_level(token):
    """GPT-2 writes a space and a new line as letters."""
    return token.replace(" ", "\u0120").replace("\n", "\u010a")


def metadata(name, shape, tokenizer):
    kinds = [CONTROL if t in SPECIAL else UNUSED if i >= tokenizer.used else NORMAL for i, t in enumerate(tokenizer.vocabulary)]
    names = [t if k != NORMAL else byte_level(t) for t, k in zip(tokenizer.vocabulary, kinds)]
    merges = [byte_level(a) + " " + byte_level(b) for a, b in tokenizer.merges]
    return [
        ("general.architecture", TEXT, "llama"), ("general.name", TEXT, name), ("general.file_type", U32, 1),
        ("general.license", TEXT, "GPL-3.0-or-later"),
        ("llama.context_length", U32, CONTEXT), ("llama.embedding_length", U32, shape["width"]),
        ("llama.block_count", U32, shape["layers"]), ("llama.feed_forward_length", U32, shape["ffn"]),
        ("llama.attention.head_count", U32, shape["heads"]), ("llama.attention.head_count_kv", U32, shape["heads"]),
        ("llama.rope.dimension_count", U32, shape["width"] // shape["heads"]), ("llama.rope.freq_base", REAL, BASE),
        ("llama.attention.layer_norm_rms_epsilon", REAL, EPS), ("llama.vocab_size", U32, shape["vocabulary"]),
        ("tokenizer.ggml.model", TEXT, "gpt2"), ("tokenizer.ggml.pre", TEXT, "gpt-2"),
        ("tokenizer.ggml.tokens", ARRAY, (TEXT, names)), ("tokenizer.ggml.token_type", ARRAY, (I32, kinds)),
        ("tokenizer.ggml.merges", ARRAY, (TEXT, merges)),
        ("tokenizer.ggml.bos_token_id", U32, BOS), ("tokenizer.ggml.eos_token_id", U32, EOS),
        ("tokenizer.ggml.padding_token_id", U32, PAD),
        ("tokenizer.ggml.add_bos_token", FLAG, True), ("tokenizer.ggml.add_eos_token", FLAG, False),
    ]


def weights(model):
    out = {"token_embd.weight": model.embedding, "output_norm.weight": model.last_norm}
    for i, b in enumerate(model.layers):
        for name, w in (("attn_norm", b.norm_a), ("attn_q", b.q), ("attn_k", b.k), ("attn_v", b.v), ("attn_output", b.o),
                        ("ffn_norm", b.norm_f), ("ffn_gate", b.gate), ("ffn_up", b.up), ("ffn_down", b.down)):
            out[f"blk.{i}.{name}.weight"] = w
    return {name: w.detach().numpy() for name, w in out.items()}


def write(path, name, model, tokenizer):
    keys = metadata(name, model.shape, tokenizer)
    head, data = struct.pack("<4sIQQ", b"GGUF", 3, len(weights(model)), len(keys)), b""
    for key, kind, x in keys:
        head += text(key) + struct.pack("<I", kind) + value(kind, x)
    for key, w in weights(model).items():
        kind = F16 if w.ndim == 2 else F32
        head += text(key) + struct.pack("<I", w.ndim) + struct.pack(f"<{w.ndim}Q", *w.shape[::-1]) + struct.pack("<IQ", kind, len(data))
        data += w.astype("<f2" if kind == F16 else "<f4").tobytes()
        data += bytes(-len(data) % ALIGN)
    with open(path + ".part", "wb") as file:
        file.write(head + bytes(-len(head) % ALIGN) + data)
    os.replace(path + ".part", path)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("trained"), a.add_argument("name"), a.add_argument("out")
    a.add_argument("--tokenizer", default=os.path.join(os.path.dirname(__file__), "tokenizer.json"))
    a = a.parse_args()
    model, _ = load(a.trained)
    assert all(np.isfinite(w).all() and abs(w).max() < 6e4 for w in weights(model).values())
    write(a.out, a.name, model, Tokenizer.load(a.tokenizer))
    print(a.out, os.path.getsize(a.out), "bytes")


if __name__ == "__main__":
    main()
