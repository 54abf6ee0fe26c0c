// Names of ggml's tensor types by number, so that an error can say which one a file uses.
import { dtypeOfGguf } from '../tensor/dtype.ts';

const others: Readonly<Record<number, string>> = {
  4: 'Q4_2 (withdrawn)',
  5: 'Q4_3 (withdrawn)',
  9: 'Q8_1',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  31: 'Q4_0_4_4 (withdrawn)',
  32: 'Q4_0_4_8 (withdrawn)',
  33: 'Q4_0_8_8 (withdrawn)',
  34: 'TQ1_0',
  35: 'TQ2_0',
  36: 'IQ4_NL_4_4 (withdrawn)',
  37: 'IQ4_NL_4_8 (withdrawn)',
  38: 'IQ4_NL_8_8 (withdrawn)',
  39: 'MXFP4',
  40: 'NVFP4',
};

/** The type's name, or its number where we know none. */
export function ggmlTypeName(type: number): string {
  return dtypeOfGguf(type) ?? others[type] ?? `number ${type}, which is newer than this Corral`;
}
