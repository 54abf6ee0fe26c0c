// The page's few drawings, as elements: nothing is fetched, and they take the colour of the text around them.
import type { ButtonHTMLAttributes, ComponentChildren, JSX } from 'preact';

const paths = {
  plus: 'M12 5v14M5 12h14',
  send: 'M12 19V6M6 12l6-6 6 6',
  stop: 'M8 8h8v8H8z',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  edit: 'M5 19l1-4L16 5l3 3L9 18zM14 7l3 3',
  again: 'M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4',
  forward: 'M5 12h13M13 7l5 5-5 5',
  words: 'M4 7h9M4 12h5M13 12h7M4 17h12',
  sliders: 'M4 8h9M17 8h3M15 6v4M4 16h3M11 16h9M9 14v4',
  menu: 'M4 7h16M4 12h16M4 17h16',
  more: 'M5.5 12h1M11.5 12h1M17.5 12h1',
  close: 'M6 6l12 12M18 6L6 18',
  left: 'M14 6l-6 6 6 6',
  right: 'M10 6l6 6-6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  pulse: 'M3 12h4l3-7 4 14 3-7h4',
  keyboard: 'M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1 1M17.4 17.4l1 1M18.4 5.6l-1 1M6.6 17.4l-1 1',
  moon: 'M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z',
  system: 'M4 5h16v11H4zM9 20h6M12 16v4',
  alert: 'M12 4l9 16H3zM12 10v4M12 17h.01',
} as const;

/** Name of a drawing. */
export type IconName = keyof typeof paths;

/** A drawing; whoever uses it names what it does. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

/** Corral's mark: a llama looking over its fence. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path
        class="llama"
        d="M11.2 3.2c1.3.5 1.9 1.7 2.1 3 .9-.3 1.9-.3 2.8 0 .2-1.3.800-2.5 2.1-3 .6 1.5.500 3.1-.2 4.5 1 .9 2.3 1.6 3.6 2.1 1.5.600 1.4 3.5-.3 3.9-1.2.3-2.4.2-3.3.2V21h-7.500c.3-4.5-.5-9.5.9-13.3-.7-1.4-.8-3-.2-4.500z"
      />
      <circle class="eye" cx="16.6" cy="9.6" r="1" />
      <path class="fence" d="M2 22h28M2 27h28M6 18v12M26 18v12M16 21v9" />
    </svg>
  );
}

/** A button that is only a drawing: its label is read and shown as a tip. */
export function IconButton({
  icon,
  label,
  children,
  ...rest
}: {
  readonly icon: IconName;
  readonly label: string;
  readonly children?: ComponentChildren;
} & Omit<ButtonHTMLAttributes, 'icon' | 'label'>): JSX.Element {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
      {children}
    </button>
  );
}
