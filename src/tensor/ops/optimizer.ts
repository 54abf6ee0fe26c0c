// Ops that change buffers in place: gradients that add up, AdamW, and moving averages. None has outputs,
// but for sum_squares, which the gradient norm is made of.
import { f16ToF32, f32ToF16 } from '../codecs/half.ts';
import { rowBytes } from '../dtype.ts';
import type { Value } from '../program.ts';
import {
  at,
  attribute,
  dimAt,
  f32,
  floats,
  type HostTensor,
  type Op,
  readAll,
  sameDim,
  valueAt,
  writeRow,
} from './op.ts';

// Gradients are small: this brings them from where half-precision scales are coarse or 0 to where they
// are not, up to gradients of 2031.
const stateFactor = 4096;

function sameShape(inputs: readonly Value[], count: number, op: string): readonly [] {
  const first = valueAt(inputs, 0);
  for (let index = 1; index < count; index++) {
    for (const axis of first.shape.keys()) {
      sameDim(dimAt(valueAt(inputs, index), axis), dimAt(first, axis), op);
    }
  }
  return [];
}

/** accumulate(x, state f32 of the same shape): state += x. */
export const accumulate: Op = {
  shape: (inputs) => sameShape(inputs, 2, 'accumulate'),
  reference: ({ inputs }) => {
    const [x, state] = [floats(at(inputs, 0)), floats(at(inputs, 1))];
    for (let i = 0; i < x.length; i++) state[i] = (state[i] as number) + (x[i] as number);
  },
};

/** zero(state f32): state = 0. */
export const zero: Op = {
  shape: () => [],
  reference: ({ inputs }) => {
    floats(at(inputs, 0)).fill(0);
  },
};

/** sum_squares(x of any shape) → [1]: Σ x², added up in float64. */
export const sumSquares: Op = {
  shape: () => f32([1]),
  reference: ({ inputs, outputs }) => {
    let sum = 0;
    for (const value of floats(at(inputs, 0))) sum += value * value;
    floats(at(outputs, 0))[0] = sum;
  },
};

/** ema(shadow f32, weight f32) {decay}: shadow = decay · shadow + (1 − decay) · weight. */
export const ema: Op = {
  shape: (inputs) => sameShape(inputs, 2, 'ema'),
  reference: ({ inputs, attributes }) => {
    const [shadow, weight] = [floats(at(inputs, 0)), floats(at(inputs, 1))];
    const decay = attribute(attributes, 'decay');
    for (let i = 0; i < shadow.length; i++) {
      shadow[i] = decay * (shadow[i] as number) + (1 - decay) * (weight[i] as number);
    }
  },
};

/**
 * adamw(weight f32, m, v, gradient f32, control f32 [6]) {beta1, beta2, eps, decay}: one step of AdamW
 * (arXiv 1711.05101) in place, in PyTorch's order. control = [learningRate, gradientScale, 1 − beta1^t,
 * 1 − beta2^t, 0, 0]. With g = gradient · gradientScale:
 *   w −= learningRate · decay · w;  m = beta1 · m + (1 − beta1) · g;  v = beta2 · v + (1 − beta2) · g²;
 *   w −= learningRate · (m / control[2]) / (√(v / control[3]) + eps).
 * m and v are both f32 or both q8_0. Then the blocks hold m · 4096, and √v · 4096 rounded up, so that none
 * becomes 0 under an m that is not; both are rounded after the weight has taken its step.
 */
export const adamw: Op = {
  packed: [1, 2],
  shape: (inputs) => {
    sameDim(dimAt(valueAt(inputs, 4), 0), 6, 'adamw control');
    return sameShape(inputs, 4, 'adamw');
  },
  reference: ({ inputs, attributes }) => {
    const [weight, gradient] = [floats(at(inputs, 0)), floats(at(inputs, 3))];
    const [storedM, storedV] = [at(inputs, 1), at(inputs, 2)];
    const [rate = 0, scale = 0, bias1 = 1, bias2 = 1] = floats(at(inputs, 4));
    const [beta1, beta2] = [attribute(attributes, 'beta1'), attribute(attributes, 'beta2')];
    const [eps, decay] = [attribute(attributes, 'eps'), attribute(attributes, 'decay')];
    const isPacked = storedV.dtype === 'q8_0';
    const m = Float64Array.from(readAll(storedM), (x) => (isPacked ? x / stateFactor : x));
    const v = Float64Array.from(readAll(storedV), (x) => (isPacked ? (x / stateFactor) ** 2 : x));
    for (let i = 0; i < weight.length; i++) {
      const g = (gradient[i] as number) * scale;
      const nextM = beta1 * (m[i] as number) + (1 - beta1) * g;
      const nextV = beta2 * (v[i] as number) + (1 - beta2) * g * g;
      m[i] = nextM;
      v[i] = nextV;
      const decayed = (weight[i] as number) * (1 - rate * decay);
      weight[i] = decayed - (rate * (nextM / bias1)) / (Math.sqrt(nextV / bias2) + eps);
    }
    if (isPacked) {
      const flat = { ...storedM, shape: [1, m.length] };
      writeRow(
        flat,
        0,
        m.map((x) => x * stateFactor),
      );
      writeRoots(
        storedV,
        v.map((x) => Math.sqrt(x) * stateFactor),
      );
    } else {
      floats(storedM).set(m);
      floats(storedV).set(v);
    }
  },
};

// In blocks of 32: the scale is the least half that reaches the largest, all are rounded up.
function writeRoots(stored: HostTensor, values: Float64Array): void {
  const bytes = stored.data as Uint8Array;
  const blockBytes = rowBytes('q8_0', 32);
  for (let block = 0; block * 32 < values.length; block++) {
    const roots = values.subarray(block * 32, block * 32 + 32);
    const wanted = Math.max(...roots) / 127;
    let half = f32ToF16(wanted);
    if (f16ToF32(half) < wanted) half++;
    const scale = f16ToF32(half);
    const place = block * blockBytes;
    bytes[place] = half & 0xff;
    bytes[place + 1] = half >> 8;
    for (const [i, root] of roots.entries()) {
      bytes[place + 2 + i] = scale === 0 ? 0 : Math.min(127, Math.ceil(root / scale));
    }
  }
}
