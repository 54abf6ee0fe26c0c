// The types a conversion can write. Apart from how they are written, so that whoever only offers or
// checks the names loads nothing else.

/** Names of conversion types, as `--type` and recipes take them. */
export const convertTypeNames = [
  'f32',
  'f16',
  'bf16',
  'q8_0',
  'q4_0',
  'q4_k',
  'q5_k',
  'q6_k',
  'q4_k_m',
  'q5_k_m',
] as const;

/** Name of a conversion type. */
export type ConvertType = (typeof convertTypeNames)[number];
