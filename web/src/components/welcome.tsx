// What an empty conversation shows: whom one talks to, and ways to begin.
import type { JSX } from 'preact';
import { useApp } from '../state/app-state.ts';
import { useSettings } from '../state/use-settings.ts';
import { Mark } from './icons.tsx';

const beginnings = ['Who are you?', 'Tell me a story about a llama.', 'Why is the sky blue?'];

/** The empty conversation. */
export function Welcome(): JSX.Element {
  const { connection, answering } = useApp();
  const [{ model }] = useSettings();
  const name = model ?? connection.models.value[0]?.id;
  return (
    <div class="welcome">
      <Mark />
      <h1>{name === undefined ? 'A chat with your own model' : `Talk to ${name}`}</h1>
      <p class="quiet">It runs on this server alone. Nothing you write leaves it.</p>
      {name !== undefined && (
        <ul class="beginnings">
          {beginnings.map((text) => (
            <li key={text}>
              <button type="button" onClick={() => void answering.send(text)}>
                {text}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
