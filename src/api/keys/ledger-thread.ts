// The thread that writes for a ledger: whatever the disk takes, the server's event loop does not wait for it.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../base/message-of.ts';
import { listKeys } from './key-store.ts';
import type { LedgerReply, LedgerRequest, LedgerTask } from './ledger-protocol.ts';
import { openServerDatabase } from './server-database.ts';
import { readUsage, writeUsage } from './usage-store.ts';

// After so long a key that was made or revoked by another process is noticed.
const lookEveryMs = 1000;

const database = openServerDatabase(workerData as string);
// A commit is on the disk when it is reported: rows outlive a power cut, too, and here nobody waits for it but the answer's end.
database.exec('PRAGMA synchronous = FULL');
const version = database.prepare('PRAGMA data_version');
// The first look tells the keys in any case: some may have been made since the ledger read them.
let seen: unknown;

// Changes whenever another connection has committed.
function readVersion(): unknown {
  return version.get()?.['data_version'];
}

function tell(reply: LedgerReply): void {
  parentPort?.postMessage(reply);
}

function look(): void {
  const now = readVersion();
  if (now === seen) return;
  seen = now;
  tell({ type: 'keys', keys: listKeys(database) });
}

const timer = setInterval(() => {
  try {
    look();
  } catch {
    // The next look, or the next write, will say what is wrong.
  }
}, lookEveryMs);

function obey(id: number, task: LedgerTask): LedgerReply {
  switch (task.type) {
    case 'write':
      writeUsage(database, task.rows);
      return { type: 'done', id };
    case 'usage':
      return { type: 'done', id, usage: readUsage(database, task.query) };
    case 'look':
      look();
      return { type: 'done', id };
    case 'close':
      clearInterval(timer);
      database.close();
      return { type: 'done', id };
  }
}

parentPort?.on('message', ({ id, task }: LedgerRequest) => {
  try {
    tell(obey(id, task));
    if (task.type === 'close') parentPort?.close();
  } catch (error) {
    tell({ type: 'failed', id, reason: messageOf(error) });
  }
});
