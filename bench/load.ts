// The server under load, beside llama.cpp: starts `corral serve`, drives it over HTTP with 1, 8 and 32 streams,
// with long prompts coming in between, then measures what the prefix cache saves, then 8 streams in turn with
// llama.cpp. usage: npm --prefix bench run load -- MODEL.gguf [--seconds 60] [--rounds 2] [--prompt-every 30]
// [--threads 2] [--preambles 3] [--skip-llama-cpp] [--json]
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheBytesPerToken, pageSize } from '../src/engine/cache.ts';
import { openCheckpoint } from '../src/formats/index.ts';
import { MemoryWatch } from './load/memory.ts';
import { measurePrefix } from './load/prefix.ts';
import { formatReport, type LoadReport, type MeasuredStage } from './load/report.ts';
import { startServe } from './load/serve-target.ts';
import { lengths, runStage, type StageResult } from './load/stage.ts';
import type { Target } from './load/target.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '2' },
    'prompt-every': { type: 'string', default: '30' },
    threads: { type: 'string', default: '2' },
    preambles: { type: 'string', default: '3' },
    'skip-llama-cpp': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [model] = positionals;
if (model === undefined) throw new Error('usage: npm --prefix bench run load -- MODEL.gguf');
const path = resolve(process.env['INIT_CWD'] ?? '.', model);
const seconds = Number(values.seconds);
const threads = Number(values.threads);
const promptEverySeconds = Number(values['prompt-every']);
const compared = 8;

const checkpoint = await openCheckpoint(path);
const { config } = checkpoint;
await checkpoint.close();
const { vocab } = config;
const say = (text: string): void => {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
};

const loadBefore = loadavg()[0] ?? 0;
const server = await startServe(path, threads);
// Loads the model, and touches every weight.
await runStage(server, { streams: 1, seconds: 1, vocab });
const buffers = 2 * config.layers;
const pageBytes = (pageSize * cacheBytesPerToken(config, 'f16')) / buffers;
const memory = new MemoryWatch(server, { buffers, pageBytes });
const stages: MeasuredStage[] = [];
for (const stage of [
  { streams: 1 },
  { streams: compared },
  { streams: 32 },
  { streams: compared, promptEverySeconds },
]) {
  const result = await runStage(server, { ...stage, seconds, vocab });
  stages.push({ ...result, memory: await memory.look() });
  say(`${stage.streams} streams: ${result.tokensPerSecond.toFixed(1)} tokens/s`);
}
const prefix = await measurePrefix(server, { preambles: Number(values.preambles), vocab });
say(`prefix: ${prefix.firstMs.toFixed(0)} ms, then ${prefix.secondMs.toFixed(0)} ms`);

const rounds: { corral: StageResult; llamaCpp: StageResult }[] = [];
if (!values['skip-llama-cpp']) {
  const { openLlamaCpp } = await import('./load/llama-cpp-target.ts');
  const rival = await openLlamaCpp(path, {
    sequences: compared + 1,
    tokens: lengths.longPrompt + lengths.longAnswer + 8,
    threads,
  });
  const short = { streams: compared, seconds: seconds / 2, vocab };
  const measure = async (target: Target): Promise<StageResult> => {
    const result = await runStage(target, short);
    say(`${target.name}: ${result.tokensPerSecond.toFixed(1)} tokens/s`);
    return result;
  };
  for (let round = 0; round < Number(values.rounds); round++) {
    const corral = await measure(server);
    rounds.push({ corral, llamaCpp: await measure(rival) });
  }
  await rival.close();
}
const { samples, restPerMinute } = await memory.end();
await server.close();

const report: LoadReport = {
  date: new Date().toISOString(),
  cpu: `${cpus()[0]?.model.trim()}, ${cpus().length} cores`,
  threads,
  loadBefore,
  command: ['npm --prefix bench run load --', ...process.argv.slice(2)].join(' '),
  seconds,
  stages,
  prefix,
  rounds,
  memory: { samples, restPerMinute },
};
console.log(values.json ? JSON.stringify(report) : formatReport(report));
const failed = [...stages, ...rounds.flatMap((each) => [each.corral, each.llamaCpp])];
process.exit(failed.some(({ failures }) => failures.length > 0) ? 1 : 0);
