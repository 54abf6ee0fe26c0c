// The keys PEFT gives the tensors of an adapter, and what they mean here. Pure.
import { present } from '../../base/invariant.ts';
import { ggufNameOf, nameFromGguf } from '../../formats/tensor-names.ts';

/** Which of an adapter's tensors. */
export type AdapterPart = 'a' | 'b' | 'magnitude';

const prefix = 'base_model.model.';

const endings: Readonly<Record<AdapterPart, string>> = {
  a: '.lora_A.weight',
  b: '.lora_B.weight',
  magnitude: '.lora_magnitude_vector',
};

/** PEFT's key: `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`. */
export function peftKey(matrix: string, part: AdapterPart): string {
  const name = present(nameFromGguf(matrix, 'huggingFace'), `a name for ${matrix}`);
  return `${prefix}${name.replace(/\.weight$/, '')}${endings[part]}`;
}

/** The matrix and part of a key; undefined for keys that are no tensor of a block's adapter. */
export function parsePeftKey(
  key: string,
): { readonly matrix: string; readonly part: AdapterPart } | undefined {
  // Before an adapter's name is taken out on saving it stands before `weight`, or at the very end.
  const [, module, kind, magnitude] =
    /^base_model\.model\.(.+?)\.(?:lora_(A|B)(?:\.default)?\.weight|lora_(magnitude_vector)(?:\.default)?(?:\.weight)?)$/.exec(
      key,
    ) ?? [];
  if (module === undefined) return undefined;
  const matrix = ggufNameOf(`${module}.weight`, 'huggingFace');
  if (matrix === undefined || !matrix.startsWith('blk.')) return undefined;
  if (magnitude !== undefined) return { matrix, part: 'magnitude' };
  return { matrix, part: kind === 'A' ? 'a' : 'b' };
}

/** Hugging Face's name of the module a matrix belongs to: `q_proj`. */
export function moduleOf(matrix: string): string {
  const name = present(nameFromGguf(matrix, 'huggingFace'), `a name for ${matrix}`);
  return present(name.split('.').at(-2), 'module');
}

/** Do rows of this matrix lie in halves at Hugging Face and interleaved here? */
export function hasRotatedRows(matrix: string): boolean {
  return /\.attn_[qk]\.weight$/.test(matrix);
}
