// Opens damaged files of every format and prints what came of it.
// usage: node scripts/fuzz.ts [COUNT] [SEED]
import { fuzzFormats } from '../test/fuzz.ts';

const [count = '20000', seed = '1'] = process.argv.slice(2);
const startAt = performance.now();
const report = await fuzzFormats(Number(count), Number(seed));
const seconds = (performance.now() - startAt) / 1000;
console.log(`${report.cases} damaged files in ${seconds.toFixed(1)} s: ${report.opened} opened`);
for (const [code, times] of Object.entries(report.codes).sort(([, a], [, b]) => b - a)) {
  console.log(`  ${String(times).padStart(6)}  ${code}`);
}
console.log(`slowest ${report.slowest.ms.toFixed(0)} ms (${report.slowest.name})`);
const growth = (report.largestGrowth.bytes / 2 ** 20).toFixed(1);
console.log(`largest growth beyond 4 x the file ${growth} MiB (${report.largestGrowth.name})`);
for (const { name, reason } of report.failures) console.log(`FAILED ${name}: ${reason}`);
process.exitCode = report.failures.length > 0 ? 1 : 0;
