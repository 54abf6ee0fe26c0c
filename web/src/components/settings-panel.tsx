// What the model is told first, and how its tokens are chosen. An empty field leaves the choice to the server.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Sampling } from '../conversation/message.ts';
import { useApp } from '../state/app-state.ts';
import { useSettings } from '../state/use-settings.ts';
import { IconButton } from './icons.tsx';
import { KeySetting } from './key-form.tsx';

interface NumberField {
  readonly name: Exclude<keyof Sampling, 'stop'>;
  readonly label: string;
  readonly help: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Where the slider stands while the field is empty; without it there is no slider. */
  readonly rest?: number;
}

const large = Number.MAX_SAFE_INTEGER;
const fields: readonly NumberField[] = [
  {
    name: 'temperature',
    label: 'Temperature',
    help: 'Higher is bolder; 0 always takes the likeliest word.',
    ...{ min: 0, max: 2, step: 0.05, rest: 1 },
  },
  {
    name: 'topP',
    label: 'Top p',
    help: 'Draws from the likeliest words that together reach this share.',
    ...{ min: 0, max: 1, step: 0.01, rest: 1 },
  },
  {
    name: 'minP',
    label: 'Min p',
    help: 'Drops words less likely than this share of the likeliest.',
    ...{ min: 0, max: 1, step: 0.01, rest: 0 },
  },
  {
    name: 'topK',
    label: 'Top k',
    help: 'Draws from this many words; 0 from all.',
    ...{ min: 0, max: 2 ** 31 - 1, step: 1 },
  },
  {
    name: 'maxTokens',
    label: 'Longest answer',
    help: 'In tokens.',
    ...{ min: 1, max: 2 ** 31 - 1, step: 1 },
  },
  {
    name: 'seed',
    label: 'Seed',
    help: 'The same seed gives the same answer.',
    ...{ min: -large, max: large, step: 1 },
  },
];

/** The panel; it does not block the page behind it. */
export function SettingsPanel(): JSX.Element {
  const { panels, preferences } = useApp();
  const [settings, change] = useSettings();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { sampling } = settings;
  const set = (changes: { [K in keyof Sampling]: Sampling[K] | undefined }): void => {
    const entries = Object.entries({ ...sampling, ...changes });
    const given = entries.filter(([, value]) => value !== undefined);
    change({ ...settings, sampling: Object.fromEntries(given) as Sampling });
  };
  return (
    <aside class="settings" aria-labelledby="settings-title">
      <div class="settings-head">
        <h2 id="settings-title" tabIndex={-1} ref={heading}>
          Settings
        </h2>
        <IconButton
          icon="close"
          label="Close the settings"
          onClick={() => {
            panels.settings.value = false;
          }}
        />
      </div>
      <Field id="system" label="System prompt" help="What the model is told before anything else.">
        <textarea
          id="system"
          rows={4}
          value={settings.system}
          placeholder="You are a helpful assistant."
          aria-describedby="system-help"
          onInput={(event) => change({ ...settings, system: event.currentTarget.value })}
        />
      </Field>
      {fields.map((field) => (
        <NumberRow
          key={field.name}
          field={field}
          value={sampling[field.name]}
          onChange={(value) => set({ [field.name]: value })}
        />
      ))}
      <Field id="stop" label="Stop at" help="One text per line; the answer ends before it.">
        <textarea
          id="stop"
          rows={2}
          value={(sampling.stop ?? []).join('\n')}
          aria-describedby="stop-help"
          onInput={(event) => {
            const lines = event.currentTarget.value.split('\n').filter((line) => line !== '');
            set({ stop: lines.length === 0 ? undefined : lines });
          }}
        />
      </Field>
      <label class="switch">
        <input
          type="checkbox"
          checked={preferences.probabilities.value}
          onChange={(event) => {
            preferences.probabilities.value = event.currentTarget.checked;
          }}
        />
        <span>
          Probabilities of words
          <small>Point at a word of an answer to see what else it might have been.</small>
        </span>
      </label>
      <button type="button" class="button" onClick={() => change({ ...settings, sampling: {} })}>
        Leave all to the server
      </button>
      <KeySetting />
    </aside>
  );
}

function Field({
  id,
  label,
  help,
  children,
}: {
  readonly id: string;
  readonly label: string;
  readonly help: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      <small id={`${id}-help`}>{help}</small>
    </div>
  );
}

function NumberRow({
  field,
  value,
  onChange,
}: {
  readonly field: NumberField;
  readonly value: number | undefined;
  readonly onChange: (value: number | undefined) => void;
}): JSX.Element {
  const { name, label, help, min, max, step, rest } = field;
  const read = (input: HTMLInputElement): void => {
    if (input.value === '') onChange(undefined);
    else if (input.validity.valid) onChange(input.valueAsNumber);
  };
  const range = { min, max, step };
  return (
    <div class="field number" data-set={value !== undefined}>
      <label for={name}>{label}</label>
      <input
        id={name}
        type="number"
        {...range}
        value={value ?? ''}
        placeholder="default"
        aria-describedby={`${name}-help`}
        onInput={(event) => read(event.currentTarget)}
      />
      {rest !== undefined && (
        <input
          type="range"
          {...range}
          value={value ?? rest}
          aria-label={label}
          onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
        />
      )}
      <small id={`${name}-help`}>{help}</small>
    </div>
  );
}
