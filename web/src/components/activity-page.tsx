// The server at work: its queue, its batch, its cache, from /metrics once a second while the page is in sight.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { parsePrometheus } from '../activity/prometheus.ts';
import { type Activity, activityBetween, type Reading, type Spread } from '../activity/readings.ts';
import { RequestProblem } from '../api/problem.ts';
import { useApp } from '../state/app-state.ts';
import { ConnectionNote } from './connection-note.tsx';
import { IconButton } from './icons.tsx';
import { Sparkline } from './sparkline.tsx';

const EVERY_MS = 1000;
const KEPT = 120;

interface Card {
  readonly title: string;
  readonly help: string;
  readonly value: (activity: Activity) => number | undefined;
  readonly show: (activity: Activity) => string;
  readonly top?: number;
}

const number = (value: number | undefined): string => {
  if (value === undefined) return '–';
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
};
const percent = (value: number | undefined): string =>
  value === undefined ? '–' : `${Math.round(value * 100)} %`;
const seconds = (value: number): string =>
  value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
const spread = (value: Spread | undefined): string =>
  value === undefined ? '–' : `${seconds(value.median)} · ${seconds(value.p95)}`;

const groups: readonly { readonly title: string; readonly cards: readonly Card[] }[] = [
  {
    title: 'Queue',
    cards: [
      {
        title: 'Running',
        help: 'Requests being answered',
        value: ({ running }) => running,
        show: ({ running }) => number(running),
      },
      {
        title: 'Waiting',
        help: 'Requests not begun yet',
        value: ({ waiting }) => waiting,
        show: ({ waiting }) => number(waiting),
      },
      {
        title: 'Time in the queue',
        help: 'Median · 95th percentile',
        value: ({ queued }) => queued?.median,
        show: ({ queued }) => spread(queued),
      },
    ],
  },
  {
    title: 'Batch',
    cards: [
      {
        title: 'Written',
        help: 'Tokens of answers per second',
        value: ({ generated }) => generated,
        show: ({ generated }) => number(generated),
      },
      {
        title: 'Read',
        help: 'Tokens of prompts per second',
        value: ({ read }) => read,
        show: ({ read }) => number(read),
      },
      {
        title: 'Rows in a step',
        help: 'Tokens computed at one time',
        value: ({ batch }) => batch,
        show: ({ batch }) => number(batch),
      },
      {
        title: 'First token',
        help: 'Median · 95th percentile',
        value: ({ firstToken }) => firstToken?.median,
        show: ({ firstToken }) => spread(firstToken),
      },
      {
        title: 'Between tokens',
        help: 'Median · 95th percentile',
        value: ({ betweenTokens }) => betweenTokens?.median,
        show: ({ betweenTokens }) => spread(betweenTokens),
      },
    ],
  },
  {
    title: 'Cache',
    cards: [
      {
        title: 'Pages used',
        help: 'Share of the pages for keys and values',
        value: ({ cacheUsed }) => cacheUsed,
        show: ({ cacheUsed }) => percent(cacheUsed),
        top: 1,
      },
      {
        title: 'Prompt from cache',
        help: 'Prompt tokens that were not computed again',
        value: ({ cacheHits }) => cacheHits,
        show: ({ cacheHits }) => percent(cacheHits),
        top: 1,
      },
    ],
  },
];

/** The page. */
export function ActivityPage(): JSX.Element {
  const { panels, connection } = useApp();
  const history = useSignal<readonly Activity[]>([]);
  const lost = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const abort = new AbortController();
    let before: Reading | undefined;
    async function read(): Promise<void> {
      if (document.hidden) return;
      try {
        const samples = parsePrometheus(await connection.client.metrics(abort.signal));
        const now = { samples, at: performance.now() };
        if (before !== undefined) {
          history.value = [...history.value, activityBetween(before, now)].slice(-KEPT);
        }
        before = now;
        lost.value = undefined;
      } catch (error) {
        if (!(error instanceof RequestProblem)) return;
        connection.report(error.problem);
        lost.value = error.problem.message;
        history.value = history.value.length === 0 ? [] : [...history.value, {}].slice(-KEPT);
      }
    }
    void read();
    const timer = setInterval(() => void read(), EVERY_MS);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, [connection, history, lost]);
  const now = history.value.at(-1) ?? {};
  return (
    <div class="activity">
      <header class="activity-head">
        <IconButton
          icon="menu"
          label="Conversations"
          class="icon-button only-narrow"
          onClick={() => {
            panels.sidebar.value = true;
          }}
        />
        <h1>Activity</h1>
        <p class="quiet">{lost.value ?? 'The last two minutes of this server.'}</p>
      </header>
      {connection.wantsKey.value && <ConnectionNote />}
      {groups.map(({ title, cards }) => (
        <section key={title} aria-label={title}>
          <h2>{title}</h2>
          <div class="cards">
            {cards.map((card) => (
              <div class="card" key={card.title}>
                <h3>{card.title}</h3>
                <p class="figure">{card.show(now)}</p>
                <Sparkline values={history.value.map(card.value)} length={KEPT} top={card.top} />
                <p class="quiet">{card.help}</p>
              </div>
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}
