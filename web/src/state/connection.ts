// The server as it is right now: which models it serves, whether it answers, and the key it wants.
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { type Client, createClient } from '../api/client.ts';
import { RequestProblem } from '../api/problem.ts';
import type { ServedModel } from '../api/schemas.ts';
import type { Problem } from '../conversation/message.ts';

/** Where the page stands with its server. */
export interface Connection {
  readonly client: Client;
  readonly models: ReadonlySignal<readonly ServedModel[]>;
  /** Why there are no models, if there are none. */
  readonly problem: ReadonlySignal<Problem | undefined>;
  /** Does the server want a key, or another one? */
  readonly wantsKey: ReadonlySignal<boolean>;
  /** Is a key shown to the server? */
  readonly hasKey: ReadonlySignal<boolean>;
  readonly loading: ReadonlySignal<boolean>;
  /** Asks for the models; never throws. */
  refresh(): Promise<void>;
  /** Uses a key from now on, or none; kept until the tab is closed, longer if asked to. */
  useKey(key: string, options: { readonly remember: boolean }): Promise<void>;
  /** Notes a problem that some request met. */
  report(problem: Problem): void;
}

/** Where a key may be kept. */
export interface KeyStores {
  /** Until the tab is closed. */
  readonly session: Storage;
  /** Until it is replaced. */
  readonly local: Storage;
}

const KEY = 'corral-key';

/** Connects to the server that this page came from. */
export function createConnection(baseUrl: string, stores: KeyStores): Connection {
  const key = signal(stores.session.getItem(KEY) ?? stores.local.getItem(KEY) ?? undefined);
  const hasKey = computed(() => key.value !== undefined);
  const models = signal<readonly ServedModel[]>([]);
  const problem = signal<Problem | undefined>(undefined);
  const wantsKey = signal(false);
  const loading = signal(true);
  const client = createClient({
    baseUrl,
    fetch: (...args) => fetch(...args),
    key: () => key.peek(),
    now: () => performance.now(),
  });

  function report(found: Problem): void {
    if (found.kind === 'unauthorised') wantsKey.value = true;
    if (found.kind !== 'refused') problem.value = found;
  }

  async function refresh(): Promise<void> {
    loading.value = true;
    try {
      models.value = (await client.models()).filter(({ chat }) => chat !== false);
      problem.value = undefined;
      wantsKey.value = false;
    } catch (error) {
      if (!(error instanceof RequestProblem)) throw error;
      problem.value = error.problem;
      wantsKey.value = error.problem.kind === 'unauthorised';
    } finally {
      loading.value = false;
    }
  }

  async function useKey(
    given: string,
    { remember }: { readonly remember: boolean },
  ): Promise<void> {
    key.value = given.trim() === '' ? undefined : given.trim();
    stores.session.removeItem(KEY);
    stores.local.removeItem(KEY);
    if (key.value !== undefined) {
      (remember ? stores.local : stores.session).setItem(KEY, key.value);
    }
    await refresh();
  }

  return { client, models, problem, wantsKey, hasKey, loading, refresh, useKey, report };
}
