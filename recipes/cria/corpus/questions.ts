// Questions about a story, with answers that follow from it: about its events, its feelings, the look and
// kind of its things and people, and about what the story does not say.
import type { Dice } from './dice.ts';
import { Discourse } from './discourse.ts';
import { type Referent, withArticle } from './entities.ts';
import { allNames } from './names.ts';
import { questionTable } from './question-table.ts';
import type { Split } from './splits.ts';
import type { Story } from './story.ts';
import type { Event } from './world.ts';

/** A question with every answer that is right; the first is the one to learn. */
export interface Question {
  readonly kind: 'event' | 'yes-no' | 'feeling' | 'look' | 'unsaid';
  readonly ask: string;
  readonly answers: readonly string[];
}

/** What is answered when the story does not tell. */
export const unsaid = 'The story does not say.';

type Slots = Readonly<Record<string, Referent | undefined>>;

/** All questions that have one answer, in random order. */
export function askAbout(story: Story, dice: Dice, split: Split = 'training'): Question[] {
  const plain = new Discourse(dice, { plain: true });
  const say = (pattern: string, slots: Slots): string => capitalise(plain.render(pattern, slots));
  const asked = new Map<string, Question | 'ambiguous'>();
  const add = (question: Question): void => {
    const known = asked.get(question.ask);
    if (known === undefined) asked.set(question.ask, question);
    else if (known !== 'ambiguous' && known.answers[0] !== question.answers[0]) {
      asked.set(question.ask, 'ambiguous');
    }
  };
  for (const event of story.events) {
    for (const row of questionTable[event.kind] ?? []) {
      const answers = row.say.map((pattern) => say(pattern, event.roles));
      // every phrasing is added, so that two events that could be meant cancel each other out
      for (const ask of row.ask) {
        add({ kind: 'event', ask: say(ask, event.roles), answers });
      }
      if (row.check !== undefined) add(yesOrNo(row.check, event, story, dice, say));
    }
    if (event.kind === 'feel') for (const one of askFeeling(event, say)) add(one);
  }
  for (const one of askLooks(story, say)) add(one);
  for (const one of askUnsaid(story, dice, { say, split })) add(one);
  const clear = [...asked.values()].filter((one) => one !== 'ambiguous');
  return dice.shuffle(clear);
}

/**
 * A mixture: of each kind as often as it should be asked, at most one phrasing of one thing.
 * Returns fewer than `count` when the story has no more.
 */
export function chooseQuestions(
  questions: readonly Question[],
  dice: Dice,
  count: number,
): Question[] {
  const chosen: Question[] = [];
  const left = [...questions];
  while (chosen.length < count && left.length > 0) {
    const kinds = (
      [
        ['event', 10],
        ['yes-no', 2.5],
        ['feeling', 3],
        ['look', 3],
        ['unsaid', 1.8],
      ] as const
    ).filter(([kind]) => left.some((one) => one.kind === kind));
    const kind = dice.weighted(kinds);
    const at = left.findIndex((one) => one.kind === kind);
    const [one] = left.splice(at, 1) as [Question];
    if (!chosen.some((other) => sameFact(other, one))) chosen.push(one);
  }
  return chosen;
}

const sameFact = (one: Question, other: Question): boolean =>
  one.kind === other.kind &&
  [...one.answers].sort().join() === [...other.answers].sort().join() &&
  one.kind !== 'yes-no' &&
  one.kind !== 'unsaid';

function yesOrNo(
  check: string,
  event: Event,
  story: Story,
  dice: Dice,
  say: (pattern: string, slots: Slots) => string,
): Question {
  const { roles } = event;
  const ask = (slots: Slots): string => toYesNo(say(check, slots));
  const others = story.world.cast.filter((one) => one !== roles.A && one !== roles.B);
  const things = story.things.filter((one) => one !== roles.T && one !== roles.U);
  const draw = dice.next();
  if (check.includes('{P')) {
    const elsewhere = story.events.flatMap(({ roles: { P } }) =>
      P === undefined || P === roles.P ? [] : [P],
    );
    if (draw < 0.5 && elsewhere.length > 0) {
      const answers = ['No.', `No, ${say(check, roles)}.`];
      return { kind: 'yes-no', ask: ask({ ...roles, P: dice.pick(elsewhere) }), answers };
    }
  } else if (draw < 0.35 && others.length > 0) {
    const subject = check.startsWith('{B}') ? 'B' : 'A';
    const answers = ['No.', `No, ${say(check, roles)}.`, `No, ${say(`{${subject}} did`, roles)}.`];
    return { kind: 'yes-no', ask: ask({ ...roles, [subject]: dice.pick(others) }), answers };
  } else if (draw < 0.5 && check.includes('{T}') && things.length > 0) {
    const answers = ['No.', `No, ${say(check, roles)}.`];
    return { kind: 'yes-no', ask: ask({ ...roles, T: dice.pick(things) }), answers };
  }
  return {
    kind: 'yes-no',
    ask: ask(roles),
    answers: ['Yes.', `Yes, ${say(check, roles)}.`],
  };
}

const infinitives: Readonly<Record<string, string>> = {
  got: 'get',
  found: 'find',
  lost: 'lose',
  gave: 'give',
  lived: 'live',
  told: 'tell',
  broke: 'break',
  mended: 'mend',
  kept: 'keep',
  said: 'say',
  wanted: 'want',
  had: 'have',
  made: 'make',
  brought: 'bring',
  needed: 'need',
  saved: 'save',
  showed: 'show',
  helped: 'help',
  won: 'win',
};

// "Mia found the hat" → "Did Mia find the hat?"; "Mia was ill" → "Was Mia ill?"
function toYesNo(statement: string): string {
  const [, name = '', verb = '', rest = ''] = statement.match(/^(\S+) (\S+)(.*)$/) ?? [];
  return verb === 'was'
    ? `Was ${name}${rest}?`
    : `Did ${name} ${infinitives[verb] ?? verb}${rest}?`;
}

function askFeeling({ roles }: Event, say: (pattern: string, slots: Slots) => string): Question[] {
  const kind = 'feeling';
  const how = ['{A} felt {feeling}.', '{A} was {feeling}.', '{feeling}.'];
  const questions = [
    'How did {A} feel when {when}?',
    'How was {A} when {when}?',
    'What did {A} feel when {when}?',
  ].map((ask): Question => {
    return { kind, ask: say(ask, roles), answers: how.map((pattern) => say(pattern, roles)) };
  });
  if (roles['because'] === undefined) return questions;
  const why = [
    'Why was {A} {feeling}?',
    'Why did {A} feel {feeling}?',
    'What made {A} {feeling}?',
    'For what reason was {A} {feeling}?',
  ].map((ask): Question => {
    return { kind, ask: say(ask, roles), answers: [say('Because {because}.', roles)] };
  });
  return [...questions, ...why];
}

function askLooks(
  { world, told, things }: Story,
  say: (pattern: string, slots: Slots) => string,
): Question[] {
  const questions: Question[] = [];
  for (const T of things) {
    const look = told.has(T) ? T.look : undefined;
    const seen = say(`{T.they} {T.was} ${look?.word}.`, { T });
    for (const ask of ['What colour {T.was} {T}?', 'Which colour {T.was} {T}?']) {
      const isTold = look?.kind === 'colour';
      questions.push({
        kind: isTold ? 'look' : 'unsaid',
        ask: say(ask, { T }),
        answers: [isTold ? seen : unsaid],
      });
    }
    if (look?.kind === 'material') {
      for (const ask of ['What {T.was} {T} made of?', 'Out of what {T.was} {T} made?']) {
        questions.push({ kind: 'look', ask: say(ask, { T }), answers: [seen] });
      }
    }
  }
  for (const A of world.cast.filter((one) => told.has(one))) {
    for (const ask of [
      'What kind of animal was {A}?',
      'Which kind of animal was {A}?',
      'What was {A}?',
    ]) {
      const animal = withArticle(A.species.noun);
      questions.push({ kind: 'look', ask: say(ask, { A }), answers: [`${A.name} was ${animal}.`] });
    }
  }
  return questions;
}

const unknowable: readonly string[] = [
  'How old was {A}?',
  "What was the name of {A}'s mother?",
  "What was the name of {A}'s sister?",
  'What did {A} have for breakfast?',
  'Which song did {A} like best?',
  'How many brothers did {A} have?',
  'What did {A} dream of that night?',
  'What colour were the eyes of {A}?',
  'What did {T} cost?',
  'Who was the teacher of {A}?',
  'How tall was {A}?',
  'What did {A} drink?',
  'How much did {T} weigh?',
];

function askUnsaid(
  story: Story,
  dice: Dice,
  options: { readonly say: (pattern: string, slots: Slots) => string; readonly split: Split },
): Question[] {
  const { say, split } = options;
  const { world, events, text, things } = story;
  const [T] = things;
  const asks = unknowable.filter((ask) => T !== undefined || !ask.includes('{T}'));
  const A = dice.pick(world.cast);
  const questions = [say(dice.pick(asks), { A, T })];
  const tellsWeather = /rain|snow|wind|storm|cold|fog|sunny|hot/.test(text);
  if (!tellsWeather) questions.push('What was the weather like?');
  const homeless = world.cast.filter(
    (one) =>
      !events.some(({ roles }) => (roles.A === one || roles.B === one) && roles.P !== undefined),
  );
  if (homeless.length > 0) questions.push(say('Where did {A} live?', { A: dice.pick(homeless) }));
  const stranger = dice.pick(allNames(split));
  if (!text.includes(stranger)) {
    questions.push(
      say(dice.pick(['Who was {name}?', 'What did {name} do?', 'Where did {name} live?']), {
        name: stranger,
      }),
    );
  }
  return questions.map((ask) => ({ kind: 'unsaid', ask, answers: [unsaid] }));
}

const frames: Readonly<Record<Split, readonly string[]>> = {
  training: [
    'Tell me: {ask}',
    'Tell me, {ask}',
    'And {ask}',
    'Now, {ask}',
    'So, {ask}',
    'Please tell me, {ask}',
    'A question: {ask}',
    'One question: {ask}',
    'One more question: {ask}',
    'Next question: {ask}',
    'I have a question: {ask}',
    'Here is a question: {ask}',
    'In the story, {ask}',
    'What do you think, {ask}',
    'Cria, {ask}',
    'Hello Cria, {ask}',
    'Dear llama, {ask}',
    'I would like to ask you, {ask}',
    'I want to know, {ask}',
    'Do you know, {ask}',
    'Do you still know, {ask}',
    'Maybe you remember, {ask}',
    'Can you tell me, {ask}',
    'Listen, {ask}',
    'Think again: {ask}',
  ],
  development: [
    'I would like to hear from you, {ask}',
    'Do you remember, {ask}',
    'Now a question: {ask}',
    'Dear Cria, {ask}',
  ],
  'held-out': [
    'I would like to know, {ask}',
    'Can you say, {ask}',
    'One more thing: {ask}',
    'Here is my last question: {ask}',
    'Please answer: {ask}',
    'Listen, little llama: {ask}',
  ],
};

/** The words in which somebody asks a question: as it is, or with a few words before it. */
export function phrase(ask: string, dice: Dice, split: Split = 'training'): string {
  if (split === 'training' && dice.chance(0.4)) return ask;
  const frame = dice.pick(frames[split]);
  return frame.replace('{ask}', ask.charAt(0).toLowerCase() + ask.slice(1));
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
