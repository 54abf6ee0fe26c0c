// The value of `!function NAME` in a task file: the name of a hook in TypeScript (hooks/table.ts).

/** A hook's name, such as `hellaswag.process_docs`. */
export class FunctionName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** How it stands in the file, and in the results. */
  toJSON(): string {
    return `!function ${this.name}`;
  }
}
