// Which page is shown, in the address after the hash: a new conversation, one by its id, or the activity.
import { computed, type ReadonlySignal, signal } from '@preact/signals';

/** A page. */
export type Route =
  | { readonly page: 'chat'; readonly conversation: string | undefined }
  | { readonly page: 'activity' };

/** Where the page is. */
export interface Router {
  readonly route: ReadonlySignal<Route>;
  go(route: Route): void;
}

/** Reads an address after the hash. */
export function readRoute(hash: string): Route {
  if (hash === '#/activity') return { page: 'activity' };
  const id = /^#\/c\/([\w-]+)$/.exec(hash)?.[1];
  return { page: 'chat', conversation: id };
}

/** The address of a page. */
export function addressOf(route: Route): string {
  if (route.page === 'activity') return '#/activity';
  return route.conversation === undefined ? '#/' : `#/c/${route.conversation}`;
}

/** Follows the address of a window. */
export function createRouter(window: Window): Router {
  const hash = signal(window.location.hash);
  window.addEventListener('hashchange', () => {
    hash.value = window.location.hash;
  });
  return {
    route: computed(() => readRoute(hash.value)),
    go: (route) => {
      const address = addressOf(route);
      if (window.location.hash !== address) window.history.pushState(null, '', address);
      hash.value = address;
    },
  };
}
