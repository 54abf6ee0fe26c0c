// How long work tells how far it is. The command line draws it; the library only calls it.

/** `done` of `total`, in `unit`; `total` stays the same during one piece of work. */
export interface Progress {
  readonly task: string;
  readonly done: number;
  readonly total: number;
  readonly unit: 'bytes' | 'tokens' | 'tensors' | 'programs' | 'requests' | 'rounds';
}

/** Called at each step of long work. */
export type OnProgress = (progress: Progress) => void;
