// The command line from the sources, as bin/corral.js starts it from dist/.
import { main } from '../../src/cli/main.ts';

process.exit(await main());
