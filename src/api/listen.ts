// An API on a socket: time limits against clients that send slowly or never end, errors in our shape for
// what is no HTTP, and an orderly end: answers under way are finished, then the socket is closed.
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { errors } from '../base/errors.ts';
import type { Api } from './create-api.ts';

/** Where and how to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** A request's headers must be there after so long. Default 10 s. */
  readonly headersTimeoutMs?: number;
  /** A request must be there as a whole after so long. Default 60 s. */
  readonly bodyTimeoutMs?: number;
  /** Connections at one time; more are refused. Default 1024. */
  readonly maxConnections?: number;
}

/** A server that listens. */
export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Refuses what is new, and resolves when all answers under way have ended. */
  drain(): Promise<void>;
  /** Ends everything now. */
  close(): Promise<void>;
}

// Of all headers together; clients send well under one.
const maxHeaderBytes = 16 * 1024;

/** Binds the API. Rejects with ADDRESS_UNAVAILABLE. */
export async function listen(api: Api, options: ListenOptions): Promise<Listening> {
  const { host, port, maxConnections = 1024 } = options;
  const bodyTimeoutMs = options.bodyTimeoutMs ?? 60_000;
  const headersTimeoutMs = Math.min(options.headersTimeoutMs ?? 10_000, bodyTimeoutMs);
  const server = createAdaptorServer({
    fetch: api.app.fetch,
    overrideGlobalObjects: false,
    createServer,
    serverOptions: {
      headersTimeout: headersTimeoutMs,
      requestTimeout: bodyTimeoutMs,
      connectionsCheckingInterval: Math.max(50, Math.min(headersTimeoutMs, 2_000) / 2),
      keepAliveTimeout: 5_000,
      maxHeaderSize: maxHeaderBytes,
    },
  }) as Server;
  server.maxConnections = maxConnections;
  server.on('clientError', refuse);
  const underWay = countRequests(server);
  await bind(server, host, port);
  const bound = (server.address() as AddressInfo).port;
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  const end = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    drain: async () => {
      api.drain();
      await underWay.none();
      await api.settled();
      end();
      await closed;
    },
    close: async () => {
      api.drain();
      api.stop();
      end();
      await closed;
      await api.settled();
    },
  };
}

/** Knows when no request is being answered. */
function countRequests(server: Server): { none(): Promise<void> } {
  let count = 0;
  let idle = Promise.withResolvers<void>();
  server.on('request', (_request, response) => {
    count++;
    response.once('close', () => {
      if (--count > 0) return;
      idle.resolve();
      idle = Promise.withResolvers();
    });
  });
  return {
    none: async () => {
      if (count > 0) await idle.promise;
    },
  };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const address = `${host}:${port}`;
      const reason = cause.code ?? cause.message;
      reject(errors.ADDRESS_UNAVAILABLE({ address, reason }, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

const refusals: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

// What never became a request gets an answer, too, before the line is cut.
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = refusals[error.code ?? ''] ?? '400 Bad Request';
  const message = `This is not a request the server can read (${status}).`;
  const body = JSON.stringify({
    error: { message, type: 'invalid_request_error', param: null, code: 'invalid_request' },
  });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
