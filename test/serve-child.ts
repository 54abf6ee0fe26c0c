// Runs `corral serve MODEL` in this process, asks it once, ends it by a signal, and prints what happened
// with every address that anything here connected to. usage: node test/serve-child.ts MODEL STORE
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { lazyLibrary } from '../src/cli/library.ts';
import { runCorral, whenListening } from './command-line.ts';

const [model = '', store = ''] = process.argv.slice(2);
const addresses = new Set<string>();
subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket };
  socket.on('lookup', (_error, address) => addresses.add(address));
  socket.on('connect', () => addresses.add(socket.remoteAddress ?? ''));
});

let interrupt = (): void => {};
let reply = '';
const ask = async (url: string): Promise<void> => {
  const body = { model: 'tiny', prompt: 'the cat', max_tokens: 3, temperature: 0 };
  const answer = await fetch(`${url}/completions`, { method: 'POST', body: JSON.stringify(body) });
  reply = await answer.text();
  interrupt();
};
const { status, stderr } = await runCorral(['serve', model, '--port', '0', '--threads', '1'], {
  env: { CORRAL_HOME: store },
  library: {
    loadForServing: lazyLibrary.loadForServing,
    openCheckpoint: lazyLibrary.openCheckpoint,
  },
  onStart: (callback) => {
    interrupt = callback;
  },
  onOutput: whenListening((url) => void ask(url)),
});
process.stdout.write(JSON.stringify({ status, stderr, reply, addresses: [...addresses] }));
process.exit();
