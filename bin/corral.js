#!/usr/bin/env node
// Starts the command line. Written so that any Node of the last years can read it: it first checks
// that this one is new enough and that Corral has been built.
const found = process.versions.node;
if (Number(found.split('.')[0]) < 24) {
  process.stderr.write(
    `corral: this is Node ${found}; Corral needs Node 24 or newer.\nhint: get it from https://nodejs.org, or with \`npm install --global node@24\`; in a clone, \`npx corral\` uses the pinned one.\n`,
  );
  process.exit(1);
}

function fail(error) {
  const absent = error instanceof Error && error.code === 'ERR_MODULE_NOT_FOUND';
  const text = absent
    ? `corral: ${error.message}\nhint: in a clone, run \`npm ci\`; elsewhere, install Corral again.\n`
    : `corral: ${error instanceof Error ? error.stack : error}\n`;
  process.stderr.write(text);
  process.exit(1);
}

import('../dist/cli/main.js')
  .then((cli) => cli.main())
  .then((status) => process.exit(status), fail);
