// Turns patterns into running text: chooses among alternatives and decides how to refer to everyone, so
// that a pronoun is used only where it is clear who is meant. Remembers what the text has told: questions
// ask only about that.
import { invariant } from '../../../src/base/invariant.ts';
import type { Dice } from './dice.ts';
import {
  type Character,
  fullNoun,
  indefinite,
  type Referent,
  type Roles,
  type Thing,
  withArticle,
} from './entities.ts';
import { type Pattern, type PatternNode, parsePattern } from './pattern.ts';

const objectPronoun = { she: 'her', he: 'him' } as const;
const possessivePronoun = { she: 'her', he: 'his' } as const;

interface Sentence {
  subject: Character | undefined;
  readonly mentioned: Set<Character>;
}

const emptySentence = (): Sentence => ({ subject: undefined, mentioned: new Set() });

/** One running text. `plain` texts stand alone (questions, answers) and name everyone in full. */
export class Discourse {
  readonly #dice: Dice;
  readonly #plain: boolean;
  readonly #cast: readonly Character[];
  #previous: Sentence = emptySentence();
  #current: Sentence = emptySentence();
  #inQuote = false;
  #out = '';
  /** Things whose look the text has told, and characters whose species it has told. */
  readonly told: Set<Character | Thing> = new Set();
  readonly #known: Set<Character | Thing> = new Set();

  constructor(dice: Dice, options: { cast?: readonly Character[]; plain?: boolean } = {}) {
    this.#dice = dice;
    this.#cast = options.cast ?? [];
    this.#plain = options.plain ?? false;
  }

  /** The text of one pattern: whole sentences, or in a plain discourse any phrase. */
  render(source: string, roles: Readonly<Record<string, Referent | undefined>> | Roles): string {
    this.#out = '';
    this.#inQuote = false;
    this.#write(parsePattern(source), roles);
    this.#endSentence();
    return this.#out;
  }

  /** After this nobody is in the reader's mind: the next mention is by name. */
  breakParagraph(): void {
    this.#previous = emptySentence();
    this.#current = emptySentence();
  }

  #write(pattern: Pattern, roles: Readonly<Record<string, Referent | undefined>>): void {
    for (const node of pattern) this.#writeNode(node, roles);
  }

  #writeNode(node: PatternNode, roles: Readonly<Record<string, Referent | undefined>>): void {
    if (typeof node === 'string') this.#writeText(node);
    else if ('choice' in node) this.#write(this.#dice.pick(node.choice), roles);
    else this.#writeSlot(node, roles);
  }

  #writeSlot(
    node: { readonly slot: string; readonly form: string },
    roles: Readonly<Record<string, Referent | undefined>>,
  ): void {
    const referent = roles[node.slot];
    invariant(referent !== undefined, `no ${node.slot} for a sentence after: ${this.#out}`);
    if (typeof referent === 'string') {
      this.#write(parsePattern(referent), roles);
      return;
    }
    this.#endSentenceIfOver();
    const text = this.#refer(referent, node.form);
    const starts = /(^|[.!?]"?\s|(^|\s)")$/.test(this.#out) && !this.#plain;
    this.#out += starts ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  }

  #writeText(text: string): void {
    for (const piece of text.split(/(?<=[.!?]"? )(?=[^a-z])/)) {
      if (this.#out !== '') this.#endSentenceIfOver();
      for (const character of piece) if (character === '"') this.#inQuote = !this.#inQuote;
      const starts = /(^|[.!?]\s|\."\s|(^|\s)")$/.test(this.#out) && !this.#plain;
      this.#out += starts ? piece.charAt(0).toUpperCase() + piece.slice(1) : piece;
    }
  }

  #endSentenceIfOver(): void {
    if (/[.!?]"?\s$/.test(this.#out) && !this.#inQuote) this.#endSentence();
  }

  #endSentence(): void {
    if (this.#current.mentioned.size === 0) return;
    this.#previous = this.#current;
    this.#current = emptySentence();
  }

  #refer(referent: Exclude<Referent, string>, form: string): string {
    if (!('is' in referent)) return form === 'at' ? referent.at : referent.name;
    return referent.is === 'thing'
      ? this.#referToThing(referent, form)
      : this.#referToCharacter(referent, form);
  }

  #referToCharacter(who: Character, form: string): string {
    const { gender, name, species } = who;
    const description = `${who.age === '' ? '' : `${who.age} `}${species.noun}`;
    const clear = this.#isClear(who);
    const isSubject = form === '' || form === 'name';
    const pronounFits = clear && !this.#plain && !this.#inQuote;
    if (!this.#inQuote) {
      this.#current.mentioned.add(who);
      if (isSubject && this.#current.subject === undefined) this.#current.subject = who;
    }
    const known = this.#known.has(who);
    this.#known.add(who);
    switch (form) {
      case '': {
        const again = this.#previous.subject === who;
        if (pronounFits && (again ? this.#dice.chance(0.5) : this.#isRepeated(who))) return gender;
        return known &&
          !this.#plain &&
          !this.#inQuote &&
          this.#isOnlyOfKind(who) &&
          this.#dice.chance(0.04)
          ? this.#tell(who, `the ${species.noun}`)
          : name;
      }
      case 'him':
        return pronounFits && known && this.#dice.chance(0.4) ? objectPronoun[gender] : name;
      case 's':
        return pronounFits && this.#previous.subject === who
          ? possessivePronoun[gender]
          : `${name}'s`;
      case 'name':
      case 'whom':
        return name;
      case 'he':
        return gender;
      case 'them':
        return objectPronoun[gender];
      case 'his':
        return possessivePronoun[gender];
      case 'self':
        return `${objectPronoun[gender]}self`;
      case 'kind':
        return this.#tell(who, species.noun);
      case 'a':
        return this.#tell(who, withArticle(description));
      case 'the':
        return this.#tell(who, `the ${description}`);
      case 'limb':
        return species.limb;
      default:
        throw new Error(`Corral bug: no form ${form} for a character`);
    }
  }

  // Mentioned as subject in this very sentence.
  #isRepeated(who: Character): boolean {
    return (
      this.#current.subject === who && this.#known.has(who) && this.#current.mentioned.size > 0
    );
  }

  // No other of the same gender is in the reader's mind, and this one is.
  #isClear(who: Character): boolean {
    const minds = [...this.#previous.mentioned, ...this.#current.mentioned];
    return (
      minds.includes(who) && !minds.some((other) => other !== who && other.gender === who.gender)
    );
  }

  #isOnlyOfKind(who: Character): boolean {
    return !this.#cast.some((other) => other !== who && other.species.noun === who.species.noun);
  }

  #tell(what: Character | Thing, text: string): string {
    if (!this.#plain) this.told.add(what);
    return text;
  }

  #referToThing(thing: Thing, form: string): string {
    const { noun, plural } = thing;
    const full = fullNoun(thing);
    switch (form) {
      case '':
        return !this.#plain && this.#dice.chance(0.3)
          ? this.#tell(thing, `the ${full}`)
          : `the ${noun}`;
      case 'a':
        return this.#tell(thing, indefinite(thing));
      case 'full':
        return this.#tell(thing, full);
      case 'noun':
        return noun;
      case 'it':
        return plural ? 'them' : 'it';
      case 'they':
        return plural ? 'they' : 'it';
      case 'that':
        return plural ? 'those' : 'that';
      case 'was':
        return plural ? 'were' : 'was';
      case 'is':
        return plural ? 'are' : 'is';
      case 'has':
        return plural ? 'have' : 'has';
      default:
        throw new Error(`Corral bug: no form ${form} for a thing`);
    }
  }
}
