// A line that comes up and goes away.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useApp } from '../state/app-state.ts';

const SHOWN_MS = 8000;

/** The line, while there is one. */
export function NoticeBar(): JSX.Element | null {
  const { notice } = useApp();
  const current = notice.value;
  useEffect(() => {
    if (current === undefined) return;
    const timer = setTimeout(() => {
      notice.value = undefined;
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [current, notice]);
  if (current === undefined) return null;
  const { text, action } = current;
  return (
    <div class="notice" role="status">
      <span>{text}</span>
      {action !== undefined && (
        <button
          type="button"
          class="text-button"
          onClick={() => {
            notice.value = undefined;
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
    </div>
  );
}
