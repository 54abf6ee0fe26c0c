// fetch over HTTP/1.1. Node 26 speaks HTTP/2 by itself, with a window of 512 KiB for a whole connection:
// at 75 ms to the hub that is 7 MB/s however many downloads run side by side. HTTP/1.1 has TCP's window.

interface Dispatcher {
  dispatch(options: Record<string, unknown>, handler: unknown): boolean;
}

// Where undici, Node's fetch, keeps the agent that all requests go through.
const places = [Symbol.for('undici.globalDispatcher.2'), Symbol.for('undici.globalDispatcher.1')];

function findDispatcher(): Dispatcher | undefined {
  for (const place of places) {
    const found: unknown = Reflect.get(globalThis, place);
    if (typeof found === 'object' && found !== null && 'dispatch' in found) {
      return found as Dispatcher;
    }
  }
  return undefined;
}

/** Like fetch, and without HTTP/2 where the runtime lets us say so. A proxy set for fetch stays in use. */
export const http1Fetch: typeof fetch = async (input, init) => {
  // The agent comes into being with the first request; a data: URL needs no network.
  if (findDispatcher() === undefined) await (await fetch('data:,')).arrayBuffer();
  const agent = findDispatcher();
  if (agent === undefined) return fetch(input, init);
  const dispatcher: Dispatcher = {
    dispatch: (options, handler) => agent.dispatch({ ...options, allowH2: false }, handler),
  };
  // `dispatcher` is undici's own addition to RequestInit; the type wants the whole class of it.
  const withAgent: object = { ...init, dispatcher };
  return fetch(input, withAgent);
};
