// Names of Cria's world: some that people have, many more made of syllables, so that a model must copy a
// name from the story instead of knowing it. Names kept for tests never occur in training text.
import { Dice } from './dice.ts';

const words = (text: string): readonly string[] => text.split(/\s+/);

/** Names for her and for him. */
export const girls: readonly string[] = words(
  `
  Ada Alma Amy Anna Bea Bella Bessie Biba Bonnie Carla Clara Cleo Cora Daisy Della Dora Dot Edda Ella Elsa
  Emma Etta Eva Fay Fern Flora Freya Gerda Gigi Greta Gwen Hana Hatty Hazel Heidi Hilda Holly Ida Ines Iris Isla
  Ivy Jana Jenny Jill Josie Juno Kate Kiki Kira Lara Lena Lily Lola Lotte Lucy Luna Mabel Maja Mara Marta Maud
  May Mia Milla Mimi Mina Minnie Molly Mona Nell Nina Nora Olga Olive Opal Pearl Penny Petra Pia Polly Poppy Rosa
  Rosie Ruby Ruth Sally Selma Signe Sofie Suki Susie Tessa Thea Tilly Tina Una Vera Viola Wanda Wilma Yara Zelda Zoe`.trim(),
);
export const boys: readonly string[] = words(
  `
  Abel Alby Alfie Anton Archie Arlo Axel Barney Ben Benno Bert Bill Bodo Boris Bruno Carl Casper Cliff Conny Dan
  Danny David Dino Eddie Edgar Egon Elmo Emil Eric Ernie Felix Finn Frank Fred Fritz George Gil Gus Hank Hans Harry Henry
  Hugo Igor Ivan Jack Jakob Jasper Jim Joe Johnny Jonas Karl Kurt Lars Leo Leon Linus Louis Luis Magnus Marco Martin
  Max Milo Moritz Ned Nico Niels Noah Oleg Oliver Olli Oscar Otis Otto Paul Pavel Percy Peter Pim Pip Ralph Remy
  Robin Rolf Rudi Rufus Sam Samson Sid Simon Sven Ted Theo Tim Toby Tom Tommy Udo Uli Victor Walter Willy Yann Zack`.trim(),
);

const heldOut = {
  she: words(
    'Agnes Gisela Celia Doris Frida Hilde Linda Lisa Maria Nadja Paula Sonja Tanja Ulla Vicky Zita',
  ),
  he: words(
    'Albert Dennis Elias Hektor Ingo Jan Kai Lukas Lutz Mario Rico Simeon Stefan Timo Tobias Wendel',
  ),
} as const;
const known = new Set([...girls, ...boys, ...heldOut.she, ...heldOut.he]);

const onsets = words('B Bl Br D Dr F Fl G Gr H J K Kl L M N P Pl Qu R S Sh Sn T Tr V W Z');
const middles = words('ab al am an ar el em en er et ib il im in ir ob ol om on or ul um un ur');
const ends = words(
  'a an bo by co da den dle do elle ert ette ia ica ick ik ille ina ip is ka ko la let lin lo ma mo na nek no o ora ot ou rik ro sa so ta tle to ula us vi y za zo',
);

const nounEnds = words(
  'bet bin bber dle ffin gget kin ler mper nkle pper rrel sket ster tter zzle',
);

// syllables may meet in words nobody should be called
const unfit =
  /[nl]us$|penis|shit|nig|fag|cum|tit|di[ck]|[ck]o[ck]|sex|nazi|rap|arse|porn|hor|slu|kil|bar[nk]$/i;

/** Names made of syllables, in an order that depends on nothing. */
function invent(count: number): readonly string[] {
  const dice = new Dice(20_240_229, 0);
  const made = new Set<string>();
  while (made.size < count) {
    const middle = dice.chance(0.25) ? dice.pick(middles) : '';
    const name = dice.pick(onsets) + dice.pick(middles) + middle + dice.pick(ends);
    if (name.length <= 6 && !unfit.test(name) && !known.has(name)) made.add(name);
  }
  return [...made];
}

const invented = invent(5100);

/**
 * Nouns nobody knows, for things that only this world has. They are rare, and make a model read on to see
 * what is meant.
 */
export const inventedNouns: readonly string[] = [
  ...new Set(
    onsets.flatMap((onset) =>
      middles.flatMap((middle, at) => {
        const word = `${onset}${middle}${nounEnds[(at + onset.length * 5) % nounEnds.length]}`;
        return unfit.test(word) || /(.)\1\1|[^aeiou]{4}/i.test(word) ? [] : [word.toLowerCase()];
      }),
    ),
  ),
];

/** Made-up names for training, and those kept for tests. */
export const inventedNames: readonly string[] = invented.slice(0, 5000);
export const heldOutNames: Readonly<Record<'she' | 'he' | 'either', readonly string[]>> = {
  ...heldOut,
  either: invented.slice(5000),
};
