// The limits of a server, with their defaults.

/** What requests may take. */
export interface ApiSettings {
  /** Largest body of a request. Default 8 MiB. */
  readonly maxBodyBytes: number;
  /** Longest time for one answer; what was said by then is sent, as at a token limit. Default 1 hour. */
  readonly answerTimeoutMs: number;
  /** Bytes of a stream that may wait for a client; one that reads slower is cut off. Default 1 MiB. */
  readonly maxUnreadBytes: number;
  /** A client that takes nothing of what waits for so long is cut off. Default 60 s. */
  readonly unreadTimeoutMs: number;
  /** A comment goes into a stream after so long without a token, for proxies that cut quiet lines. Default 15 s. */
  readonly heartbeatMs: number;
  /** Origins that pages may call from (CORS). Default none. */
  readonly origins: readonly string[];
}

/** The defaults. */
export const defaultSettings: ApiSettings = {
  maxBodyBytes: 8 * 2 ** 20,
  answerTimeoutMs: 3_600_000,
  maxUnreadBytes: 2 ** 20,
  unreadTimeoutMs: 60_000,
  heartbeatMs: 15_000,
  origins: [],
};
