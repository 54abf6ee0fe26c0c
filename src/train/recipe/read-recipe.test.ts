import { describe, expect, it } from 'vitest';
import { readRecipe } from './read-recipe.ts';

const recipe = `# a new model
output: runs/tiny
steps: 100
model:
  dim: 64
  layers: 2
  heads: 4
optimizer: {learningRate: 1e-3}
data: {train: text.txt, tokenizer: text.model}
`;

function problemOf(text: string, overrides: readonly string[] = []): string {
  try {
    readRecipe(text, 'tiny.yaml', overrides);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

describe('readRecipe', () => {
  it('fills in the defaults of fields and of whole sections', () => {
    const found = readRecipe(recipe, 'tiny.yaml');
    expect(found.optimizer).toMatchObject({ learningRate: 0.001, beta1: 0.9, states: 'f32' });
    expect(found.method).toMatchObject({ kind: 'full', rank: 8, targets: 'all' });
    expect(found).toMatchObject({ seed: 1, clip: 1, recompute: false });
  });

  it.each([
    [
      'the line and column of a wrong value',
      recipe.replace('heads: 4', 'heads: four'),
      'tiny.yaml:7:3: model.heads is "four"; allowed: a number.',
    ],
    [
      'what a number may be at most',
      recipe.replace('layers: 2', 'layers: 2000'),
      'tiny.yaml:6:3: model.layers is 2000; allowed: at most 1024.',
    ],
    [
      'all words a field may take',
      `${recipe}schedule:\n  kind: sine\n`,
      'tiny.yaml:11:3: schedule.kind is "sine"; allowed: cosine, linear, constant.',
    ],
    [
      'a field inside braces',
      recipe.replace('1e-3', '-1'),
      'tiny.yaml:8:13: optimizer.learningRate is -1; allowed: more than 0.',
    ],
    [
      'a list that is neither all nor names',
      `${recipe}method:\n  targets: [q_prj]\n`,
      'tiny.yaml:11:3: method.targets is ["q_prj"]; allowed: all, or a list of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj.',
    ],
    [
      'a field that is missing, at its section',
      recipe.replace('  layers: 2\n', ''),
      'tiny.yaml:4:1: model.layers is not there; allowed: a whole number, or `base` with a model to start from.',
    ],
    [
      'fields that do not go together',
      recipe.replace('heads: 4', 'heads: 5'),
      'tiny.yaml:7:3: model.heads is 5; allowed: a divisor of dim (64), or a `headDim`.',
    ],
    [
      'two ways to say how long',
      `${recipe}epochs: 2\n`,
      'tiny.yaml:10:1: epochs is 2; allowed: nothing, beside `steps`.',
    ],
  ])('tells %s', (_, text, message) => {
    expect(problemOf(text)).toBe(message);
  });

  it('refuses unknown fields with the nearest name and all that there are', () => {
    expect(problemOf(recipe.replace('learningRate', 'learninRate'))).toBe(
      'tiny.yaml:8:13: there is no field optimizer.learninRate. Did you mean learningRate? Allowed: learningRate, beta1, beta2, eps, decay, decayEmbedding, decayVectors, states.',
    );
    expect(problemOf(`${recipe}sed: 3\n`)).toMatch(
      /^tiny.yaml:10:1: there is no field sed. Did you mean seed\?/,
    );
  });

  it('knows the fields of sources, which may be a path, a source or a list of them', () => {
    expect(readRecipe(recipe, 'tiny.yaml').data.train).toMatchObject([{ path: 'text.txt' }]);
    const list = recipe.replace('text.txt', '[a.txt, {path: b.jsonl, repeats: 2}]');
    expect(problemOf(list)).toMatch(
      /^tiny.yaml:9:39: there is no field data.train.1.repeats. Did you mean repeat\? Allowed: path, format,/,
    );
  });

  it('tells where text that is no YAML goes wrong', () => {
    expect(problemOf('output: x\nmodel: [1\nsteps: 2')).toMatch(
      /^tiny.yaml:[23]:\d+: the text is /,
    );
    expect(problemOf('')).toMatch(/^tiny.yaml:1:1: output is not there/);
    expect(problemOf('just words')).toMatch(
      /^tiny.yaml:1:1: the recipe is "just words"; allowed: an object/,
    );
  });

  it('takes changes from the command line, and points at those that are wrong', () => {
    const found = readRecipe(recipe, 'tiny.yaml', [
      'steps=7',
      'schedule.kind=linear',
      'model.dim=32',
    ]);
    expect(found.steps).toBe(7);
    expect(found.schedule.kind).toBe('linear');
    expect(found.model.dim).toBe(32);
    expect(problemOf(recipe, ['model.heads=none'])).toBe(
      '--set model.heads=none: model.heads is "none"; allowed: a number.',
    );
    expect(problemOf(recipe, ['model.hats=1'])).toMatch(
      /^--set model.hats=1: there is no field model.hats/,
    );
    expect(problemOf(recipe, ['steps'])).toMatch(
      /^--set is "steps"; allowed: a field and its value/,
    );
  });

  it('is not fooled by keys that every object has', () => {
    expect(problemOf(`${recipe}__proto__: {seed: 3}\n`)).toMatch(
      /there is no field __proto__|none/,
    );
    expect(({} as { seed?: number }).seed).toBeUndefined();
    expect(problemOf(recipe, ['__proto__.seed=3'])).not.toBe('none');
    expect(({} as { seed?: number }).seed).toBeUndefined();
  });
});
