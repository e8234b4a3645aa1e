"""A decoder of Llama's shape: RMS norms, rotary positions, gated feed-forward, tied embeddings, an exit at every layer."""
import torch
import torch.nn.functional as F
from torch import nn

BASE, EPS, CONTEXT = 10000.0, 1e-5, 512
SHAPES = {
    "edge":  dict(width=64, layers=2, heads=4, ffn=192),
    "cloud": dict(width=192, layers=4, heads=6, ffn=320),
}


def norm(x, weight):
    return F.rms_norm(x, (x.shape[-1],), weight, EPS)


class Layer(nn.Module):
    def __init__(self, width, heads, ffn, depth):
        super().__init__()
        self.heads = heads
        self.norm_a, self.norm_f = nn.Parameter(torch.ones(width)), nn.Parameter(torch.ones(width))

        def matrix(rows, columns, scale=1.0):
            return nn.Parameter(torch.randn(rows, columns) * scale * columns ** -0.5)
        self.q, self.k, self.v = (matrix(width, width) for _ in range(3))
        self.o = matrix(width, width, (2 * depth) ** -0.5)
        self.gate, self.up = matrix(ffn, width), matrix(ffn, width)
        self.down = matrix(width, ffn, (2 * depth) ** -0.5)

    def matrices(self):
        return [self.q, self.k, self.v, self.o, self.gate, self.up, self.down]

    def forward(self, x, turn, mask):
        b, t, d = x.shape
        h = norm(x, self.norm_a)
        q, k, v = (z.view(b, t, self.heads, -1) for z in (h @ torch.cat((self.q, self.k, self.v)).T).chunk(3, -1))
        q, k, v = (z.transpose(1, 2) for z in (rotate(q, turn), rotate(k, turn), v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        x = x + y.transpose(1, 2).reshape(b, t, d) @ self.o.T
        gate, up = (norm(x, self.norm_f) @ torch.cat((self.gate, self.up)).T).chunk(2, -1)
        return x + (F.silu(gate) * up) @ self.down.T


def rotate(x, turn):
    """Neighbouring pairs are turned, as in model files of architecture llama: nothing to permute on export."""
    z = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(z * turn).flatten(-2)


class Model(nn.Module):
    def __init__(self, vocabulary, width, layers, heads, ffn):
        super().__init__()
        self.shape = dict(vocabulary=vocabulary, width=width, layers=layers, heads=heads, ffn=ffn)
        self.embedding = nn.Parameter(torch.randn(vocabulary, width) * 0.02)
        self.layers = nn.ModuleList(Layer(width, heads, ffn, layers) for _ in range(layers))
        self.last_norm = nn.Parameter(torch.ones(width))
        angle = torch.outer(torch.arange(CONTEXT), BASE ** (-torch.arange(0, width // heads, 2) * heads / width))
        self.register_buffer("turn", torch.polar(torch.ones_like(angle), angle)[:, None], persistent=False)

    def states(self, ids, mask=None):
        """What stands behind each layer."""
        x, out = self.embedding[ids], []
        for layer in self.layers:
            x = layer(x, self.turn[:ids.shape[1]], mask)
            out.append(x)
        return out

    def logits(self, state):
        return norm(state, self.last_norm) @ self.embedding.T
