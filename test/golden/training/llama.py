"""Golden losses, gradients and AdamW steps of small Llamas, by PyTorch in float64.

Written from the papers (arXiv 2302.13971, 2305.13245, 2104.09864, 2106.09685, 2402.09353) and shares no
code with Corral; gradients come from autograd, steps from torch.optim.AdamW. Weights and tokens are hashes
of their indices, so that they need not be stored. Needs torch and numpy (Debian's 1.13 will do).
Run: python3 test/golden/training/llama.py > test/golden/training/llama.json
"""
import json
import math

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
EPS, THETA = 1e-5, 10000.0
STEPS, RATE, BETAS, ADAM_EPS, DECAY, MAX_NORM = 10, 0.01, (0.9, 0.95), 1e-5, 0.1, 0.5


def hashes(count, seed):
    """Uniform 32-bit words: the finaliser of MurmurHash3 over index and seed."""
    x = (np.arange(count, dtype=np.uint64) * 2654435761 + seed * 40503 + 1) % 2**32
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x = ((x ^ (x >> np.uint64(shift))) * factor) % 2**32
    return x


def numbers(shape, seed, scale, offset=0.0):
    """In offset + scale * (-1, 1), exact in single precision for scales that are powers of two."""
    count = int(np.prod(shape))
    unit = (hashes(count, seed) >> np.uint64(12)).astype(np.float64) / 2**19 - 1
    return torch.tensor(unit * scale + offset).reshape(shape)


def q8_0(weight):
    """Rounded to blocks of 32 int8 with a half-precision scale, as GGML does, and back."""
    blocks = weight.numpy().astype(np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    levels = blocks * (np.float32(1) / scale)
    rounded = np.sign(levels) * np.floor(np.abs(levels) + np.float32(0.5))
    back = rounded * scale.astype(np.float16).astype(np.float32)
    return torch.tensor(back.astype(np.float64)).reshape(weight.shape)


def shapes(c):
    width, kv = c["heads"] * c["headDim"], c["kvHeads"] * c["headDim"]
    out = {"token_embd.weight": (c["vocab"], c["dim"])}
    for i in range(c["layers"]):
        out[f"blk.{i}.attn_norm.weight"] = (c["dim"],)
        out[f"blk.{i}.attn_q.weight"] = (width, c["dim"])
        out[f"blk.{i}.attn_k.weight"] = (kv, c["dim"])
        out[f"blk.{i}.attn_v.weight"] = (kv, c["dim"])
        out[f"blk.{i}.attn_output.weight"] = (c["dim"], width)
        out[f"blk.{i}.ffn_norm.weight"] = (c["dim"],)
        out[f"blk.{i}.ffn_gate.weight"] = (c["feedForward"], c["dim"])
        out[f"blk.{i}.ffn_up.weight"] = (c["feedForward"], c["dim"])
        out[f"blk.{i}.ffn_down.weight"] = (c["dim"], c["feedForward"])
    out["output_norm.weight"] = (c["dim"],)
    if not c["tiedEmbeddings"]:
        out["output.weight"] = (c["vocab"], c["dim"])
    return out


def rms_norm(x, weight):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + EPS) * weight


def rope(x, positions, head_dim):
    pairs = np.float32(THETA ** (-2.0 * np.arange(head_dim // 2) / head_dim))
    # Angles in single precision, as models are trained with.
    angles = torch.tensor(np.float32(np.outer(positions, pairs.astype(np.float64))).astype(np.float64))
    cos, sin = angles.cos()[:, None, :], angles.sin()[:, None, :]
    x = x.reshape(len(positions), -1, head_dim)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(2)


def forward(c, w, linear, tokens, lengths):
    """Hidden states of packed sequences, through a mask that is block-diagonal, causal and windowed."""
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    positions = np.concatenate([np.arange(n) for n in lengths])
    rows = np.arange(len(tokens))
    seen = (sequence[:, None] == sequence[None, :]) & (rows[None, :] <= rows[:, None])
    if c["slidingWindow"]:
        seen &= rows[None, :] > rows[:, None] - c["slidingWindow"]
    mask = torch.where(torch.tensor(seen), 0.0, -math.inf)
    group, head_dim = c["heads"] // c["kvHeads"], c["headDim"]
    x = w["token_embd.weight"][torch.tensor(tokens)]
    for i in range(c["layers"]):
        part = lambda y, name: linear(y, f"blk.{i}.{name}.weight")
        y = rms_norm(x, w[f"blk.{i}.attn_norm.weight"])
        q = rope(part(y, "attn_q"), positions, head_dim)
        k = rope(part(y, "attn_k"), positions, head_dim).repeat_interleave(group, 1)
        v = part(y, "attn_v").reshape(len(tokens), -1, head_dim).repeat_interleave(group, 1)
        scores = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(head_dim) + mask
        mixed = torch.einsum("hqk,khd->qhd", scores.softmax(-1), v).flatten(1)
        x = x + part(mixed, "attn_output")
        y = rms_norm(x, w[f"blk.{i}.ffn_norm.weight"])
        x = x + part(torch.nn.functional.silu(part(y, "ffn_gate")) * part(y, "ffn_up"), "ffn_down")
    return rms_norm(x, w["output_norm.weight"])


def make_adapters(c):
    """LoRA on q and v, DoRA on up and down; rank 2, scale 2."""
    sizes, adapters = shapes(c), {}
    for i in range(c["layers"]):
        for j, name in enumerate(("attn_q", "attn_v", "ffn_up", "ffn_down")):
            weight = f"blk.{i}.{name}.weight"
            n, k = sizes[weight]
            adapters[weight + ".lora_a"] = numbers((2, k), 500 + 10 * i + j, 0.25)
            adapters[weight + ".lora_b"] = numbers((n, 2), 600 + 10 * i + j, 0.25)
            if name.startswith("ffn"):
                adapters[weight + ".magnitude"] = numbers((n,), 700 + 10 * i + j, 0.25, 1.0)
    return adapters


def run(c):
    weights = {}
    for index, (name, shape) in enumerate(shapes(c).items()):
        vector = len(shape) == 1
        weights[name] = numbers(shape, 100 + index, 0.25 if vector else 0.5, 1.0 if vector else 0.0)
        if c["quantized"] and not vector:
            weights[name] = q8_0(weights[name])
    trained = make_adapters(c) if c["quantized"] else weights
    for value in trained.values():
        value.requires_grad_(True)

    def linear(x, name):
        a, b = trained.get(name + ".lora_a"), trained.get(name + ".lora_b")
        y = x @ weights[name].T
        if a is None:
            return y
        y = y + 2.0 * (x @ a.T) @ b.T
        magnitude = trained.get(name + ".magnitude")
        if magnitude is None:
            return y
        norm = (weights[name] + 2.0 * b @ a).norm(dim=1).detach()
        return y * (magnitude / norm)

    rows = sum(c["lengths"])
    tokens = (hashes(rows, 1) % c["vocab"]).astype(np.int64)
    targets = torch.tensor((hashes(rows, 2) % c["vocab"]).astype(np.int64))[c["outputs"]]
    counts = torch.tensor(c["lossWeights"])

    def loss_of():
        hidden = forward(c, weights, linear, tokens, c["lengths"])[c["outputs"]]
        head = weights["token_embd.weight" if c["tiedEmbeddings"] else "output.weight"]
        nll = torch.nn.functional.cross_entropy(hidden @ head.T, targets, reduction="none")
        return (nll * counts).sum()

    matrices = [value for value in trained.values() if value.dim() == 2]
    vectors = [value for value in trained.values() if value.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}],
        lr=RATE, betas=BETAS, eps=ADAM_EPS)
    losses, norms, gradients = [], [], {}
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            gradients = {name: [float(f"{g:.10g}") for g in value.grad.flatten().tolist()]
                         for name, value in trained.items()}
        norms.append(torch.nn.utils.clip_grad_norm_(list(trained.values()), MAX_NORM).item())
        optimizer.step()
    losses.append(loss_of().item())
    # Of the trained weights their sizes and where they point, along a hashed direction.
    final = {name: [value.norm().item(), (value.flatten() * numbers((value.numel(),), 900, 1.0)).sum().item()]
             for name, value in trained.items()}
    return {"config": c, "losses": losses, "norms": norms, "gradients": gradients, "final": final}


def config(**changes):
    return {"vocab": 11, "dim": 8, "layers": 2, "heads": 4, "kvHeads": 2, "headDim": 4, "feedForward": 12,
            "tiedEmbeddings": False, "slidingWindow": 0, "quantized": False, **changes}


# Packed sequences with their targets, some rows without one, and targets that weigh nothing (padding).
first = dict(lengths=[5, 1, 7], outputs=[0, 1, 2, 3, 5, 6, 8, 9, 10, 11],
             lossWeights=[0.125, 0.125, 0.0, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.0])
second = dict(lengths=[9, 4], outputs=list(range(8)) + [9, 10, 11], lossWeights=[1 / 11] * 11)
print(json.dumps({
    "settings": {"rate": RATE, "beta1": BETAS[0], "beta2": BETAS[1], "eps": ADAM_EPS, "decay": DECAY,
                 "maxNorm": MAX_NORM},
    "models": {
        "packed, untied, grouped queries": run(config(**first)),
        "tied embeddings, a sliding window, one key head": run(
            config(tiedEmbeddings=True, slidingWindow=3, kvHeads=1, **second)),
        "LoRA and DoRA over a q8_0 base": run(
            config(dim=32, headDim=8, feedForward=64, quantized=True, **first)),
    },
}))
