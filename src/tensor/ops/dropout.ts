// Dropout whose mask is a function of seed, place and element, so that recomputation and the backward
// pass draw the same one.
import { philox } from '../../base/random.ts';
import { at, attribute, f32, floats, gradientOf, integers, type Op, valueAt } from './op.ts';

// Fourth word of the counter: apart from the sampler's draws, where it is 0.
const dropoutStream = 1;

/**
 * dropout(x, seed i32 [2]) {rate, site} → x / (1 − rate), or 0 where the element is dropped (arXiv
 * 1207.0580). Element i is dropped when word i mod 4 of philox([i div 4, 0, site, 1], seed) is below
 * rate · 2³². `site` tells apart the places of a model; the seed changes from step to step.
 */
export const dropout: Op = {
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  gradient: (append, call) =>
    append('dropout', [gradientOf(call), valueAt(call.inputs, 1)], call.attributes),
  reference: ({ inputs, outputs, attributes }) => {
    const x = floats(at(inputs, 0));
    const out = floats(at(outputs, 0));
    const [low = 0, high = 0] = integers(at(inputs, 1));
    const [rate, site] = [attribute(attributes, 'rate'), attribute(attributes, 'site')];
    for (let i = 0; i < x.length; i += 4) {
      const words = philox([i / 4, 0, site, dropoutStream], [low >>> 0, high >>> 0]);
      for (const [lane, word] of words.entries()) {
        if (i + lane >= x.length) break;
        out[i + lane] = word < rate * 2 ** 32 ? 0 : (x[i + lane] as number) / (1 - rate);
      }
    }
  },
};
