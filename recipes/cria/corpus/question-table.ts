// What can be asked about an event, by kind: questions, answers, and the words an answer must contain.
// The first answer is the one to learn. Slots as in entities.ts; everyone is named in full.

/** A question about an event of some kind. */
export interface QuestionRow {
  readonly ask: readonly string[];
  readonly say: readonly string[];
  readonly key: string;
  /** A statement that is true; another in place of its subject or its `{T}` makes it false. */
  readonly check?: string;
}

const whoFetched: readonly QuestionRow[] = [
  {
    ask: [
      'Who got {T} for {B}?',
      'Who helped {B} to get {T}?',
      'To whom does {B} owe it that {T} came back?',
    ],
    say: ['{A} did.', '{A} got {T.it}.'],
    key: '{A}',
    check: '{A} got {T} for {B}',
  },
];

const found: readonly QuestionRow[] = [
  {
    ask: [
      'Where was {T}?',
      'Where did {A} find {T}?',
      'Where was {T} found?',
      'In which place did {A} find {T}?',
    ],
    say: ['{A} found {T.it} {P.at}.', '{P.at}.'],
    key: '{P.at}',
  },
  {
    ask: ['Who found {T}?', 'Who was it that found {T}?'],
    say: ['{A} did.', '{A} found {T.it}.'],
    key: '{A}',
    check: '{A} found {T}',
  },
];

const lost = (how: string): readonly QuestionRow[] => [
  {
    ask: ['What did {A} lose?', 'What was lost?', 'Which thing did {A} lose?'],
    say: ['{A} lost {A.his} {T.noun}.', '{A.his} {T.noun}.'],
    key: '{T.noun}',
    check: '{A} lost {T}',
  },
  {
    ask: ['Who lost {T}?', 'Who was it that lost {T}?'],
    say: ['{A} did.', '{A} lost {T.it}.'],
    key: '{A}',
  },
  { ask: ['How did {A} lose {T}?', 'How {T.was} {T} lost?'], say: [how], key: how },
];

const gave = (more: readonly QuestionRow[] = []): readonly QuestionRow[] => [
  {
    ask: [
      'What did {A} give {B}?',
      'What did {B} get from {A}?',
      'Which thing did {A} give to {B}?',
    ],
    say: ['{A} gave {B} {T.a}.', '{T.a}.'],
    key: '{T.noun}',
  },
  {
    ask: ['Who gave {B} {T}?', 'Who gave {T} to {B}?', 'From whom did {B} get {T}?'],
    say: ['{A} did.', '{A} gave {B} {T}.'],
    key: '{A}',
    check: '{A} gave {T} to {B}',
  },
  {
    ask: ['Who got {T} from {A}?', 'To whom did {A} give {T}?', 'Who was given {T} by {A}?'],
    say: ['{A} gave {T} to {B}.', '{B} got {T.it}.'],
    key: '{B}',
  },
  ...more,
];

const home: readonly QuestionRow[] = [
  {
    ask: ['Where did {A} live?', 'Where was the home of {A}?', 'In what place did {A} live?'],
    say: ['{A} lived {P.at}.', '{P.at}.'],
    key: '{P.at}',
    check: '{A} lived {P.at}',
  },
  { ask: ['Who lived {P.at}?'], say: ['{A} did.', '{A}.'], key: '{A}' },
  { ask: ['Whose home was {P.at}?'], say: ['It was {A.s} home.', '{A.s}.'], key: '{A}' },
];

const went: readonly QuestionRow[] = [
  {
    ask: ['Where did {A} go?', 'Where did {A} go that day?', 'To what place did {A} go?'],
    say: ['{A} went to {P}.', 'To {P}.'],
    key: '{P}',
  },
];

export const questionTable: Readonly<Record<string, readonly QuestionRow[]>> = {
  openAtHome: home,
  setOut: went,
  setOutInWeather: [
    ...went,
    {
      ask: ['What was the weather like?', 'What kind of day was it?', 'How was the weather?'],
      say: ['It was {weather}.', 'It was a {weather} day.'],
      key: '{weather}',
    },
  ],
  ownFrom: [
    {
      ask: [
        'From whom did {A} have {T}?',
        'Who had given {A} {T}?',
        'Where did {A} have {T} from?',
      ],
      say: ['From {A.his} {relative}.', '{A.his} {relative}.'],
      key: '{relative}',
    },
  ],
  friend: [
    {
      ask: [
        'Who was the friend of {A}?',
        'Who was {A} friends with?',
        'What was the name of the friend of {A}?',
      ],
      say: ['{B} was.', '{A} was friends with {B}.'],
      key: '{B}',
    },
  ],
  meet: [
    {
      ask: ['Whom did {A} meet?', 'Who came along to meet {A}?'],
      say: ['{A} met {B}.', '{B}.'],
      key: '{B}',
    },
  ],
  giveInThanks: gave([
    {
      ask: ['Why did {A} give {B} {T.a}?'],
      say: ['To say thank you.', 'To thank {B}.'],
      key: 'thank',
    },
  ]),
  loseToWind: lost('The wind took {T.it}.'),
  loseForgotten: lost('{A} forgot {T.it} somewhere.'),
  loseFalling: lost('{T.they} fell down on the way.'),
  loseRolling: lost('{T.they} rolled away.'),
  searchInVain: [
    {
      ask: [
        'Where did {A} look first?',
        'Where did {A} look for {T} first?',
        'What was the first place where {A} looked?',
      ],
      say: ['{A} looked {P.at} first.', '{P.at}.'],
      key: '{P.at}',
    },
  ],
  askInVain: [
    {
      ask: ['Did {B} know where {T} {T.was}?', 'Could {B} tell {A} where {T} {T.was}?'],
      say: ['No, {B} did not know.', 'No.'],
      key: 'No',
    },
    {
      ask: ['Whom did {A} ask first?', 'Who was the first that {A} asked?'],
      say: ['{A} asked {B}.', '{B}.'],
      key: '{B}',
    },
  ],
  askClue: [
    {
      ask: [
        'Who told {A} where {T} {T.was}?',
        'Who knew where {T} {T.was}?',
        'From whom did {A} hear where {T} {T.was}?',
      ],
      say: ['{B} did.', '{B} told {A}.'],
      key: '{B}',
      check: '{B} told {A} where {T} {T.was}',
    },
  ],
  find: found,
  findForOther: found,
  giveBack: [
    {
      ask: ['Who gave {T} back to {B}?', 'Who gave {T} back?', 'Who brought {T} back to {B}?'],
      say: ['{A} did.', '{A} gave {T.it} back.'],
      key: '{A}',
      check: '{A} gave {T} back to {B}',
    },
  ],
  neverFound: [
    {
      ask: ['Did {A} find {T}?', 'Did {A} get {T} back?', 'Was {A} able to find {T} again?'],
      say: ['No, {A} did not.', 'No, {T} {T.was} gone for good.'],
      key: 'No',
    },
  ],
  spot: [
    {
      ask: ['Where was {T}?', 'Where did {A} see {T}?', 'In which place did {A} see {T}?'],
      say: ['{T.they} {T.was} {spot}.', '{spot}.'],
      key: '{spot}',
    },
  ],
  fetchFlying: [
    ...whoFetched,
    { ask: ['How did {A} get {T}?'], say: ['{A} flew up.', 'By flying.'], key: 'fl' },
  ],
  fetchClimbing: [
    ...whoFetched,
    { ask: ['How did {A} get {T}?'], say: ['{A} climbed up.', 'By climbing.'], key: 'climb' },
  ],
  fetchSwimming: [
    ...whoFetched,
    { ask: ['How did {A} get {T}?'], say: ['{A} swam.', 'By swimming.'], key: 'sw' },
  ],
  fetchDigging: [
    ...whoFetched,
    { ask: ['How did {A} get {T}?'], say: ['{A} dug {T.it} out.', 'By digging.'], key: 'd' },
  ],
  fetchLifting: [
    ...whoFetched,
    { ask: ['How did {A} get {T}?'], say: ['{A} lifted the weight.', 'By lifting.'], key: 'lift' },
  ],
  friendOwns: [
    {
      ask: ['Whose {T.noun} was it?', 'Who owned {T}?', 'To whom did {T} belong?'],
      say: ['{T.they} belonged to {B}.'],
      key: '{B}',
    },
  ],
  break: [
    {
      ask: ['Who broke {T}?', 'Whose fault was it that {T} broke?'],
      say: ['{A} did.', '{A} broke {T.it}.'],
      key: '{A}',
      check: '{A} broke {T}',
    },
    {
      ask: ['What did {A} break?', 'What was broken?', 'Which thing did {A} break?'],
      say: ['{A} broke {T}.', '{T}.'],
      key: '{T.noun}',
    },
  ],
  hideBroken: [
    {
      ask: ['Where did {A} hide the pieces?', 'In which place were the pieces hidden?'],
      say: ['{A} hid them {P.at}.', '{P.at}.'],
      key: '{P.at}',
    },
  ],
  confess: [
    {
      ask: ['Did {A} tell the truth?', 'Was {A} honest in the end?'],
      say: ['Yes, {A} told {B} the truth.', 'Yes.'],
      key: 'Yes',
    },
  ],
  forgive: [
    {
      ask: ['Did {A} forgive {B}?', 'Was {B} forgiven by {A}?'],
      say: ['Yes, {A} did.', 'Yes.'],
      key: 'Yes',
    },
  ],
  notForgiven: [
    {
      ask: ['Did {B} forgive {A}?', 'Was {A} forgiven by {B}?'],
      say: ['No, {B} did not.', 'No.'],
      key: 'No',
    },
  ],
  mend: [
    {
      ask: ['Who mended {T}?', 'By whom was {T} mended?'],
      say: ['{A} did.', '{A} mended {T.it}.'],
      key: '{A}',
      check: '{A} mended {T}',
    },
    {
      ask: ['Where was {T} mended?'],
      say: ['{A} mended {T.it} {P.at}.', '{P.at}.'],
      key: '{P.at}',
    },
  ],
  findTogether: [
    {
      ask: ['What did {A} and {B} find?', 'Which thing did {A} and {B} find?'],
      say: ['They found {T.a}.', '{T.a}.'],
      key: '{T.noun}',
    },
  ],
  quarrel: [
    {
      ask: [
        'What did {A} and {B} quarrel about?',
        'Why did {A} and {B} quarrel?',
        'What was the quarrel about?',
      ],
      say: ['They both wanted {T}.', 'About {T}.'],
      key: '{T.noun}',
    },
  ],
  keepForSelf: [
    {
      ask: ['Who kept {T}?', 'Who had {T} at the end?'],
      say: ['{A} did.', '{A} kept {T.it}.'],
      key: '{A}',
      check: '{A} kept {T}',
    },
  ],
  sorry: [
    {
      ask: ['Who said sorry?', 'Who was the first to say sorry?'],
      say: ['{A} did.', '{A} said sorry to {B}.'],
      key: '{A}',
      check: '{A} said sorry first',
    },
  ],
  share: [
    {
      ask: ['What did {A} and {B} share?', 'Which thing did {A} and {B} share?'],
      say: ['They shared {T}.', '{T}.'],
      key: '{T.noun}',
    },
  ],
  seeWithOther: [
    {
      ask: [
        'Whom did {A} meet {P.at}?',
        'Whose {T.noun} was it first?',
        'To whom did {T} belong first?',
      ],
      say: ['{B}.'],
      key: '{B}',
    },
  ],
  want: [
    {
      ask: ['What did {A} want?', 'What did {A} wish for?', 'Which thing did {A} want to have?'],
      say: ['{A} wanted {T}.', '{T}.'],
      key: '{T.noun}',
      check: '{A} wanted {T}',
    },
  ],
  refuse: [
    {
      ask: ['Did {A} give {B} {T}?', 'Did {B} get {T}?', 'Was {A} willing to give {T} away?'],
      say: ['No, {A} kept {T.it}.', 'No.'],
      key: 'No',
    },
  ],
  trade: [
    {
      ask: [
        'What did {A} give {B} for {T}?',
        'What did {A} trade for {T}?',
        'Which thing did {B} get in the trade?',
      ],
      say: ['{A} gave {B} {U.a}.', '{U.a}.'],
      key: '{U.noun}',
    },
    {
      ask: ['What did {A} get from {B}?', 'Which thing did {A} get in the trade?'],
      say: ['{A} got {T}.', '{T}.'],
      key: '{T.noun}',
    },
    {
      ask: ['Who had {T} at the end?', 'In the end, who had {T}?'],
      say: ['{A} did.', '{A} had {T.it}.'],
      key: '{A}',
      check: '{A} had {T} at the end',
    },
  ],
  work: [
    {
      ask: ['What did {A} do to get {T}?', 'What work did {A} do?', 'How did {A} earn it?'],
      say: ['{A} helped to {chore}.', '{A} had to {chore}.'],
      key: '{chore}',
    },
  ],
  giveAsWages: gave(),
  birthday: [
    {
      ask: ['Whose birthday was it?', 'Who had a birthday?'],
      say: ["It was {B}'s birthday.", '{B.s}.'],
      key: '{B}',
      check: '{B} had a birthday',
    },
  ],
  suggest: [
    {
      ask: ['Who had the idea?', 'Who told {B} what to give?', 'Whose idea was it?'],
      say: ['{A} had the idea.'],
      key: '{A}',
    },
  ],
  findPresent: [
    {
      ask: ['Where did {A} find {T}?', 'In which place did {A} find {T}?'],
      say: ['{A} found {T.it} {P.at}.', '{P.at}.'],
      key: '{P.at}',
    },
  ],
  make: [
    {
      ask: ['Who made {T}?', 'By whom was {T} made?'],
      say: ['{A} did.', '{A} made {T.it}.'],
      key: '{A}',
      check: '{A} made {T}',
    },
    {
      ask: ['What did {A} make?', 'Which thing did {A} make?'],
      say: ['{A} made {T.a}.', '{T.a}.'],
      key: '{T.noun}',
    },
  ],
  giveAsPresent: gave(),
  dislike: [
    {
      ask: ['Did {A} like {T}?', 'Was {A} pleased with {T}?'],
      say: ['No, {A} did not like {T.it}.', 'No.'],
      key: 'No',
    },
  ],
  startBuilding: [
    {
      ask: [
        'What did {A} want to build?',
        'What did {A} build?',
        'Which thing did {A} want to build?',
      ],
      say: ['{A} wanted to build {T.a}.', '{T.a}.'],
      key: '{T.noun}',
    },
    {
      ask: ['Where did {A} work?', 'In what place did {A} work?'],
      say: ['{A} worked {P.at}.', '{P.at}.'],
      key: '{P.at}',
    },
  ],
  missPiece: [
    {
      ask: ['What was missing?', 'What did {A} need?', 'Which piece was missing?'],
      say: ['{missing}.', '{A} needed {missing}.'],
      key: '{missing}',
    },
  ],
  bringPiece: [
    {
      ask: [
        'Who brought {missing}?',
        'Who gave {B} {missing}?',
        'From whom did {B} get {missing}?',
      ],
      say: ['{A} did.', '{A} brought it.'],
      key: '{A}',
      check: '{A} brought {missing}',
    },
  ],
  fear: [
    {
      ask: ['What was {A} afraid of?', 'What frightened {A}?'],
      say: ['{A} was afraid of {fear}.', 'Of {fear}.'],
      key: '{fear}',
    },
  ],
  giveForLuck: gave([{ ask: ['Why did {A} give {B} {T.a}?'], say: ['For luck.'], key: 'luck' }]),
  dareIt: [
    {
      ask: ['What did {A} dare to do?', 'Which brave thing did {A} do?'],
      say: ['{A} dared to {test}.'],
      key: '{test}',
    },
  ],
  runAway: [
    {
      ask: ['Was {A} brave enough?', 'Did {A} dare to do it?', 'Did {A} find the courage?'],
      say: ['No, {A} ran away.', 'No.'],
      key: 'No',
    },
  ],
  trapped: [
    {
      ask: ['Who needed help?', 'Who called for help?'],
      say: ['{A} did.', '{A} needed help.'],
      key: '{A}',
      check: '{A} needed help',
    },
    {
      ask: ['What had happened to {A}?', 'Where was {A}?', 'What kind of trouble was {A} in?'],
      say: ['{A} was {trap}.'],
      key: '{trap}',
    },
  ],
  lendTool: gave(),
  rescueWith: [
    {
      ask: ['Who saved {B}?', 'Who helped {B}?', 'To whom does {B} owe thanks?'],
      say: ['{A} did.', '{A} saved {B}.'],
      key: '{A}',
      check: '{A} saved {B}',
    },
    {
      ask: ['What did {A} use to save {B}?', 'With which thing did {A} save {B}?'],
      say: ['{A} used {T}.', '{T}.'],
      key: '{T.noun}',
    },
  ],
  rescue: [
    {
      ask: ['Who saved {B}?', 'Who helped {B}?', 'To whom does {B} owe thanks?'],
      say: ['{A} did.', '{A} saved {B}.'],
      key: '{A}',
      check: '{A} saved {B}',
    },
  ],
  errandForIll: [
    {
      ask: ['Who was ill?', 'Which animal lay ill?'],
      say: ['{B} was.', '{B} was ill.'],
      key: '{B}',
      check: '{B} was ill',
    },
    {
      ask: ['What did {A} bring {B}?', 'What did {A} take along?', 'Which thing did {A} carry?'],
      say: ['{A} took {T.a}.', '{T.a}.'],
      key: '{T.noun}',
    },
    {
      ask: ['Where did {B} live?', 'In what place did {B} live?'],
      say: ['{B} lived {P.at}.', '{P.at}.'],
      key: '{P.at}',
    },
  ],
  errand: [
    {
      ask: ['What did {A} bring {B}?', 'What did {A} take along?', 'Which thing did {A} carry?'],
      say: ['{A} took {T.a}.', '{T.a}.'],
      key: '{T.noun}',
    },
    {
      ask: ['Where did {B} live?', 'In what place did {B} live?'],
      say: ['{B} lived {P.at}.', '{P.at}.'],
      key: '{P.at}',
    },
  ],
  loseWayHelped: [
    {
      ask: ['Who showed {B} the way?', 'Who helped {B}?', 'Who knew the right path?'],
      say: ['{A} did.', '{A} showed {B} the way.'],
      key: '{A}',
      check: '{A} showed {B} the way',
    },
  ],
  riverInWayHelped: [
    {
      ask: [
        'Who helped {B} across the river?',
        'Who helped {B}?',
        'Thanks to whom did {B} cross the river?',
      ],
      say: ['{A} did.', '{A} helped {B}.'],
      key: '{A}',
      check: '{A} helped {B} across the river',
    },
  ],
  hungryOnWayHelped: [
    {
      ask: ['Who helped {B}?', 'Who helped {B} on the way?', 'Who came by when {B} was tired?'],
      say: ['{A} did.', '{A} helped {B}.'],
      key: '{A}',
      check: '{A} helped {B}',
    },
  ],
  loseToRiver: [
    {
      ask: ['What did {A} lose?', 'Which thing did {A} lose?'],
      say: ['{A} lost {T}.', '{T}.'],
      key: '{T.noun}',
    },
  ],
  deliver: gave([
    {
      ask: ['Did {A} reach {P}?', 'Was {A} able to reach {P}?'],
      say: ['Yes, {A} did.', 'Yes.'],
      key: 'Yes',
    },
  ]),
  contest: [
    {
      ask: ['What did {A} take part in?', 'What kind of contest was it?', 'Which contest was it?'],
      say: ['{A} took part in {contest}.', '{contest}.'],
      key: '{contest}',
    },
    {
      ask: ['Where was the contest?', 'In what place was the contest?'],
      say: ['The contest was {P.at}.', '{P.at}.'],
      key: '{P.at}',
    },
  ],
  practise: [
    {
      ask: [
        'Who practised with {A}?',
        'Who helped {A} to practise?',
        'With whom did {A} practise?',
      ],
      say: ['{B} did.', '{B} helped {A}.'],
      key: '{B}',
    },
  ],
  win: [
    {
      ask: ['Who won?', 'Who won the contest?', 'Who was the best of all?'],
      say: ['{A} did.', '{A} won.'],
      key: '{A}',
      check: '{A} won',
    },
    {
      ask: ['What was the prize?', 'What did {A} win?', 'Which thing did the winner get?'],
      say: ['The prize was {T.a}.', '{T.a}.'],
      key: '{T.noun}',
    },
  ],
  newcomer: [
    {
      ask: [
        'Who was the new neighbour?',
        'Who came to live {P.at}?',
        'What was the name of the new neighbour?',
      ],
      say: ['{A} was.', '{A}.'],
      key: '{A}',
    },
    {
      ask: ['Where did {A} live?', 'In what place did {A} live?'],
      say: ['{A} lived {P.at}.', '{P.at}.'],
      key: '{P.at}',
    },
  ],
  tooShy: [
    {
      ask: ['Did {A} say hello to {B}?', 'Was {A} brave enough to talk to {B}?'],
      say: ['No, {A} did not dare.', 'No.'],
      key: 'No',
    },
  ],
  giveWelcome: gave(),
};
