// How what happens in a story is told: several phrasings per event. `A` does it; see entities.ts for the
// other slots and pattern.ts for the brackets.

export const eventPhrasings: Readonly<Record<string, readonly string[]>> = {
  // things lost and looked for
  loseToWind: [
    'Suddenly a gust of wind took {A.his} {T.noun} and carried {T.it} away.',
    'The wind [tore {T} from {A.whom} and was gone|snatched {A.s} {T.noun} and blew {T.it} over the trees].',
    'A [strong|wild] wind came up. Before {A} could hold on to {T.it}, {T} {T.was} gone.',
    'Then the wind blew {A.s} {T.noun} away.',
  ],
  loseForgotten: [
    '{A} put {T} down to [pick some flowers|tie a knot|watch a butterfly|drink some water] and forgot {T.it}. [Back home|An hour later], {T.they} {T.was} gone.',
    '{A} [left {T} on a bench|laid {T} in the grass] and forgot {T.it} there. When {A.he} came back, {T.they} {T.was} gone.',
    '{A} was so busy [talking|singing|watching the birds] that {A.he} forgot {A.his} {T.noun} there. Later {A.he} could not find {T.it} any more.',
  ],
  loseFalling: [
    'On the way, {T} fell out of {A.his} [bag|pocket|basket], and {A.he} did not notice.',
    '{A} [ran|hopped|walked] so fast that {T} fell down somewhere. At home {T.they} {T.was} missing.',
    'Somewhere on the way {T} slipped out of {A.s} bag. {A.he} looked down, and {T.they} {T.was} gone.',
  ],
  loseRolling: [
    '{A} stumbled, and {T} rolled away. {A.he} could not see where {T.they} went.',
    'Then {T} rolled down the slope and was gone.',
    '{T} slipped from {A.s} {A.limb}, rolled and rolled, and was gone.',
  ],
  searchInVain: [
    '{A} looked for {T} {P.at}, but {T.they} {T.was} not there.',
    'First {A} searched {P.at}. There was [nothing|only an old boot|only dust and leaves].',
    '"Perhaps {T.they} {T.is} {P.at}," {A} thought. But {A.he} found nothing there.',
    '{A} turned over every [stone|leaf] {P.at}. No {T.noun}!',
  ],
  askInVain: [
    '{A} asked {B.a} called {B.whom}. "[No, I have not seen|I am sorry, I do not know where to find] your {T.noun}," said {B.name}.',
    '"Have you seen my {T.noun}?" asked {A.name}. But {B.name} the {B.kind} [shook {B.his} head|had seen nothing].',
    '{A} met {B.name}, {B.a}, and asked for help. But {B.name} [was in a hurry|had no time|had not seen {T}].',
  ],
  askClue: [
    '{A} asked {B.name} the {B.kind}. "Your {T.noun}? [Look|I saw {T.it}] {P.at}," said {B.name}.',
    '"I saw {T.a} {P.at}," said {B.name}, {B.a}.',
    'Then {A} met {B.a} called {B.whom}. "Have you seen my {T.noun}?" asked {A.name}. "Yes," said {B.name}. "{T.they} {T.is} {P.at}."',
    '{B.name} the {B.kind} came by and pointed with {B.his} {B.limb}. "Try to look {P.at}," {B.he} said.',
  ],
  find: [
    '{A} ran to {P}, and there {T.they} {T.was}!',
    'And really, {A} found {T} {P.at}.',
    '{A} hurried to {P}. There {T.they} lay, {T.a}, as if nothing had happened.',
    '{P.at}, [between two stones|under some leaves|behind a post], {A} found {T}.',
  ],
  findForOther: [
    'In the evening, {A.a} called {A.name} [knocked at the door|came running]. {A.he} had found {T} {P.at}.',
    'But {A.name} the {A.kind} had found {T} {P.at}.',
    '{A.name}, {A.a}, was {P.at} that day. There {A.he} saw {T.a} and took {T.it} along.',
    'Meanwhile, {A.a} named {A.name} found {T} {P.at}.',
  ],
  giveBack: [
    '{A} gave {T} back to {B.whom}.',
    '"[Is this yours|Here you are|Look what I have]!" said {A.name}, and gave {B.whom} {T}.',
    '{A} put {T} into {B.s} {B.limb}.',
    '{A} handed {T} to {B.whom}.',
  ],
  neverFound: [
    '{A} looked until the sun went down, but {T} {T.was} never found.',
    '{A} [searched|walked and searched] for three days. {T} did not come back.',
    'However long {A} looked, {T} {T.was} gone for good.',
  ],
  comfort: [
    '"[I am so sorry|Come here]," said {A.name}, and sat down next to {B.whom}.',
    '{A.name} put an arm around {B.whom} and said nothing.',
  ],
  spot: [
    'Then {A} saw {T}: {T.they} {T.was} {spot}.',
    'At last {A} found {T}, but {T.they} {T.was} {spot}.',
    '"There {T.they} {T.is}!" cried {A.name}. {T} {T.was} {spot}.',
    '{A} looked around. {spot}, there {T.was} {T.a}!',
  ],
  reachInVain: [
    '{A} tried and tried, but could not get {T.it}.',
    '{A} stretched as far as {A.he} could. It was no use.',
    'How was {A} to get {T.it}? {A.he} tried three times and gave up.',
    '{A} tried with a stick, but {T} would not move.',
  ],
  fetchFlying: [
    '{A} [spread {A.his} wings|flapped {A.his} wings], flew up and took {T}.',
    '{A} flew up and [came down with {T}|fetched {T.it}].',
  ],
  fetchClimbing: [
    '{A} climbed up [quick as the wind|step by step] and took {T}.',
    'Up climbed {A.name}, higher and higher, and [came down with {T}|fetched {T.it}].',
  ],
  fetchSwimming: [
    '{A} [jumped|dived] into the water, swam and came back with {T}.',
    'With a splash {A} was in the water. {A.he} swam and fetched {T}.',
  ],
  fetchDigging: [
    '{A} [dug and dug|dug with both {A.limb}s|made the earth fly] until {A.he} had {T}.',
    'Nobody could dig like {A.name}. Soon {A.he} had dug out {T}.',
  ],
  fetchLifting: [
    '{A} was strong. {A.he} lifted it up as if it were [nothing|a feather] and took {T}.',
    '{A} pushed with all {A.his} might, lifted it and pulled out {T}.',
  ],
  // things broken, shared, quarrelled about
  friendOwns: [
    '{A.s} friend {B.name}, {B.a}, had {T.a}.',
    '{A} had a friend, {B.name} the {B.kind}. {B.name} owned {T.a}.',
    'Next door lived {B.a} called {B.name} who had {T.a}.',
  ],
  lend: [
    'One day {A.name} lent {T} to {B.whom}.',
    '"You may [borrow|play with] my {T.noun} today," {A.name} said to {B.whom}.',
    '"Be careful with {T.it}," said {A.name}, and let {B.whom} have {T}.',
  ],
  break: [
    '{A} dropped {T}, and {T.they} broke [in two|into pieces].',
    'Then it happened. {A} stumbled, and {T} broke.',
    '{A} was not careful. Crack! {B.s} {T.noun} was broken.',
    '{A} sat down without looking, and broke {T}.',
  ],
  hideBroken: [
    '{A} hid the pieces {P.at}.',
    'First {A} thought of hiding {T.it}. {A.he} put the pieces {P.at}.',
    '{A} carried the pieces away and left them {P.at}.',
  ],
  confess: [
    'But {A} could not [sleep|eat|think of anything else]. {A.he} went to {B.whom} and told the truth.',
    '"I broke your {T.noun}," {A} told {B.whom}. "[I am sorry|It was my fault]."',
    '{A} took a deep breath and told {B.whom} everything.',
  ],
  forgive: [
    '"[It is all right|I forgive you|Let us forget it]," said {A.name} to {B.whom}.',
    '{A.name} was quiet for a moment. Then {A.he} forgave {B.whom}.',
    '{A.name} gave {B.whom} a hug. "We are friends," {A.he} said.',
  ],
  notForgiven: [
    '{B.name} was [angry|hurt] and did not forgive {A.whom}.',
    '"Go away!" said {B.name}. {B.he} would not listen to {A.whom}.',
  ],
  mend: [
    'Together they took {T} to {A.name}, {A.a} {P.at}. {A.name} mended {T.it} [with glue and patience|in one evening].',
    '{A.name} the {A.kind} had a workshop {P.at}. There {A.he} mended {T}.',
    '{P.at} they found {A.a} called {A.name}, who could mend anything. Soon {T} was whole again.',
  ],
  findTogether: [
    '{P.at}, {A.name} and {B.whom} found {T.a}.',
    'There {A} and {B.whom} saw {T.a} at the same time.',
    '{B.name} came along too. [Under a bush|Beside the path], the two found {T.a}.',
  ],
  quarrel: [
    '"{T.they} {T.is} mine!" cried {A.name}. "No, {T.they} {T.is} mine!" cried {B.name}.',
    'Both wanted {T.it}. They pulled and [shouted|scolded|pushed].',
    '"I saw {T.it} first," said {A.name}. "No, I did," said {B.name}. And so they quarrelled about {T}.',
  ],
  part: [
    '{A} went one way, and {B.name} went the other.',
    '"I do not want to see you any more!" said {B.name}, and ran off.',
    'They went home without [a word|saying goodbye].',
  ],
  keepForSelf: ['{A.name} kept {T} for {A.self}.', '{A.name} took {T} home and shut the door.'],
  advise: [
    '"[A friend is worth more than any treasure|Somebody must say sorry first|Go and talk to each other]," said {A.name}, {A.a}, to {B.whom}.',
    '{A.name} the {A.kind} saw {B.whom} and said, "It takes a brave one to say sorry."',
  ],
  sorry: [
    'At last {A.name} went to {B.whom}. "I am sorry," {A.he} said.',
    'The next morning, {A.name} said sorry to {B.whom}.',
    '{A.name} knocked at {B.s} door and said sorry.',
  ],
  share: [
    'From now on, they shared {T}.',
    '{A.name} and {B.whom} [cut {T} in two|used {T} in turns|shared {T} fairly].',
    'Now {T} belonged to both of them.',
  ],
  // wishes and trades
  seeWithOther: [
    'There {A} met {B.name}, {B.a}, who had {T.a}.',
    '{B.name} the {B.kind} stood there with {T.a}.',
    '{A} saw {B.a} called {B.whom}, and {B.name} had {T.a}.',
  ],
  want: [
    '{A} wanted {T} [very much|more than anything].',
    '"If only I had {T.a} like that!" thought {A.name}.',
    '{A} could not take {A.his} eyes off {T}.',
    '"I wish {T.they} were mine," {A} said.',
  ],
  refuse: [
    '{A.name} shook {A.his} head. "{T} {T.is} not for sale," {A.he} told {B.whom}.',
    '"No," {A.name} said to {B.whom}. "I need {T.it} myself."',
  ],
  askForTrade: [
    '"What will you give me for {T.it}?" asked {A.name}. "Bring me {U.a}, and {T.they} {T.is} yours."',
    '"I would like to have {U.a}," {A.name} said to {B.whom}. "Shall we trade?"',
  ],
  thinkOver: [
    '{A} had {U.a} at home. {A.he} thought it over [for a while|all night].',
    'It was hard for {A.whom} to give {U} away.',
  ],
  trade: [
    'So {A} gave {B.whom} {U.a} and got {T}.',
    '{A} traded {A.his} {U.noun} for {B.s} {T.noun}.',
    'They traded: {B.name} got {U}, and {A.name} got {T}.',
  ],
  askForWork: [
    '"Help me to {chore}," {A.name} told {B.whom}, "and {T.they} {T.is} yours."',
    '"I need someone to {chore}," said {A.name}. "Then you may have {T}."',
  ],
  work: [
    '{A} worked [all day|until the sun went down|hard] to {chore}.',
    'It was hard work to {chore}, but {A} did not give up.',
  ],
  giveAsWages: [
    'In the evening, {A.name} gave {T} to {B.whom}.',
    '"Well done," said {A.name}, and gave {B.whom} {T}.',
    '{A.name} kept {A.his} word: {B.whom} got {T}.',
  ],
  // presents and things made
  birthday: [
    '[Tomorrow|Soon|On Sunday] it would be the birthday of {A.s} friend {B.name}, {B.a}.',
    '{B.name} the {B.kind} was {A.s} best friend, and {B.his} birthday was near.',
    '{A} had a friend called {B.whom}, {B.a}. It was nearly {B.s} birthday.',
  ],
  suggest: [
    '"{C.name} would like {T.a}," said {A.name} the {A.kind}.',
    '{A.name}, {A.a}, had an idea. "Give {C.whom} {T.a}," {A.he} said.',
    '{B.name} asked {A.a} called {A.whom}. "Give {C.whom} {T.a}," said {A.name}.',
  ],
  askAdviceInVain: [
    '{A} asked {B.name} the {B.kind}, but {B.name} had no idea either.',
    '{A} asked {B.a} called {B.whom} what to give. {B.name} did not know.',
  ],
  findPresent: [
    'There {A} found {T.a}. It was just right for {B.whom}!',
    '{P.at}, {A} saw {T.a}. "That is it!" {A.he} cried.',
    'Half hidden in the grass lay {T.a}. {A} picked {T.it} up and cleaned {T.it}.',
  ],
  make: [
    '{A} stayed up all night and made {T.a} with {A.his} own {A.limb}s.',
    '{A} [worked for three days|worked in secret] and made {T.a} for {B.whom}.',
    '"I will make something," said {A.name}, and made {T.a}.',
  ],
  giveAsPresent: [
    'On the birthday, {A} gave {B.whom} {T.a}.',
    'Then the day came. {A} gave {T} to {B.whom}.',
    '"Happy birthday, {B.name}!" said {A.name}, and gave {B.them} {T.a}.',
  ],
  dislike: [
    'But {A.name} did not like {T.it} at all.',
    '{A.name} looked at {T} and said nothing. {A.he} did not like {T.it}.',
  ],
  party: [
    'There was cake for everyone, and they [danced|sang|played] until late.',
    'Then they [ate cake|lit the lanterns|played games], and everyone sang for {B.whom}.',
  ],
  startBuilding: [
    '{A} wanted to build {T.a}. {A.he} began to work {P.at}.',
    'One day {A} began to build {T.a} {P.at}.',
    '"I am going to build {T.a}," said {A.name}, and set to work {P.at}.',
  ],
  missPiece: [
    'But {missing} was missing.',
    'It was almost ready. Only {missing} was missing.',
    '{A} looked in every box. {A.he} needed {missing} and had none.',
  ],
  askPieceInVain: [
    '{A} asked {B.name} the {B.kind} for {missing}, but {B.name} had none.',
    '"{missing}? I have no such thing," said {B.name}, {B.a}.',
  ],
  fallApart: [
    '{A} tried without it. {T} fell apart.',
    'Without it nothing would hold, and in the night {T} fell apart.',
  ],
  bringPiece: [
    'Then {A.name}, {A.a}, came by and brought {B.whom} {missing}.',
    '{A.a} called {A.name} had {missing} and gave it to {B.whom}.',
    '"I have {missing}," said {A.name} the {A.kind}. "You can have it."',
  ],
  finish: [
    'Now {A} could finish {T}.',
    'By evening, {A} had finished {T}.',
    'Tap, tap, tap, and {A} had {T.a}!',
  ],
  // courage, rescues, errands, contests, neighbours
  fear: [
    '{A} was afraid of {fear}.',
    'There was only one thing that frightened {A.whom}: {fear}.',
    'Ever since {A.he} was small, {A} had been afraid of {fear}.',
  ],
  challenge: [
    'One day {A.name} said to {B.whom}, "Come, let us {test}."',
    '"Will you {test} with me?" asked {A.name} one evening. {B.name} turned pale.',
    '"I am going to {test}," said {A.name} one day. "Are you coming, {B.name}?"',
  ],
  runAway: [
    '{A} wanted to, but {A.his} legs would not go. {A.he} ran away.',
    'When the time came, {A} turned around and ran home.',
  ],
  giveForLuck: [
    '{A.name} gave {B.whom} {T.a} for luck.',
    '"Take this," said {A.name}, and gave {B.whom} {T.a}. "It will bring you luck."',
  ],
  holdHand: [
    '{A.name} held {B.whom} by the {A.limb}. "I am with you," {A.he} said.',
    '"We will do it together," said {A.name}, and took {B.whom} by the {B.limb}.',
  ],
  dareIt: [
    '{A} closed {A.his} eyes, counted to three and dared to {test}.',
    'And then {A} really did {test}!',
    'Step by step, with a beating heart, {A} went on. So {A.he} did {test} after all.',
  ],
  praise: [
    '"I knew you could do it," said {A.name} to {B.whom}.',
    '{A.name} clapped. "Well done, {B.name}!"',
  ],
  hearCall: [
    'Suddenly {A} heard a cry: "Help! Help!"',
    '{A} stopped and listened. Someone was calling for help.',
    'Then a thin voice called, "Is anybody there? Help me!"',
  ],
  trapped: [
    'It was {A.a} called {A.name}. {A.he} was {trap}.',
    'There was {A.name} the {A.kind}, {trap}.',
    '{A.name}, {A.a}, was {trap}.',
  ],
  helpInVain: [
    '{A} pulled and called, but could not help {B.whom}.',
    '{A} tried everything, but it was no use.',
  ],
  waitTogether: [
    'All {A} could do was stay with {B.whom} and wait through the cold night.',
    '{A} sat down beside {B.whom}, and they waited in the rain.',
  ],
  runFor: [
    '{A} ran to {C.name}, {C.a}, and asked for help.',
    '"I will be right back!" said {A.name}. {A.he} ran to {C.a} called {C.whom}.',
  ],
  lendTool: [
    '{A.name} gave {B.whom} {T.a}.',
    '"Take this," said {A.name}, and gave {B.whom} {T.a}.',
    'From {A.whom}, {B.name} got {T.a}.',
  ],
  rescueWith: [
    'With {T}, {A} got {B.whom} out.',
    '{A} used {T}, and after a while {B.name} was free.',
    'It was not easy, but with the help of {T} {A} saved {B.whom}.',
  ],
  rescue: [
    '{A} did not think twice and got {B.whom} out.',
    '{A} reached out {A.his} {A.limb} and saved {B.whom}.',
    '"Hold on to me!" cried {A.name}. A moment later {B.name} was free.',
  ],
  errandForIll: [
    '{B.name} the {B.kind} lay ill {P.at}. So {A} packed {T.a} and set out to visit {B.whom}.',
    'One day {A} heard that {B.name}, {B.a} who lived {P.at}, was ill. {A.he} took {T.a} and went to see {B.whom}.',
  ],
  errand: [
    'One day {A} had to bring {T.a} to {B.name}, {B.a} who lived {P.at}.',
    '{B.name} the {B.kind}, who lived {P.at}, had asked for {T.a}. {A.name} set out to bring {T.it}.',
  ],
  loseWay: [
    'Fog came up, and {A} lost the way.',
    'All the paths looked the same. Soon {A} was lost.',
  ],
  loseWayHelped: [
    '{A.a} called {A.name} showed {B.whom} the right path.',
    '"Follow me," said {A.name}, {A.a}, and showed {B.whom} the way.',
  ],
  riverInWay: [
    'Then {A} came to a wide river without a bridge.',
    'The bridge was broken. How could {A} cross the river?',
  ],
  riverInWayHelped: [
    '{A.name} the {A.kind} swam across and pulled {B.whom} over on a raft.',
    '{A.a} called {A.name} carried {T} across the water and helped {B.whom} over.',
  ],
  hungryOnWay: [
    'On the way, {A} grew so tired that {A.he} could not go on.',
    'It was far. {A.s} legs grew heavy, and {A.he} had to sit down.',
  ],
  hungryOnWayHelped: [
    '{A.name}, {A.a}, gave {B.whom} some water and walked along.',
    '{A.a} called {A.name} came by with a cart and took {B.whom} along.',
  ],
  loseToRiver: [
    'Then {A} slipped, and {T} fell into the river and {T.was} swept away.',
    '{A} stumbled over a root. {T} flew through the air and {T.was} lost.',
  ],
  comeEmptyHanded: [
    '{A} came to {B.whom} with nothing.',
    'When {A} stood before {B.whom} at last, {A.he} had nothing to give.',
  ],
  deliver: [
    'At last {A} reached {P} and gave {T} to {B.whom}.',
    'In the evening, {A} came to {P}. {B.name} opened the door, and {A.name} gave {B.whom} {T}.',
    '"I have brought you something," said {A.name}, and gave {B.whom} {T}.',
  ],
  contest: [
    'On Sunday, there was to be {contest} {P.at}, and {A} wanted to win.',
    'There was {contest} {P.at} every year. This time {A} took part.',
  ],
  practise: [
    '{A} practised every day, and {B.name} the {B.kind} helped {A.whom} to {verb} better.',
    '{B.name}, {B.a}, showed {A.whom} how to {verb}. They practised for a week.',
  ],
  win: [
    '{A.name} was the best of all and won {T.a}.',
    'When the contest was over, {A.name} had won. The prize was {T.a}.',
    'It was close, but {A.name} won before {B.whom} and got {T.a}.',
  ],
  shareWith: [
    '{A} let {B.whom} share the prize.',
    '"Without you I would not have won," {A} told {B.whom}.',
  ],
  congratulate: [
    '{A} went over to {B.name} the {B.kind} and said, "Well done!"',
    '{A} was the first to clap for {B.name}, {B.a}.',
  ],
  newcomer: [
    'One day, {A.a} called {A.name} came to live {P.at}.',
    'Then {A.name}, {A.a}, moved into the empty house {P.at}.',
  ],
  tooShy: [
    '{A} wanted to say hello to {B.whom}, but did not dare.',
    'Every day {A} watched {B.whom} and never said a word.',
  ],
  moveAway: [
    'After a while, {A.name} moved away again.',
    'One morning the house was empty. {A.name} had moved away.',
  ],
  giveWelcome: [
    '{A} took heart, knocked at the door and gave {B.whom} {T.a}.',
    '"Welcome!" said {A.name}, and gave {B.whom} {T.a}.',
    '{A} went over with {T.a} and gave {T.it} to {B.whom}.',
  ],
  playTogether: [
    '{B.name} laughed, and the two [played until dark|talked for hours].',
    'Soon {A} and {B.whom} were [playing hide and seek|running over the fields].',
  ],
};
