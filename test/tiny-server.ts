// A server with small random models on a free port of this machine, for tests that speak HTTP to it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AnswerRecord,
  type ApiOptions,
  createApi,
  type Listening,
  type ListenOptions,
  listen,
  ModelPool,
  type ServedModel,
} from '../src/api/index.ts';
import { type LoadOptions, load } from '../src/index.ts';
import { makeTinyModel } from './make-tiny-model.ts';

/** A template that writes roles and texts, and describes tools as Hermes does. */
export const tinyTemplate =
  "{{ bos_token }}{% if tools %}{% for tool in tools %}{{ tool | tojson }}{% endfor %}<tool_call>{% endif %}{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}";

/** A running server and what is behind it. */
export interface TinyServer extends AsyncDisposable {
  readonly server: Listening;
  readonly pool: ModelPool;
  /** What answers used, in the order they ended. */
  readonly records: AnswerRecord[];
  /** The model behind the name `tiny`, loaded if need be. */
  model(): Promise<ServedModel>;
}

/** How it is started. */
export interface TinyServerOptions {
  readonly load?: LoadOptions;
  readonly api?: Partial<Omit<ApiOptions, 'models' | 'version'>>;
  readonly listen?: Partial<ListenOptions>;
}

/** Serves the model `tiny` (1024 tokens of context). */
export async function startTinyServer(options: TinyServerOptions = {}): Promise<TinyServer> {
  const folder = mkdtempSync(join(tmpdir(), 'corral-api-'));
  const path = join(folder, 'tiny.gguf');
  await makeTinyModel(path, { context: 1024 });
  const records: AnswerRecord[] = [];
  const pool = new ModelPool({
    sources: [
      {
        name: 'tiny',
        createdAt: new Date(1_700_000_000_000),
        measure: async () => 0,
        load: () => load(path, { chatTemplate: tinyTemplate, ...options.load }),
      },
    ],
  });
  const api = createApi({
    onAnswer: (record) => void records.push(record),
    ...options.api,
    models: pool,
    version: '0.0.0',
  });
  const server = await listen(api, { host: '127.0.0.1', port: 0, ...options.listen });
  return {
    server,
    pool,
    records,
    model: async () => {
      using lease = await pool.use('tiny');
      return lease.model;
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await pool.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 10) {
    if (waited > 20_000) throw new Error('it never came to hold');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
