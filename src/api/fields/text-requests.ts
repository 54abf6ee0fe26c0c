// Requests for text, as they are once checked: OpenAI's names, and what each of them means is in
// text-fields.ts.
import type { IncomingMessage } from './chat-messages.ts';

/** A function that the model may call. */
export interface Tool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string | null | undefined;
    readonly parameters?: Readonly<Record<string, unknown>> | null | undefined;
    readonly strict?: boolean | null | undefined;
  };
}

/** Whether tools may, must or must not be called. */
export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } };

/** What an answer's text must be. */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly json_schema: {
        readonly name: string;
        readonly description?: string | null | undefined;
        readonly schema?: Readonly<Record<string, unknown>> | null | undefined;
        readonly strict?: boolean | null | undefined;
      };
    };

/** What both text routes may be asked. */
export interface TextRequest {
  readonly model: string;
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly top_k?: number | undefined;
  readonly min_p?: number | undefined;
  readonly typical_p?: number | undefined;
  readonly repetition_penalty?: number | undefined;
  readonly frequency_penalty?: number | undefined;
  readonly presence_penalty?: number | undefined;
  readonly logit_bias?: Readonly<Record<string, number>> | undefined;
  readonly seed?: number | undefined;
  readonly stop?: string | readonly string[] | undefined;
  readonly n?: number | undefined;
  readonly stream?: boolean | undefined;
  readonly stream_options?: { readonly include_usage?: boolean | undefined } | undefined;
  readonly max_tokens?: number | undefined;
  readonly grammar?: string | undefined;
  readonly regex?: string | undefined;
  readonly priority?: 'interactive' | 'batch' | undefined;
  readonly return_token_ids?: boolean | undefined;
  readonly corral?:
    | { readonly settings?: boolean | undefined; readonly timings?: boolean | undefined }
    | undefined;
}

/** A chat completion as asked for. */
export interface ChatRequest extends TextRequest {
  readonly messages: readonly IncomingMessage[];
  readonly max_completion_tokens?: number | undefined;
  readonly logprobs?: boolean | undefined;
  readonly top_logprobs?: number | undefined;
  readonly response_format?: ResponseFormat | undefined;
  readonly tools?: readonly Tool[] | undefined;
  readonly tool_choice?: ToolChoice | undefined;
  readonly parallel_tool_calls?: boolean | undefined;
  readonly add_generation_prompt?: boolean | undefined;
  readonly continue_final_message?: boolean | undefined;
}

/** A completion as asked for. */
export interface CompletionRequest extends TextRequest {
  readonly prompt: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  readonly best_of?: number | undefined;
  readonly echo?: boolean | undefined;
  readonly logprobs?: number | undefined;
}
