// The command line in a process of its own, from its sources: for tests that kill it. usage: node test/corral-child.ts ARGS
import { main } from '../src/cli/main.ts';

process.exit(await main());
