// What library code says while it works goes through one of these; nothing prints by itself.

/** Receives what is worth telling: `warn` for what the user should know, `debug` for us. */
export interface Logger {
  warn(message: string): void;
  debug(message: string): void;
}

/** Says nothing. The default everywhere. */
export const silentLogger: Logger = { warn: () => {}, debug: () => {} };
