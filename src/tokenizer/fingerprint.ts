// A hash of everything that decides how a tokenizer encodes: equal hashes, equal ids for every text.
import { createHash } from 'node:crypto';
import { ByteLevelTokenizer } from './byte-level-tokenizer.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { Tokenizer } from './tokenizer.ts';

/** SHA-256 in hex. A tokenizer of no known kind is told apart by its pieces alone. */
export function fingerprintTokenizer(tokenizer: Tokenizer): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(partsOf(tokenizer), replaceCollections));
  return hash.digest('hex');
}

function partsOf(tokenizer: Tokenizer): unknown {
  const { kind, bos, eos, addsBos, controls } = tokenizer;
  const shared = { kind, bos, eos, addsBos, controls };
  if (tokenizer instanceof SentencePieceTokenizer) return { shared, model: tokenizer.model };
  if (tokenizer instanceof ByteLevelTokenizer) return { shared, model: tokenizer.vocabulary };
  const pieces = Array.from({ length: tokenizer.size }, (_, id) => tokenizer.piece(id));
  return { shared, pieces };
}

function replaceCollections(_: string, value: unknown): unknown {
  if (value instanceof Map) return { map: [...value] };
  if (value instanceof Set) return { set: [...value] };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Float32Array) return { numbers: [...value] };
  return value;
}
