// The door of this room: what an answer must look like, in one of four notations, to a Constraint.
import { setImmediate } from 'node:timers/promises';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Constraint } from '../constraint.ts';
import type { Grammar } from './expression.ts';
import { parseGbnf } from './gbnf.ts';
import { GrammarConstraint } from './grammar-constraint.ts';
import { anyObjectGrammar } from './json-values.ts';
import { parseRegex } from './regex.ts';
import { compileSchema } from './schema.ts';
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
  | { readonly kind: 'grammar'; readonly grammar: string };

// Constraints kept per tokenizer, with the masks they know: the same schema comes with every request.
const mostKept = 32;

interface Known {
  readonly vocabulary: Vocabulary;
  readonly constraints: Map<string, Constraint>;
}

const knownOf = new WeakMap<Tokenizer, Known>();

/**
 * Compiles a constraint for a tokenizer's vocabulary, or finds the one compiled before. Rejects with
 * CONSTRAINT_INVALID, CONSTRAINT_UNSUPPORTED (both say where; in a schema by a JSON pointer) or
 * CONSTRAINT_TOO_LARGE.
 * @example const constraint = await compileConstraint({ kind: 'regex', pattern: '[0-9]{4}' }, tokenizer);
 */
export async function compileConstraint(
  source: ConstraintSource,
  tokenizer: Tokenizer,
): Promise<Constraint> {
  const key = JSON.stringify(source);
  const known = knownOf.get(tokenizer) ?? {
    vocabulary: buildVocabulary(tokenizer),
    constraints: new Map(),
  };
  knownOf.set(tokenizer, known);
  const { constraints, vocabulary } = known;
  const found = constraints.get(key);
  constraints.delete(key);
  // Between the parts of the work others have a turn.
  await setImmediate();
  const grammar = found === undefined ? readGrammar(source) : undefined;
  await setImmediate();
  const constraint = found ?? new GrammarConstraint(grammar as Grammar, vocabulary);
  constraints.set(key, constraint);
  const [oldest] = constraints.keys();
  if (constraints.size > mostKept && oldest !== undefined) constraints.delete(oldest);
  return constraint;
}

function readGrammar(source: ConstraintSource): Grammar {
  switch (source.kind) {
    case 'json_schema':
      return compileSchema(source.schema);
    case 'json_object':
      return anyObjectGrammar();
    case 'regex':
      return { rules: [{ name: 'the expression', body: parseRegex(source.pattern) }] };
    case 'grammar':
      return parseGbnf(source.grammar);
  }
}
