// Which files of a repository make one model that Corral can open. Pure: a listing in, a choice out.
import { createHash } from 'node:crypto';
import { errors } from '../base/errors.ts';
import type { RepositoryFile } from './hub.ts';

/** The files to fetch; `selector` is what tells this choice from others of the same repository. */
export interface FileChoice {
  readonly files: readonly RepositoryFile[];
  readonly selector: string | undefined;
}

const companions =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|params|chat_template)\.json$|^tokenizer\.(model|bin)$|^chat_template\.jinja$|^model\.safetensors\.index\.json$/;
const torchWeights = /^pytorch_model(-\d{5}-of-\d{5})?\.bin$|^pytorch_model\.bin\.index\.json$/;
const legal = /^(licen[cs]e|notice|use_policy)([._-].*)?$/i;
const splitSuffix = /-(\d{5})-of-(\d{5})(?=\.gguf$)/;

/** Is this a licence or a notice that should travel with the weights? */
export function isLegalFile(path: string): boolean {
  return legal.test(path);
}

/**
 * Chooses the files of one model.
 * @example chooseFiles(listing, { repo: 'owner/name', selector: 'Q4_K_M', include: [] })
 */
export function chooseFiles(
  listing: readonly RepositoryFile[],
  request: {
    readonly repo: string;
    readonly selector: string | undefined;
    readonly include: readonly string[];
  },
): FileChoice {
  if (request.include.length > 0) return chooseByPatterns(listing, request);
  if (request.selector !== undefined)
    return chooseSelected(listing, request.repo, request.selector);
  const root = listing.filter((file) => !file.path.includes('/'));
  const texts = root.filter((file) => companions.test(file.path) || isLegalFile(file.path));
  const weights = chooseSafetensors(root);
  if (weights.length > 0) return { files: [...texts, ...weights], selector: undefined };
  const models = groupGgufs(listing);
  if (models.size > 0) return chooseGguf(models, root, request.repo);
  const meta = root.filter((file) => /^consolidated\.\d{2}\.pth$/.test(file.path));
  if (meta.length > 0 && root.some((file) => file.path === 'params.json')) {
    return { files: [...texts, ...meta], selector: undefined };
  }
  const torch = root.filter((file) => torchWeights.test(file.path));
  if (torch.length > 0 && root.some((file) => file.path === 'config.json')) {
    return { files: [...texts, ...torch], selector: undefined };
  }
  const others = listing.filter((file) => /\.(bin|pt|pth)$/.test(file.path)).map((f) => f.path);
  throw errors.PULL_CHOICE_NEEDED({
    repo: request.repo,
    found: 'no safetensors and no GGUF',
    allowed: listNames(others),
    example:
      others.find((path) => !path.startsWith('pytorch_model') && !path.startsWith('tokenizer')) ??
      '',
  });
}

/** One set of weights when the same lies there several times: the sharded or the single model file. */
function chooseSafetensors(root: readonly RepositoryFile[]): readonly RepositoryFile[] {
  const shards = root.filter((file) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(file.path));
  if (shards.length > 0) return shards;
  const single = root.filter((file) => file.path === 'model.safetensors');
  if (single.length > 0) return single;
  return root.filter(
    (file) => file.path.endsWith('.safetensors') && !file.path.startsWith('adapter_'),
  );
}

/** GGUF models by path without the split suffix; the files of a split one together, in order. */
function groupGgufs(listing: readonly RepositoryFile[]): Map<string, RepositoryFile[]> {
  const groups = new Map<string, RepositoryFile[]>();
  const sorted = listing.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  for (const file of sorted) {
    if (!file.path.endsWith('.gguf') || /(^|\/)mmproj/i.test(file.path)) continue;
    const key = file.path.replace(splitSuffix, '');
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return groups;
}

function chooseGguf(
  models: ReadonlyMap<string, readonly RepositoryFile[]>,
  root: readonly RepositoryFile[],
  repo: string,
): FileChoice {
  const texts = root.filter((file) => isLegalFile(file.path));
  const [only] = models.values();
  if (models.size === 1 && only !== undefined) {
    return { files: [...texts, ...only], selector: undefined };
  }
  // The size and quality most people want, and what other tools take too when nothing is said.
  const usual = [...models].filter(([path]) => hasQuant(path, 'Q4_K_M'));
  const [first] = usual;
  if (usual.length === 1 && first !== undefined) {
    return { files: [...texts, ...first[1]], selector: 'Q4_K_M' };
  }
  throw errors.PULL_CHOICE_NEEDED({
    repo,
    found: `${models.size} GGUF models, and none was named`,
    allowed: listNames([...models.keys()]),
    example: [...models.keys()][0] ?? '',
  });
}

function chooseSelected(
  listing: readonly RepositoryFile[],
  repo: string,
  selector: string,
): FileChoice {
  const root = listing.filter((file) => !file.path.includes('/'));
  const texts = root.filter((file) => isLegalFile(file.path));
  const models = groupGgufs(listing);
  const exact = [...models].filter(
    ([key, files]) =>
      key === selector || key === `${selector}.gguf` || files.some((f) => f.path === selector),
  );
  const chosen =
    exact.length > 0 ? exact : [...models].filter(([path]) => hasQuant(path, selector));
  const [first] = chosen;
  if (chosen.length === 1 && first !== undefined) {
    return { files: [...texts, ...first[1]], selector };
  }
  const file = listing.find((candidate) => candidate.path === selector);
  if (file !== undefined) {
    const beside = root.filter((f) => companions.test(f.path) && f.path !== file.path);
    return { files: [...texts, ...beside, file], selector };
  }
  const names = chosen.length > 1 ? chosen.map(([path]) => path) : namesIn(listing, models);
  throw errors.PULL_CHOICE_NEEDED({
    repo,
    found: chosen.length > 1 ? `${chosen.length} models that match ${selector}` : `no ${selector}`,
    allowed: listNames(names),
    example: names[0] ?? '',
  });
}

function namesIn(
  listing: readonly RepositoryFile[],
  models: ReadonlyMap<string, unknown>,
): readonly string[] {
  if (models.size > 0) return [...models.keys()];
  return listing
    .filter((file) => /\.(safetensors|bin|pt|pth)$/.test(file.path))
    .map((file) => file.path);
}

/** Does a file or folder name in the path carry this quantisation, as a whole word? */
function hasQuant(path: string, quant: string): boolean {
  const word = quant.replace(/[^A-Za-z0-9_]/g, '\\$&');
  return new RegExp(`(^|[-./ ])${word}($|[-./ ])`, 'i').test(path);
}

function chooseByPatterns(
  listing: readonly RepositoryFile[],
  request: { readonly repo: string; readonly include: readonly string[] },
): FileChoice {
  const patterns = request.include.map(globPattern);
  const files = listing.filter((file) => patterns.some((pattern) => pattern.test(file.path)));
  if (files.length === 0) {
    throw errors.PULL_CHOICE_NEEDED({
      repo: request.repo,
      found: `no file that matches ${request.include.join(', ')}`,
      allowed: listNames(listing.map((file) => file.path)),
      example: '',
    });
  }
  // A name of its own: another choice of files must not take the place of the whole model.
  const digest = createHash('sha256').update(request.include.join('\n')).digest('hex');
  return { files, selector: `include-${digest.slice(0, 8)}` };
}

function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`);
}

function listNames(names: readonly string[]): string {
  if (names.length === 0) return 'nothing Corral can open';
  const shown = names.slice(0, 24).join(', ');
  return names.length > 24 ? `${shown} and ${names.length - 24} more` : shown;
}
