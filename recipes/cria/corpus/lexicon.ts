// The words of Cria's world: who lives there, what they own, where they go. Lists only; what may be done
// with them is world.ts's affair. Names are in names.ts, words kept for tests in held-out.ts.

/** What an animal can do that others cannot. */
export type Ability = 'fly' | 'swim' | 'dig' | 'climb' | 'strong' | 'none';

/** A kind of animal. */
export interface Species {
  readonly noun: string;
  readonly ability: Ability;
  /** What it holds things with. */
  readonly limb: 'paw' | 'hoof' | 'wing' | 'foot';
}

const kinds = (ability: Ability, limb: Species['limb'], nouns: string): Species[] =>
  nouns.split(' ').map((noun) => ({ noun, ability, limb }));

/** The animals; llamas are drawn more often. */
export const species: readonly Species[] = [
  ...kinds('none', 'hoof', 'llama llama alpaca lamb sheep deer foal calf'),
  ...kinds('climb', 'hoof', 'goat'),
  ...kinds('strong', 'hoof', 'donkey pony horse'),
  ...kinds('strong', 'paw', 'bear'),
  ...kinds('dig', 'paw', 'mole rabbit badger hare'),
  ...kinds('climb', 'paw', 'squirrel cat marten raccoon'),
  ...kinds('swim', 'paw', 'otter beaver'),
  ...kinds('swim', 'foot', 'frog toad turtle'),
  ...kinds('swim', 'wing', 'duck goose swan'),
  ...kinds('fly', 'wing', 'owl crow sparrow robin magpie stork'),
  ...kinds('none', 'paw', 'mouse hedgehog fox dog puppy kitten hamster wolf'),
  ...kinds('none', 'foot', 'piglet lizard turkey'),
];

/** What a thing is good for, which decides how it is lost, given or used. */
export type ThingClass = 'wear' | 'toy' | 'treasure' | 'tool' | 'food' | 'music';

/** Nouns by class; those that end in `+` are plural. */
export const things: Readonly<Record<ThingClass, readonly string[]>> = {
  wear: 'hat scarf cap coat bonnet cape belt ribbon necklace apron jacket ring crown mittens+ boots+ gloves+ socks+ shoes+'.split(
    ' ',
  ),
  toy: 'ball kite doll top puppet wagon sled balloon boat hoop swing puzzle marble windmill train cart teddy rattle'.split(
    ' ',
  ),
  treasure:
    'shell feather button coin pebble pearl stamp acorn medal key letter picture map locket brooch crystal book diary fossil bell'.split(
      ' ',
    ),
  tool: 'basket lamp lantern rope spoon bucket broom shovel rake blanket umbrella clock brush comb jug bowl cup bag net sack'.split(
    ' ',
  ),
  food: 'apple pear plum cake pie bun carrot turnip pumpkin melon tart biscuit berries+ nuts+'.split(
    ' ',
  ),
  music: 'drum flute fiddle whistle horn trumpet banjo harp guitar'.split(' '),
};

/** Words for how a thing looks; a material also says what it is made of. */
export const colours: readonly string[] =
  'red blue green yellow white black brown orange purple pink grey golden'.split(' ');
export const materials: Readonly<Record<string, string>> = {
  wooden: 'wood',
  woollen: 'wool',
  tin: 'tin',
  silver: 'silver',
  glass: 'glass',
  paper: 'paper',
  leather: 'leather',
  straw: 'straw',
  copper: 'copper',
  clay: 'clay',
};
export const looks: readonly string[] = 'striped spotted shiny tiny big old new little'.split(' ');

/** Which materials go with which class; a woollen drum would be odd. */
export const materialsOf: Readonly<Record<ThingClass, readonly string[]>> = {
  wear: ['woollen', 'leather', 'straw'],
  toy: ['wooden', 'paper', 'tin'],
  treasure: ['silver', 'glass', 'copper'],
  tool: ['wooden', 'copper', 'clay', 'tin'],
  food: [],
  music: ['wooden', 'silver', 'tin', 'copper'],
};

/** A place, as a noun phrase and as where something is. */
export interface Place {
  readonly name: string;
  readonly at: string;
}

const spots = (preposition: string, names: string): Place[] =>
  names.split(', ').map((name) => ({ name: `the ${name}`, at: `${preposition} the ${name}` }));

/** Where things happen. */
export const places: readonly Place[] = [
  ...spots('in', 'orchard, barn, meadow, garden, forest, cave, stable, library, valley, vineyard'),
  ...spots(
    'in',
    'greenhouse, kitchen, attic, cellar, village square, hollow oak, tall grass, shed',
  ),
  ...spots('by', 'pond, river, well, lake, stream, waterfall, old gate, fountain, sea'),
  ...spots('on', 'hill, beach, island, stone wall, mountain path, village green'),
  ...spots('at', 'market, bakery, mill, school, harbour, crossroads, inn, lighthouse, fair'),
  ...spots('under', 'bridge, willow, apple tree'),
  ...spots('behind', 'haystack, hen house, church'),
  ...spots('near', 'beehive, old tower, rose bushes, railway'),
];

/** Someone's nature, with the ways a story shows it. `{A}` is the one who has it. */
export interface Trait {
  readonly word: string;
  readonly shown: readonly string[];
}

export const traits: readonly Trait[] = [
  {
    word: 'shy',
    shown: [
      '{A} [hardly ever spoke to strangers|hid whenever visitors came].',
      'Whenever someone said hello, {A} looked at {A.his} feet.',
    ],
  },
  {
    word: 'brave',
    shown: [
      'Nothing frightened {A.him} [much|for long].',
      '{A} was always the first to [jump in|cross the bridge|walk into the dark].',
    ],
  },
  {
    word: 'curious',
    shown: [
      '{A} wanted to know [everything|how everything worked].',
      'All day long, {A} asked questions that nobody could answer.',
    ],
  },
  {
    word: 'kind',
    shown: ['{A} liked to [help|share].', 'Everyone in the village [liked|was fond of] {A.him}.'],
  },
  {
    word: 'lazy',
    shown: [
      '{A} liked [nothing better than a long nap|to sleep until noon].',
      'Most days, {A} did not get up before noon.',
    ],
  },
  {
    word: 'clever',
    shown: [
      '{A} always had [an idea|a plan].',
      'When something was broken, people came to {A.him} for [advice|an idea].',
    ],
  },
  {
    word: 'grumpy',
    shown: [
      '{A} grumbled [about everything|from morning to night].',
      'In the mornings, nobody dared to talk to {A.him}.',
    ],
  },
  {
    word: 'cheerful',
    shown: [
      '{A} sang [all day long|even in the rain].',
      '{A} laughed [a lot|more than anyone else].',
    ],
  },
  {
    word: 'clumsy',
    shown: [
      '{A} [tripped|stumbled] over everything.',
      'Cups and plates were not safe near {A.him}.',
    ],
  },
  {
    word: 'proud',
    shown: ['{A} did not like to ask for help.', '{A} thought {A.he} could do everything alone.'],
  },
  {
    word: 'quiet',
    shown: [
      '{A} liked to [listen|watch the clouds].',
      '{A} never used two words where one was enough.',
    ],
  },
  {
    word: 'busy',
    shown: ['{A} never sat still.', 'From early to late, {A} was [running about|at work].'],
  },
  {
    word: 'dreamy',
    shown: [
      '{A} often forgot [where {A.he} was going|what {A.he} had come for].',
      '{A} could look at the clouds for hours.',
    ],
  },
  {
    word: 'careful',
    shown: [
      '{A} looked twice before every step.',
      '{A} counted everything [twice|before bedtime].',
    ],
  },
  { word: 'greedy', shown: ['{A} always wanted the biggest piece.', '{A} did not like to share.'] },
  { word: 'patient', shown: ['{A} could wait a whole day without a word.', '{A} never hurried.'] },
];

/** Weather as an adjective and as a sentence; `windy` and `stormy` can carry things off. */
export const weathers: Readonly<Record<string, readonly string[]>> = {
  sunny: ['The sun was shining.', 'There was not a cloud in the sky.'],
  windy: ['The wind blew [hard|through the trees].', 'The wind rattled at the doors.'],
  rainy: ['It was raining.', 'Rain [fell|dripped] from the leaves.'],
  snowy: ['Snow lay on the roofs.', 'It had snowed all night.'],
  foggy: ['Fog lay over the fields.', 'One could hardly see the next tree.'],
  cold: ["It was so cold that one could see one's breath.", 'There was ice on the puddles.'],
  hot: ['The air was hot and still.', 'Everyone looked for a bit of shade.'],
  stormy: ['A storm was coming.', 'Dark clouds [raced|rolled] across the sky.'],
};

/** Relatives who made or gave things long ago. */
export const relatives: readonly string[] =
  'grandmother grandfather aunt uncle mother father cousin godmother'.split(' ');
