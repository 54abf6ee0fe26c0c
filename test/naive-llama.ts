// A Llama in a hundred plain lines of float64, written from the papers and nothing else: no programs,
// no cache, no batching. What the real one is checked against.
import type { Checkpoint } from '../src/formats/checkpoint.ts';
import { dequantize } from '../src/tensor/codecs/codec.ts';
import type { WeightDType } from '../src/tensor/dtype.ts';

type Vector = number[];

async function readAll(checkpoint: Checkpoint): Promise<Map<string, Vector>> {
  const weights = new Map<string, Vector>();
  for (const { name, dtype, bytes, shape } of checkpoint.tensors.values()) {
    const count = shape.reduce((a, b) => a * b, 1);
    const packed = await checkpoint.read(name, 0, bytes);
    weights.set(name, Array.from(dequantize(dtype as WeightDType, packed, count)));
  }
  return weights;
}

function multiply(matrix: Vector, x: Vector): Vector {
  const rows = matrix.length / x.length;
  return Array.from({ length: rows }, (_, row) =>
    x.reduce((sum, value, i) => sum + value * (matrix[row * x.length + i] as number), 0),
  );
}

function normalise(x: Vector, weight: Vector, eps: number): Vector {
  const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  return x.map((value, i) => (value / Math.sqrt(mean + eps)) * (weight[i] as number));
}

function softmax(scores: Vector): Vector {
  const highest = Math.max(...scores);
  const exps = scores.map((score) => Math.exp(score - highest));
  const total = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / total);
}

function rotate(x: Vector, position: number, headDim: number, theta: number): Vector {
  const out = [...x];
  for (let i = 0; i < x.length; i += 2) {
    const angle = position * theta ** (-(i % headDim) / headDim);
    const [a, b] = [x[i] as number, x[i + 1] as number];
    out[i] = a * Math.cos(angle) - b * Math.sin(angle);
    out[i + 1] = a * Math.sin(angle) + b * Math.cos(angle);
  }
  return out;
}

/** Logits after each token, [tokens][vocab], with plain RoPE and full or sliding-window attention. */
export async function naiveLogits(
  checkpoint: Checkpoint,
  tokens: readonly number[],
): Promise<number[][]> {
  const weights = await readAll(checkpoint);
  const name = checkpoint.config.tiedEmbeddings ? 'token_embd.weight' : 'output.weight';
  const output = weights.get(name) as Vector;
  return hiddenStates(checkpoint, weights, tokens).map((hidden) => multiply(output, hidden));
}

/** What logits are made of: the normalised hidden state after each token, [tokens][dim]. */
export async function naiveHidden(
  checkpoint: Checkpoint,
  tokens: readonly number[],
): Promise<number[][]> {
  return hiddenStates(checkpoint, await readAll(checkpoint), tokens);
}

function hiddenStates(
  checkpoint: Checkpoint,
  weights: ReadonlyMap<string, Vector>,
  tokens: readonly number[],
): Vector[] {
  const { config } = checkpoint;
  const { dim, layers, heads, kvHeads, headDim, normEps, ropeTheta } = config;
  const window = config.slidingWindow ?? Number.POSITIVE_INFINITY;
  const get = (name: string): Vector => weights.get(name) as Vector;

  let xs = tokens.map((id) => get('token_embd.weight').slice(id * dim, (id + 1) * dim));
  for (let layer = 0; layer < layers; layer++) {
    const part = (name: string): Vector => get(`blk.${layer}.${name}.weight`);
    const normal = xs.map((x) => normalise(x, part('attn_norm'), normEps));
    const turn = (name: string): Vector[] =>
      normal.map((x, p) => rotate(multiply(part(name), x), p, headDim, ropeTheta));
    const [q, k] = [turn('attn_q'), turn('attn_k')];
    const v = normal.map((x) => multiply(part('attn_v'), x));
    xs = xs.map((x, p) => {
      const first = Math.max(0, p - window + 1);
      const mixed = Array.from({ length: heads }, (_, head) => {
        const kvHead = Math.floor((head * kvHeads) / heads);
        const of = (y: Vector, h: number): Vector => y.slice(h * headDim, (h + 1) * headDim);
        const query = of(q[p] as Vector, head);
        const scores = k.slice(first, p + 1).map((key) => {
          const dot = of(key, kvHead).reduce(
            (sum, value, i) => sum + value * (query[i] as number),
            0,
          );
          return dot / Math.sqrt(headDim);
        });
        const shares = softmax(scores);
        return Array.from({ length: headDim }, (_, i) =>
          shares.reduce(
            (sum, share, j) => sum + share * (of(v[first + j] as Vector, kvHead)[i] as number),
            0,
          ),
        );
      }).flat();
      const attended = multiply(part('attn_output'), mixed);
      const middle = x.map((value, i) => value + (attended[i] as number));
      const inner = normalise(middle, part('ffn_norm'), normEps);
      const up = multiply(part('ffn_up'), inner);
      const gated = multiply(part('ffn_gate'), inner).map(
        (gate, i) => (gate / (1 + Math.exp(-gate))) * (up[i] as number),
      );
      const fed = multiply(part('ffn_down'), gated);
      return middle.map((value, i) => value + (fed[i] as number));
    });
  }
  return xs.map((x) => normalise(x, get('output_norm.weight'), normEps));
}
