import { describe, expect, it } from 'vitest';
import { Dice } from './dice.ts';
import { Discourse } from './discourse.ts';
import type { Character, Thing } from './entities.ts';
import { species, traits } from './lexicon.ts';

function someone(name: string, gender: 'she' | 'he', kind: string): Character {
  const found = species.find(({ noun }) => noun === kind);
  const [trait] = traits;
  if (found === undefined || trait === undefined) throw new Error(`no ${kind}`);
  return { is: 'character', name, gender, species: found, age: 'old', trait };
}

const mia = someone('Mia', 'she', 'owl');
const ada = someone('Ada', 'she', 'fox');
const tom = someone('Tom', 'he', 'goat');
const boots: Thing = {
  is: 'thing',
  noun: 'boots',
  plural: true,
  class: 'wear',
  look: { kind: 'colour', word: 'orange' },
};
const texts = (write: (discourse: Discourse) => string): Set<string> =>
  new Set(
    Array.from({ length: 60 }, (_, at) =>
      write(new Discourse(new Dice(1, at), { cast: [mia, ada, tom] })),
    ),
  );

describe('Discourse', () => {
  it('uses a pronoun only for the last subject, and only where no other could be meant', () => {
    const alone = texts(
      (d) => `${d.render('{A} sang.', { A: mia })} ${d.render('{A} slept.', { A: mia })}`,
    );
    expect(alone).toContain('Mia sang. She slept.');
    const two = texts(
      (d) =>
        `${d.render('{A} saw {B.whom}.', { A: mia, B: ada })} ${d.render('{A} slept.', { A: mia })}`,
    );
    expect([...two].filter((text) => /She slept/.test(text))).toEqual([]);
    const mixed = texts(
      (d) =>
        `${d.render('{A} saw {B.whom}.', { A: mia, B: tom })} ${d.render('{A} slept.', { A: mia })}`,
    );
    expect(mixed).toContain('Mia saw Tom. She slept.');
    expect([...mixed].filter((text) => /He slept/.test(text))).toEqual([]);
  });

  it('names everyone again after a paragraph, in quotes and in plain texts', () => {
    const broken = texts((d) => {
      const first = d.render('{A} sang.', { A: mia });
      d.breakParagraph();
      return `${first} ${d.render('{A} slept.', { A: mia })}`;
    });
    expect([...broken].filter((text) => /She/.test(text))).toEqual([]);
    const quoted = texts((d) =>
      d.render('{A} sang. "I saw {A}," said {B.name}.', { A: mia, B: tom }),
    );
    expect([...quoted]).toEqual(['Mia sang. "I saw Mia," said Tom.']);
  });

  it('agrees with plural things and chooses articles by sound', () => {
    const [text] = texts((d) =>
      d.render('There {T.was} {T.a}, and {T.they} {T.is} {A.his}. {B.a} came.', {
        A: tom,
        B: mia,
        T: boots,
      }),
    );
    expect(text).toBe('There were a pair of orange boots, and they are his. An old owl came.');
  });

  it('remembers which looks and kinds the text has told', () => {
    const discourse = new Discourse(new Dice(1, 1), { cast: [mia] });
    discourse.render('{A} has {T.noun}.', { A: mia, T: boots });
    expect([...discourse.told]).toEqual([]);
    discourse.render('{A.a} has {T.full}.', { A: mia, T: boots });
    expect([...discourse.told]).toEqual([mia, boots]);
  });
});
