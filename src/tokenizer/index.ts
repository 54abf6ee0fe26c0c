// The door `corral/tokenizer`: text to ids and back, and conversations to prompts.

export { type ChatOptions, defaultChatTemplate, encodeChat } from './chat.ts';
export { type ChatEncoding, type ChatMessage, type ChatRole, chatRoles } from './chat-message.ts';
export { type Compression, CompressionMeter } from './compression.ts';
export {
  type ExtendedTokenizer,
  type ExtendTokenizerOptions,
  extendTokenizer,
  wordCountsFor,
} from './extend-tokenizer.ts';
export { fingerprintTokenizer } from './fingerprint.ts';
export { type GgufTokenizerFields, tokenizerFromGguf } from './gguf-tokenizer.ts';
export { tokenizerFromJson } from './json-tokenizer.ts';
export { llama2SystemPrompt } from './llama2-chat.ts';
export { tokenizerFromLlama2c } from './llama2c-tokenizer.ts';
export { tokenizerFromSentencePiece } from './sentencepiece-model.ts';
export type {
  DecodeOptions,
  Detokenizer,
  EncodeOptions,
  Segment,
  TokenId,
  Tokenizer,
  TokenKind,
} from './tokenizer.ts';
export { type TrainTokenizerOptions, trainTokenizer } from './train-bpe.ts';
export { WordCounts, type WordOptions } from './word-counts.ts';
export { writeSentencePiece } from './write-sentencepiece.ts';
