// The door of this room: what an answer must look like, in one of several notations, to a Constraint.
import { errors } from '../../base/errors.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Constraint } from '../constraint.ts';
import type { Grammar } from './expression.ts';
import { parseGbnf } from './gbnf.ts';
import { constrain } from './grammar-constraint.ts';
import { anyObjectGrammar } from './json-values.ts';
import { parseRegex } from './regex.ts';
import { compileSchema } from './schema.ts';
import { finishInTurns, type Steps } from './steps.ts';
import { type CallFormat, toolCallGrammar } from './tool-calls.ts';
import { buildVocabulary, type Vocabulary } from './vocabulary.ts';

/** What an answer must look like. */
export type ConstraintSource =
  /** JSON that validates against the schema, a subset of JSON Schema 2020-12. */
  | { readonly kind: 'json_schema'; readonly schema: unknown }
  /** Any JSON object. */
  | { readonly kind: 'json_object' }
  /** A text that JavaScript's regular expression with the flag u matches as a whole. */
  | { readonly kind: 'regex'; readonly pattern: string }
  /** A text of the language of a grammar in llama.cpp's notation, GBNF. */
  | { readonly kind: 'grammar'; readonly grammar: string }
  /** Any text, in which each call of a tool is JSON that validates against the schema. */
  | ({ readonly kind: 'tool_calls' } & CallFormat);

// Constraints kept per tokenizer, with the masks they know: the same schema comes with every request.
const mostKept = 32;

// Longer sources take their time even to be refused. OpenAI allows schemas of 120,000 characters.
const mostCharacters = 200_000;

interface Known {
  readonly vocabulary: Promise<Vocabulary>;
  readonly constraints: Map<string, Promise<Constraint>>;
}

const knownOf = new WeakMap<Tokenizer, Known>();

/**
 * Compiles a constraint for a tokenizer's vocabulary, or finds the one compiled before; the event loop has its
 * turn meanwhile. Rejects with CONSTRAINT_INVALID, CONSTRAINT_UNSUPPORTED (both say where; in a schema by a
 * JSON pointer) or CONSTRAINT_TOO_LARGE.
 * @example const constraint = await compileConstraint({ kind: 'regex', pattern: '[0-9]{4}' }, tokenizer);
 */
export async function compileConstraint(
  source: ConstraintSource,
  tokenizer: Tokenizer,
): Promise<Constraint> {
  const key = JSON.stringify(source);
  if (key.length > mostCharacters) {
    throw errors.CONSTRAINT_TOO_LARGE({
      what: 'characters',
      found: String(key.length),
      limit: mostCharacters,
    });
  }
  let known = knownOf.get(tokenizer);
  if (known === undefined) {
    known = { vocabulary: finishInTurns(buildVocabulary(tokenizer)), constraints: new Map() };
    knownOf.set(tokenizer, known);
  }
  const { constraints, vocabulary } = known;
  // Whoever asks for the same while it is being compiled waits for that.
  const found = constraints.get(key) ?? compile(source, vocabulary);
  constraints.delete(key);
  constraints.set(key, found);
  const [oldest] = constraints.keys();
  if (constraints.size > mostKept && oldest !== undefined) constraints.delete(oldest);
  try {
    return await found;
  } catch (error) {
    if (constraints.get(key) === found) constraints.delete(key);
    throw error;
  }
}

async function compile(
  source: ConstraintSource,
  vocabulary: Promise<Vocabulary>,
): Promise<Constraint> {
  const grammar = await finishInTurns(readGrammar(source));
  return finishInTurns(constrain(grammar, await vocabulary));
}

function* readGrammar(source: ConstraintSource): Steps<Grammar> {
  switch (source.kind) {
    case 'json_schema':
      return yield* compileSchema(source.schema);
    case 'json_object':
      return anyObjectGrammar();
    case 'regex':
      return { rules: [{ name: 'the expression', body: parseRegex(source.pattern) }] };
    case 'tool_calls':
      return yield* toolCallGrammar(source);
    case 'grammar':
      return parseGbnf(source.grammar);
  }
}
