// Questions about a story, with answers that follow from it: about its events, its feelings, the look and
// kind of its things and people, and about what the story does not say.
import type { Dice } from './dice.ts';
import { Discourse } from './discourse.ts';
import type { Character, Place, Referent, Thing } from './entities.ts';
import { boys, girls } from './names.ts';
import { type QuestionRow, questionTable } from './question-table.ts';
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

/** Which phrasings questions take: those of training, or those kept for tests. */
export type Phrasing = 'training' | 'held-out';

type Slots = Readonly<Record<string, Referent | undefined>>;

/** All questions that have one answer, in random order. */
export function askAbout(story: Story, dice: Dice, phrasing: Phrasing = 'training'): Question[] {
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
  const pickAsk = ({
    ask,
    held,
  }: {
    ask: readonly string[];
    held?: readonly string[];
  }): string[] => (phrasing === 'held-out' ? [...(held ?? [])] : [...ask]);
  for (const event of story.events) {
    for (const row of questionTable[event.kind] ?? []) {
      const answers = row.say.map((pattern) => say(pattern, event.roles));
      // every phrasing is added, so that two events that could be meant cancel each other out
      for (const ask of pickAsk(row)) {
        add({ kind: 'event', ask: say(ask, event.roles), answers: dice.shuffle(answers) });
      }
      if (row.check !== undefined) add(yesOrNo(row.check, event, row, story, dice, say));
    }
    if (event.kind === 'feel') for (const one of askFeeling(event, dice, phrasing, say)) add(one);
  }
  for (const one of askLooks(story, phrasing, say)) add(one);
  for (const one of askUnsaid(story, dice, phrasing, say)) add(one);
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
        ['yes-no', 3],
        ['feeling', 3],
        ['look', 3],
        ['unsaid', 2.5],
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
  row: QuestionRow,
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
      const answers = [`No, ${say(check, roles)}.`, 'No.'];
      return { kind: 'yes-no', ask: ask({ ...roles, P: dice.pick(elsewhere) }), answers };
    }
  } else if (draw < 0.35 && others.length > 0) {
    const answers = [`No, ${say(row.key === '{A}' ? '{A} did' : check, roles)}.`, 'No.'];
    return { kind: 'yes-no', ask: ask({ ...roles, A: dice.pick(others) }), answers };
  } else if (draw < 0.5 && check.includes('{T}') && things.length > 0) {
    const answers = ['No.', `No, ${say(check, roles)}.`];
    return { kind: 'yes-no', ask: ask({ ...roles, T: dice.pick(things) }), answers };
  }
  return {
    kind: 'yes-no',
    ask: ask(roles),
    answers: dice.shuffle(['Yes.', `Yes, ${say(check, roles)}.`]),
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

function askFeeling(
  { roles }: Event,
  dice: Dice,
  phrasing: Phrasing,
  say: (pattern: string, slots: Slots) => string,
): Question[] {
  const held = phrasing === 'held-out';
  const questions: Question[] = [
    {
      kind: 'feeling',
      ask: say(
        dice.pick(
          held
            ? ['In what mood was {A} when {when}?', 'What did {A} feel when {when}?']
            : ['How did {A} feel when {when}?', 'How was {A} when {when}?'],
        ),
        roles,
      ),
      answers: [
        say('{A} felt {feeling}.', roles),
        say('{A} was {feeling}.', roles),
        say('{feeling}.', roles),
      ],
    },
  ];
  if (roles['because'] !== undefined) {
    questions.push({
      kind: 'feeling',
      ask: say(
        dice.pick(
          held
            ? ['For what reason was {A} {feeling}?', 'What made {A} {feeling}?']
            : ['Why was {A} {feeling}?', 'Why did {A} feel {feeling}?'],
        ),
        roles,
      ),
      answers: [say('Because {because}.', roles)],
    });
  }
  return questions;
}

function askLooks(
  { world, told, things }: Story,
  phrasing: Phrasing,
  say: (pattern: string, slots: Slots) => string,
): Question[] {
  const held = phrasing === 'held-out';
  const questions: Question[] = [];
  for (const T of things) {
    const look = told.has(T) ? T.look : undefined;
    const add = (ask: string, pattern: string, isTold: boolean): void => {
      questions.push({
        kind: isTold ? 'look' : 'unsaid',
        ask: say(ask, { T }),
        answers: isTold ? [say(pattern, { T })] : [unsaid],
      });
    };
    add(
      held ? 'Which colour {T.was} {T}?' : 'What colour {T.was} {T}?',
      `{T.they} {T.was} ${look?.word}.`,
      look?.kind === 'colour',
    );
    if (look?.kind === 'material') {
      add(
        held ? 'Out of what {T.was} {T} made?' : 'What {T.was} {T} made of?',
        `{T.they} {T.was} ${look.word}.`,
        true,
      );
    }
  }
  for (const A of world.cast) {
    if (!told.has(A)) continue;
    questions.push({
      kind: 'look',
      ask: say(held ? 'To which kind of animal does {A} belong?' : 'What kind of animal was {A}?', {
        A,
      }),
      answers: [
        say(`{A} was a ${A.species.noun}.`, { A }),
        say(`{A} was an ${A.species.noun}.`, { A }),
      ].filter((one) => /\ba [^aeiou]|\ban [aeiou]/.test(one)),
    });
  }
  return questions;
}

const unknowable: readonly { readonly ask: string; readonly held?: true }[] = [
  { ask: 'How old was {A}?' },
  { ask: "What was the name of {A}'s mother?" },
  { ask: 'What did {A} have for breakfast?' },
  { ask: 'Which song did {A} like best?' },
  { ask: 'How many brothers did {A} have?' },
  { ask: 'What did {A} dream of that night?' },
  { ask: 'What colour were the eyes of {A}?' },
  { ask: 'What did {A} cost?'.replace('{A}', '{T}') },
  { ask: 'Who was the teacher of {A}?' },
  { ask: "What was the name of {A}'s sister?", held: true },
  { ask: 'How tall was {A}?', held: true },
  { ask: 'What did {A} drink?', held: true },
  { ask: 'How much did {T} weigh?', held: true },
];

function askUnsaid(
  story: Story,
  dice: Dice,
  phrasing: Phrasing,
  say: (pattern: string, slots: Slots) => string,
): Question[] {
  const { world, events, text } = story;
  const A: Character = dice.pick(world.cast);
  const T: Thing | undefined = story.things[0];
  const asks = unknowable.filter(
    ({ ask, held }) =>
      (held === true) === (phrasing === 'held-out') && (T !== undefined || !ask.includes('{T}')),
  );
  const questions = dice
    .shuffle(asks)
    .slice(0, 2)
    .map(({ ask }) => say(ask, { A, T }));
  if (
    !events.some(({ kind }) => kind === 'setOutInWeather') &&
    !/rain|snow|wind|storm|cold|fog/.test(text)
  ) {
    questions.push(phrasing === 'held-out' ? 'How was the weather?' : 'What was the weather like?');
  }
  const homeless = world.cast.filter(
    (one) =>
      !events.some(({ roles }) => (roles.A === one || roles.B === one) && roles.P !== undefined),
  );
  if (homeless.length > 0) {
    questions.push(
      say(phrasing === 'held-out' ? 'In what place did {A} live?' : 'Where did {A} live?', {
        A: dice.pick(homeless),
      }),
    );
  }
  if (phrasing === 'training') {
    const stranger = dice.pick([...girls, ...boys]);
    if (!text.includes(stranger)) {
      const P: Place | undefined = events.find(({ roles }) => roles.P !== undefined)?.roles.P;
      questions.push(
        dice.pick([
          `Who was ${stranger}?`,
          `What did ${stranger} do?`,
          `Where did ${stranger} live?`,
          ...(P === undefined ? [] : [`Whom did ${stranger} meet ${P.at}?`]),
        ]),
      );
    }
  }
  return questions.map((ask) => ({ kind: 'unsaid', ask, answers: [unsaid] }));
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
