// Names of two syllables. Cria's tokenizer cuts each into two well-known pieces, such as M and ilo, so that a
// name which nobody has seen can be copied. Some pairs of syllables are kept for tests.
import { dealPairs, type Split } from './splits.ts';

const firsts: readonly string[] =
  'Ba Bi Bo Bu Ca Co Da De Di Du Fa Fe Fi Fo Ga Gi Gu Ho Hu Ja Jo Ju Ka Ke Ki Ko La Le Li Lo Lu Ma Mi Mo Mu Na Ne Ni Nu Pa Pe Pi Po Ra Re Ri Ro Ru Sa Se Si Su Ta Te Ti Tu Va Ve Vi Wa Wi Ya Yo Za Ze Zo'.split(
    ' ',
  );
const seconds = {
  she: 'na la ra ta sa ka lla nna tta mma nda ria lia nka ssa lina'.split(' '),
  he: 'no lo ro to do ko mo llo nno tto ndo ron lan ton nis bert mon rin'.split(' '),
} as const;

// syllables may meet in words that are something else, or that nobody should be called
const unfit =
  /^(Data|Mata|Panda|Nona|Lemon|Demon|Homo|Polo|Solo|Zero|Kilo|Dildo|Nino|Nuda|Nutta|Pissa|Titta|Titto|Baton|Wanka|Fatto|Fatta|Rapo|Papa|Mamma|Gagaa|Nigo|Niko|Dumo|Negro|Nero|Putta|Puta)$/;

const make = (gender: 'she' | 'he'): Readonly<Record<Split, readonly string[]>> =>
  dealPairs(firsts, seconds[gender], (first, second) =>
    unfit.test(first + second) ? undefined : first + second,
  );
const names = { she: make('she'), he: make('he') } as const;

/** Names for her or for him. */
export const namesOf = (split: Split, gender: 'she' | 'he'): readonly string[] =>
  names[gender][split];

/** Names for anybody. */
export const allNames = (split: Split): readonly string[] => [
  ...names.she[split],
  ...names.he[split],
];
