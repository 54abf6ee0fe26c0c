// Which class a character belongs to when words are cut for learning pieces: pieces never mix scripts,
// as in SentencePiece's split_by_unicode_script. Knows nothing of pieces.

/** Classes with a meaning of their own; every script has a number above them. */
export const characterClass = { inherited: 0, digit: 1, common: 2, other: 3 } as const;

// Hiragana and Katakana count as Han (with the prolonged sound mark), as in SentencePiece: Japanese mixes them in a word.
const scripts: readonly RegExp[] = [
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30fc]/u,
  ...(
    'Latin Greek Cyrillic Armenian Hebrew Arabic Syriac Thaana Devanagari Bengali Gurmukhi Gujarati Oriya Tamil ' +
    'Telugu Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Georgian Hangul Ethiopic Cherokee ' +
    'Canadian_Aboriginal Ogham Runic Khmer Mongolian Bopomofo Yi Gothic Tagalog Limbu Tai_Le New_Tai_Lue ' +
    'Tai_Tham Balinese Sundanese Javanese Cham Tifinagh Glagolitic Coptic Nko Vai Samaritan Lisu Bamum ' +
    'Meetei_Mayek Ol_Chiki Kayah_Li Rejang Lepcha Saurashtra Buginese Adlam Osmanya Deseret Cuneiform ' +
    'Egyptian_Hieroglyphs Braille'
  )
    .split(' ')
    .map((name) => new RegExp(`\\p{Script=${name}}`, 'u')),
];
const inherited = /\p{Script=Inherited}/u;
const common = /\p{Script=Common}/u;

const known = new Map<number, number>();

/** The class of a character; equal numbers may share a piece, and `inherited` goes with what stands before. */
export function classOf(codePoint: number): number {
  let found = known.get(codePoint);
  if (found === undefined) {
    found = findClass(codePoint);
    known.set(codePoint, found);
  }
  return found;
}

function findClass(codePoint: number): number {
  if (isDigit(codePoint)) return characterClass.digit;
  const character = String.fromCodePoint(codePoint);
  const script = scripts.findIndex((one) => one.test(character));
  if (script >= 0) return script + 4;
  if (inherited.test(character)) return characterClass.inherited;
  return common.test(character) ? characterClass.common : characterClass.other;
}

/** ASCII and full-width digits: those that SentencePiece's split_digits means. */
function isDigit(codePoint: number): boolean {
  return (codePoint >= 0x30 && codePoint <= 0x39) || (codePoint >= 0xff10 && codePoint <= 0xff19);
}
