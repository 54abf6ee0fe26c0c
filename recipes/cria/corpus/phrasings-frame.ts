// How a story begins, goes on and ends: the phrasings of events that frame it. `A` is who the sentence is
// about; see entities.ts for the other slots and pattern.ts for the brackets.

export const framePhrasings: Readonly<Record<string, readonly string[]>> = {
  openAtHome: [
    '[Once upon a time|Once] there was {A.a} [called|named|whose name was] {A.name}. {A} lived {P.at}.',
    '{A.name} was {A.a} who lived {P.at}.',
    '{P.at} lived {A.a} [called|named] {A.name}.',
    '[In the days when the valley was young|A long time ago], {A.a} [called|named] {A.name} lived {P.at}.',
    'Do you know {A.name}, {A.the}? {A} lives {P.at}.',
    'There was once {A.a}, and {A.his} name was {A.name}. {A.his} home was {P.at}.',
    'This is the story of {A.name}, {A.a} who lived {P.at}.',
    '{A.name} the {A.kind} had a [small|little|cosy|crooked] house {P.at}.',
    'If you go far enough, you will find a small house {P.at}. {A.a} called {A.name} lives there.',
  ],
  open: [
    '[Once upon a time|Once] there was {A.a} [called|named] {A.name}.',
    'This is a story about {A.a} whose name was {A.name}.',
    '{A.name} was {A.a}.',
    'Everyone in the valley knew {A.name}, {A.the}.',
    '[Let me tell you|I will tell you] about {A.name} the {A.kind}.',
    'Once there lived {A.a}, and everyone called {A.them} {A.name}.',
  ],
  nature: [
    '{nature}',
    '{A} was [very|rather] {trait}. {nature}',
    '{A} was {trait}, [everyone said so|and everyone knew it].',
  ],
  own: [
    '{A} had {T.a} [and took {T.it} everywhere|and loved {T.it} very much|that {A.he} loved more than anything].',
    'More than anything else, {A} loved {A.his} {T.full}.',
    'The best thing {A} had was {T.a}.',
    '{A} owned {T.a}. No day passed without {T.it}.',
    '{A} was never seen without {A.his} {T.full}.',
  ],
  ownFrom: [
    '{A.s} {relative} had given {A.them} {T.a}.',
    '{A} had {T.a} from {A.his} {relative}, [and {A.he} took good care of {T.it}|and it was the best thing in the house].',
    'On {A.his} last birthday, {A} had got {T.a} from {A.his} {relative}.',
    '{A} loved {A.his} {T.full}. {A.his} {relative} had [made {T.it}|sent {T.it} from far away].',
  ],
  setOut: [
    'One [day|morning|afternoon|evening], {A} went to {P}.',
    'One [day|morning|Sunday|spring day], {A} was {P.at}.',
    '[Early one morning|Late one afternoon|After breakfast|After lunch], {A} [set out for|walked to|went to] {P}.',
    'One [fine|bright|quiet] day, {A} took a walk to {P}.',
  ],
  setOutInWeather: [
    'One {weather} [day|morning|afternoon|evening], {A} went to {P}.',
    'It was a {weather} [day|morning|afternoon]. {sky} {A.name} [walked to|went to|set out for] {P}.',
    '{sky} It was a {weather} day, but {A} [went|walked] to {P} all the same.',
    'On a {weather} [day|morning], {A} was {P.at}. {sky}',
  ],
  friend: [
    '{A.s} best friend was {B.a} called {B.whom}.',
    '{A} had a good friend, {B.name} the {B.kind}.',
    '{A} and {B.whom} the {B.kind} [played together every day|did everything together|had been friends for years].',
    '{A} had {B.a} for a friend, and {B.his} name was {B.whom}.',
  ],
  meet: [
    'Just then {B.a} called {B.name} came [along|by|down the path].',
    '{A} [met|ran into] {B.a} [called|named] {B.whom}.',
    'Along came {B.name} the {B.kind}. "What is the matter?" asked {B.name}.',
    '{B.name}, {B.a}, [had seen it all|was sitting nearby|heard the noise and came closer].',
    'Someone tapped {A.whom} on the shoulder. It was {B.name} the {B.kind}.',
  ],
  offer: [
    '"[Let me help|I can do that|Leave it to me|That is easy for me]!" said {B.name}.',
    '"[Wait here|Stay where you are|Do not worry]," said {B.name}. "I will get {T.it} for you."',
    '{B.name} [looked up and nodded|thought for a moment|smiled]. "I can get {T.it}," {B.he} said.',
  ],
  thank: [
    '"Thank you, {B.name}!" [said|cried|called] {A.name}.',
    '{A} thanked {B.whom} [again and again|with all {A.his} heart|and gave {B.them} a hug].',
    '"I will never forget this," {A} said to {B.whom}.',
    '{A} did not know how to thank {B.whom}. "[Just be my friend|You would do the same for me|It was nothing]," said {B.name}.',
  ],
  giveInThanks: [
    'To say thank you, {A} gave {B.whom} {T.a}.',
    '{A} [ran home and came back with|took out] {T.a} and gave {T.it} to {B.whom} as a thank-you.',
    '"Thank you," said {A.name}, and gave {B.whom} {T.a}.',
    '{A} wanted to thank {B.whom}, so {A.he} gave {B.them} {T.a}.',
    'As thanks, {B.name} got {T.a} from {A.whom}.',
  ],
  endHappily: [
    'That [night|evening], {A} [slept well|fell asleep with a smile|went to bed happy].',
    'It had been a [good|wonderful|long but good] day.',
    'And if {A.he} has not moved away, {A.name} still tells the story today.',
    'From that day on, {A} [smiled more often|was never alone again|had a story to tell].',
    '"What a day!" said {A.name}, and [laughed|yawned|danced all the way home].',
    'All was well again.',
    'They [laughed|sang|sat together] until the [stars came out|moon stood over the hill].',
    'On the way home, {A} [sang a little song|hummed to {A.self}|counted the first stars].',
    'And that is how the day came to a happy end.',
  ],
  endSadly: [
    'That [night|evening], {A} [could not sleep|lay awake for a long time|cried a little].',
    'It had been a [sad|long and sad] day.',
    '{A} went home [alone|slowly|without a word].',
    'Sometimes, {A} still thinks of it.',
    'The [house|valley|evening] was very quiet after that.',
    'And that is how the story ends, though {A} wished it were different.',
    '{A} sat [by the window|on the doorstep] until it was dark.',
  ],
};

/** How a feeling is told. `{because}` is a clause about A. */
export const feelingPhrasings: readonly string[] = [
  '{A} [was|felt] {feeling}, because {because}.',
  '{A} [was|felt] [very|so] {feeling}.',
  '{A} [was|felt] {feeling}. {shown}',
  'How {feeling} {A} was!',
  '{shown} {A.name} was {feeling}.',
  '{A} was {feeling} now.',
];

/** What one does who feels so. */
export const feelingShown: Readonly<Record<string, readonly string[]>> = {
  happy: [
    '{A} [jumped for joy|laughed out loud|danced on the spot].',
    '{A} could not stop smiling.',
  ],
  sad: [
    '{A} [began to cry|hung {A.his} head|wiped away a tear].',
    'Big tears ran down {A.s} cheeks.',
  ],
  proud: [
    '{A} [held {A.his} head high|beamed|stood very straight].',
    '{A} told everyone about it.',
  ],
  afraid: ['{A.s} knees [shook|trembled].', '{A} [hid behind a tree|turned pale|trembled].'],
  angry: ['{A} [stamped {A.his} foot|turned red|shouted].', '{A} did not say a word any more.'],
  lonely: [
    '{A} sat down [alone|all by {A.self}].',
    '{A} [sighed|looked out of the window|counted the clouds alone].',
  ],
  tired: ['{A} [yawned|could hardly keep {A.his} eyes open].', '{A} sat down to rest.'],
  surprised: [
    '{A} [opened {A.his} eyes wide|could not say a word].',
    '"Oh!" was all {A.he} could say.',
  ],
  ashamed: [
    '{A} [looked at the ground|hid {A.his} face|turned red].',
    '{A} wished {A.he} could disappear.',
  ],
  worried: [
    '{A} [walked up and down|could not sit still|bit {A.his} lip].',
    '"What shall I do now?" thought {A.name}.',
  ],
  excited: ['{A} [hopped up and down|could hardly wait].', '{A.s} heart beat fast.'],
  jealous: ['{A} [looked the other way|did not clap].', '{A} pretended not to care.'],
  grateful: [
    '{A} [smiled from ear to ear|gave a deep bow].',
    '"You are a true friend," said {A.name}.',
  ],
  relieved: ['{A} [took a deep breath|sighed and smiled].', 'A stone fell from {A.s} heart.'],
};
