#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Short stories from a grammar: characters, places and plots of our own.

story(rng) returns (text, meta).  A slot such as {food} is chosen once per
story and kept, so that people, places and things stay the same from the first
sentence to the last; {food2} is a second, different choice.
"""
import re

BOYS = """Tom Ben Sam Max Leo Finn Otto Hugo Paul Karl Emil Oscar Felix Theo
Jack Noah Luke Adam Eric Ivan Marco Pedro Omar Ravi Kenji Bruno Milo Toby Gus
Rusty Bramble Pip Barley Flint Rowan Jasper Arlo Basil Alfie Henry George
Peter Simon Martin Victor Walter Ned Rufus Casper Dexter Monty Boris Igor Sven
Lars Nils Amir Yusuf Kofi Juan Diego Matteo Luca""".split()
GIRLS = """Mia Lily Anna Ella Ruby Rosa Nora Clara Emma Lucy Maya Zoe Ivy
Alice Sara Hanna Lena Julia Sofia Eva Nina Tina Olga Vera Amina Leila Yuki
Mei Priya Hazel Willow Daisy Poppy Luna Stella Pearl Fern Holly Misty Penny
Dora Wanda Greta Frida Astrid Ingrid Molly Polly Bella Carla Dana Edith Flora
Gilda Heidi Iris Jenny Kate Lola Marta Olive Paula""".split()

ANIMALS = """fox bear rabbit mouse owl wolf deer squirrel hedgehog badger
beaver otter frog turtle duck goose swan hen rooster cow horse pony donkey
goat sheep lamb pig dog puppy cat kitten hamster parrot crow raven robin
sparrow eagle penguin seal whale dolphin shark crab octopus fish lion tiger
elephant giraffe zebra monkey hippo rhino camel kangaroo koala panda snake
lizard crocodile snail bee ant spider butterfly ladybird dragonfly mole bat
moose llama raccoon skunk flamingo peacock pigeon toad worm cricket
caterpillar""".split()
FANTASY = """dragon wizard witch fairy giant knight princess prince king queen
pirate robot unicorn mermaid ghost troll goblin elf dwarf snowman phoenix
monster scarecrow""".split()
PEOPLE = """farmer baker sailor fisherman gardener painter singer dancer
shepherd miller carpenter clockmaker teacher doctor postman librarian cook
builder explorer astronaut inventor musician tailor blacksmith beekeeper
lighthouse-keeper""".split()
CHILD = ["boy", "girl"]
THINGS = """boat train car kite cloud star teapot lantern toy bus snowflake
balloon tractor drum clock raindrop leaf tree pumpkin""".split()
SHE_ONLY = {"girl", "princess", "queen", "witch", "mermaid", "hen", "cow",
            "fairy"}
HE_ONLY = {"boy", "prince", "king", "rooster", "wizard", "postman",
           "fisherman", "snowman"}
HEROES = ANIMALS * 3 + FANTASY * 3 + PEOPLE + CHILD * 20 + THINGS * 2

ADJ = """little small young brave shy clever curious kind quiet cheerful lazy
gentle lonely hungry playful careful proud funny tiny old friendly sleepy
polite stubborn busy""".split()
FADJ = """kind old wise friendly gentle clever tiny big quiet funny cheerful
brave patient""".split()

PLACES = [("in", p) for p in """the deep forest|a small village|the green
valley|an old castle|a cosy cottage|the big city|a quiet town|the dark
woods|the jungle|a hollow tree|the desert|an old mill|a sunny garden""".replace(
    "\n", " ").split("|")] + \
    [("on", p) for p in """a high hill|a small island|an old farm|the wide
meadow|the edge of the forest|a snowy mountain""".replace("\n", " ").split("|")] + \
    [("by", p) for p in """the blue sea|the river|a quiet lake|a clear
stream|the old bridge|a big waterfall""".replace("\n", " ").split("|")] + \
    [("near", p) for p in """the lighthouse|a tall tower|the railway
station|a green pond|the market""".replace("\n", " ").split("|")]

LISTS = {
    "food": """bread|apple pie|vegetable soup|honey cake|fresh berries|warm
pancakes|cheese|carrots|nuts|plums|pears|mushrooms|cookies|porridge|cherry
jam|roasted corn|sweet melons|noodles""",
    "obj": """key|lantern|map|book|ball|bell|box|ring|drum|flute|kite|basket|
compass|mirror|feather|stone|shell|coin|scarf|hat|umbrella|clock|whistle|
button|cup|spoon|crown|blanket|teapot|paintbrush|necklace|marble""",
    "objadj": """silver|golden|shiny|small|old|red|blue|wooden|magic|
beautiful|broken|strange|green|round|tiny|glass|yellow|heavy|purple""",
    "hobby": """sing songs|dance in the rain|collect shiny stones|read
books|climb trees|swim in the cold water|look at the stars|paint pictures|
tell jokes|bake bread|build little houses|play hide and seek|grow flowers|
count the clouds|play the drum|run very fast|fly kites|write letters|draw
maps|listen to the birds|ask questions|fix broken things""",
    "wear": """scarf|hat|coat|ribbon|cap|bow tie|jacket""",
    "colour": """red|blue|green|yellow|purple|orange|pink|white|black|grey|
brown""",
    "weather": """sunny|rainy|windy|cold|warm|foggy|snowy|stormy|bright|
cloudy|frosty""",
    "dayp": """morning|afternoon|evening|day""",
    "season": """spring|summer|autumn|winter""",
    "flower": """roses|tulips|daisies|sunflowers|violets|lilies|poppies""",
    "veg": """carrot|pumpkin|cabbage|potato|turnip|bean|tomato""",
    "fear": """the dark|thunder|deep water|high places|loud noises|big
crowds|spiders|the cold wind""",
    "skill": """swim|whistle|juggle|skate|sing|ride a bicycle|bake bread|
play the flute|dance|read|knit|row a boat|paint|tie knots""",
    "contest": """race|singing contest|baking contest|drawing contest|
dancing contest|kite contest|swimming race|jumping contest""",
    "hide": """under a bush|behind a big rock|in a hollow log|under the
bridge|on top of the roof|inside an old boot|behind the barn|between two
stones|under a pile of leaves|at the bottom of the well""",
    "build": """raft|bridge|tree house|small boat|bench|swing|sledge|
windmill|fence|little house|cart""",
    "gift": """a warm scarf|a jar of honey|a new hat|a basket of apples|a
picture of the sea|a bunch of flowers|a shiny shell|a sweet song|a wooden
toy|a big cake|a soft pillow""",
    "sky": """the moon|the stars|the sun|the clouds|a rainbow""",
    "noise": """tap, tap, tap|boom, boom|a soft squeak|a long whistle|a
scratching sound|a low hum|plop, plop|a tiny bell""",
    "source": """a baby bird in an empty bucket|a loose window in the wind|a
small frog with a cold|a kitten in a cardboard box|a branch that knocked on
the wall|a hedgehog who was looking for a bed|the rain in an old pot|a mouse
who was learning to play the drum""",
    "wish": """to fly over the hills|to see the sea|to have a friend|to be
very tall|to touch the snow|to sing like a bird|to visit the moon|to find a
real treasure""",
    "treasure": """a box full of old books|a chest of golden coins|a garden
full of flowers|a pot of honey|a bag of seeds|a box of letters|a music box|
the best view in the world""",
    "happy": """happy|glad|proud|very happy|full of joy|so happy|cheerful""",
    "sad": """sad|worried|very sad|unhappy|upset""",
    "smile": """smiled|laughed|nodded|grinned|jumped for joy|clapped""",
}
LISTS = {k: [x.strip() for x in v.replace("\n", " ").split("|")]
         for k, v in LISTS.items()}

WEATHER = {"spring": "sunny rainy windy cool warm foggy bright cloudy".split(),
           "summer": "sunny hot rainy windy warm bright cloudy".split(),
           "autumn": "sunny rainy windy cold foggy stormy cloudy".split(),
           "winter": "cold snowy windy foggy frosty stormy cloudy icy".split()}

OPEN = [
    "Once upon a time, there was a {adj} {K} named {N}.",
    "Once upon a time, a {adj} {K} named {N} lived {IN}.",
    "Once there was a {adj} {K} called {N}.",
    "Long ago, {IN}, there lived a {adj} {K} named {N}.",
    "There once was a {adj} {K} whose name was {N}.",
    "{N} was a {adj} {K} who lived {IN}.",
    "{IN} lived a {adj} {K} called {N}.",
    "A {adj} {K} named {N} lived {IN}.",
    "This is the story of {N}, a {adj} {K} who lived {IN}.",
]
TRAIT = [
    "{He} loved to {hobby}.", "{He} liked to {hobby} and to {hobby2}.",
    "Every day {he} liked to {hobby}.", "{He} always wore a {colour} {wear}.",
    "More than anything, {N} loved to {hobby}.",
    "Everyone knew {N} because {he} always wore a {colour} {wear}.",
    "{His} favourite food was {food}.",
    "{N} was {adj2}, but {he} had a good heart.", "", "",
]
WHEN = ["One {weather} {dayp},", "One {season} {dayp},", "One day,",
        "On a {weather} {season} day,", "One {dayp},", "One {weather} {dayp} in {season},"]
FRIEND = ["{FA} {fk} named {M}", "{M}, {FA} {fk}", "{FA} {fk} called {M}"]

END = [
    "From that day on, {N} and {M} were best friends.",
    "And they lived happily ever after.",
    "That night, {N} fell asleep with a smile.",
    "{N} never forgot that day.",
    "And whenever {N} met {M} again, they laughed about it.",
    "It was the best day of the whole {season}.",
    "From then on, they met every {dayp2}.",
    "{N} and {M} stayed friends for the rest of their lives.",
    "Then they went home and ate {food} together.",
    "\"What a day!\" said {N}, and {M} agreed.",
    "The end.",
]

# Each plot: a name, the lesson it teaches, and its steps; a step is a list of
# ways to say the same thing.  "@" begins with the time of day, "%" stands for
# the way the friend is brought in.
PLOTS = [
 ("lost", ["{N} learned that it is good to ask for help.", "{N} learned that friends help each other.", "After that, {N} always took good care of {his} things."], [
  ["{N} had a {objadj} {obj} that {he} loved very much.", "{His} most precious thing was a {objadj} {obj}.", "{His} grandmother had given {him} a {objadj} {obj}."],
  ["@ the {obj} was gone.", "@ {N} could not find the {obj} anywhere.", "@ {he} woke up and saw that the {obj} was missing."],
  ["{He} looked in {his} bed, but it was not there.", "{N} looked under the table and behind the door, but found nothing.", "{He} searched the whole house, but the {obj} was not there.", "{N} was {sad} and began to cry."],
  ["Then {he} met %.", "Just then, % came along.", "Outside, {he} met %."],
  ["\"Why are you so {sad}?\" asked {M}. \"I lost my {objadj} {obj},\" said {N}.", "\"Have you seen my {obj}?\" asked {N}. \"No,\" said {M}, \"but I will help you to look for it.\"", "\"My {obj} is gone!\" said {N}. \"Do not worry,\" said {M}. \"We will find it together.\""],
  ["They looked for a long time.", "They looked here and there and everywhere.", "Together they followed the path from the day before."],
  ["At last, {M} found the {obj} {hide}.", "Then {N} saw something shine {hide}. It was the {obj}!", "Finally they found the {obj} {hide}."],
  ["{N} was {happy} and hugged {M}.", "\"Thank you so much!\" said {N}.", "\"You are a true friend,\" said {N}, and {M} {smile}."]]),
 ("friend", ["{N} learned that a friend can be anywhere.", "{N} learned that it only takes one kind word to make a friend."], [
  ["But {N} had no friends.", "But {N} was often alone, and that made {him} {sad}.", "{N} wished for a friend to play with."],
  ["@ {he} walked to {P2} to look for a friend.", "@ {he} went for a walk near {P2}.", "@ {N} decided to find a friend."],
  ["First {he} met a {k3}, but the {k3} was too busy to play.", "{He} asked a {k3}, \"Will you play with me?\" But the {k3} only shook its head.", "A {k3} ran past and did not stop."],
  ["Then {he} saw %.", "Then {he} heard a small voice. It was %.", "Behind a tree sat %."],
  ["{M} was sitting alone and looked {sad}.", "{M} was trying to lift a heavy {obj}.", "{M} had a {objadj} {obj}, but nobody to share it with."],
  ["\"Would you like to play with me?\" asked {N}.", "\"Hello,\" said {N}. \"Do you want some of my {food}?\"", "\"May I help you?\" asked {N}."],
  ["\"Oh yes, please!\" said {M}.", "{M} {smile} and said yes.", "\"I would love that,\" said {M}. \"I was alone too.\""],
  ["They played until the sun went down.", "They laughed and talked all day long.", "They shared {food} and told each other stories."]]),
 ("hurt", ["{N} learned that a small kindness can be a big help.", "{N} learned that kindness always comes back."], [
  ["@ {N} heard someone crying near {P2}.", "@ {N} was on the way home when {he} heard a cry.", "@ {N} walked along the path and saw something move {hide}."],
  ["It was %, and {fhe} had hurt {fhis} foot.", "There sat %, who could not walk.", "It was %, stuck between two branches."],
  ["\"Please help me,\" said {M}.", "\"Ouch, it hurts so much,\" said {M}.", "\"Can you help me?\" asked {M}."],
  ["\"Do not be afraid,\" said {N}. \"I will help you.\"", "{N} did not wait for a moment.", "\"Of course,\" said {N}."],
  ["{He} took {his} {colour} {wear} and made a bandage.", "{He} carried {M} home very carefully.", "{He} gave {M} some water and {food}."],
  ["Every day {N} came back with {food2}.", "{N} stayed with {M} all night long.", "{N} told {M} stories until the pain was gone."],
  ["After one week, {M} was well again.", "Soon {M} could walk and jump again.", "When {season2} came, {M} was strong again."],
  ["To say thank you, {M} gave {N} a {objadj} {obj}.", "\"I will never forget what you did,\" said {M}.", "Later, when {N} was lost in the fog, {M} showed {him} the way home."]]),
 ("contest", ["{N} learned that it is more important to have fun than to win.", "{N} learned that you can do a lot if you practise.", "{N} learned that helping a friend is better than winning."], [
  ["@ there was a big {contest} near {P2}.", "Every {season}, there was a {contest} {IN}.", "@ {N} saw a sign: \"Big {contest} today!\""],
  ["{N} wanted to win the first prize, a {objadj} {obj}.", "The prize was a {objadj} {obj}, and {N} wanted it very much.", "{N} practised for many days, because the prize was a {objadj} {obj}."],
  ["% wanted to win too.", "The best of all was %.", "Next to {him} stood %."],
  ["\"You are too {adj2} to win,\" said a {k3}.", "\"Good luck!\" said {M}.", "\"I am so nervous,\" said {M}. \"Me too,\" said {N}."],
  ["The contest began, and everybody did their best.", "When the bell rang, they all began.", "At first everything went well for {N}."],
  ["But then {M} fell down, and {N} stopped to help {fhim}.", "In the middle, {M} began to cry, so {N} went to {fhim} and held {fhis} hand.", "Suddenly it began to rain, but {N} and {M} did not give up."],
  ["In the end, {N} and {M} came in last, but everyone clapped for them.", "In the end, {N} and {M} won together.", "In the end, a {k3} won, but {N} did not mind."],
  ["They shared the prize and were {happy}.", "\"You were very kind today,\" said {M}.", "{M} gave {N} a hug, and that was better than any prize."]]),
 ("storm", ["{N} learned that there is always room for a friend.", "{N} learned that a storm is not so bad when you are not alone."], [
  ["@ dark clouds came over {P2}.", "@ the wind began to blow very hard.", "@ a big storm came from the hills."],
  ["{N} ran home and closed the door.", "{N} sat at home by the fire with a bowl of {food}.", "{N} lit a lantern and listened to the rain."],
  ["Then someone knocked at the door.", "Knock, knock! Somebody was at the door.", "Suddenly {he} heard a knock."],
  ["Outside stood %, cold and wet.", "It was %, and {fhe} was wet from head to toe.", "In the rain stood %, who had lost {fhis} home in the storm."],
  ["\"May I come in?\" asked {M}.", "\"Please, can I stay here tonight?\" asked {M}.", "\"I have nowhere to go,\" said {M}."],
  ["\"My house is very small,\" said {N}, \"but there is room for you.\"", "\"Come in, quickly!\" said {N}.", "{N} opened the door wide and gave {M} a warm blanket."],
  ["They ate {food} and told stories all night.", "{N} gave {M} some {food}, and soon {fhe} felt warm.", "They sang songs until the storm was over."],
  ["In the morning, the sun was shining and there was a rainbow.", "When the storm was over, they went out and looked at the clean, bright world.", "The next day, they built a new home for {M}."]]),
 ("birthday", ["{N} learned that good friends never forget.", "{N} learned that the best gift is time together."], [
  ["@ {N} woke up early. It was {his} birthday!", "It was almost time for the birthday of {N}.", "Tomorrow was a special day: the birthday of {N}."],
  ["But nobody said a word about it.", "But when {he} went out, nobody was there.", "{He} waited, but no friend came to see {him}."],
  ["{He} asked %, \"Do you know what day it is?\"", "{He} went to see %.", "Then {he} met %, who was carrying a big bag."],
  ["\"I am sorry, I have no time today,\" said {M}, and ran away.", "\"It is just a normal day,\" said {M}, but {fhe} smiled a little.", "{M} only said, \"I must go to {P2}.\""],
  ["{N} was {sad} and walked home slowly.", "{N} thought that everyone had forgotten.", "\"Nobody thinks of me,\" said {N}."],
  ["But when {he} opened the door, all {his} friends were there!", "But at home, there were lights and balloons everywhere.", "Then {he} heard music from the garden."],
  ["\"Surprise!\" they called.", "\"Happy birthday, {N}!\" they all shouted.", "\"Happy birthday!\" said {M}. \"We wanted to surprise you.\""],
  ["{M} gave {him} {gift}.", "There was {food} for everyone, and {M} gave {him} {gift}.", "They danced and ate {food} until late at night."]]),
 ("skill", ["{N} learned that nobody is born a master.", "{N} learned that you must not give up too soon.", "{N} learned that it is fine to make mistakes."], [
  ["{N} wanted to learn how to {skill}.", "All the others could {skill}, but {N} could not.", "There was one thing {N} could not do: {he} could not {skill}."],
  ["@ {he} tried it for the first time, but it went wrong.", "@ {he} tried and tried, but nothing worked.", "{He} tried it once, and a {k3} laughed at {him}."],
  ["\"I will never learn it,\" said {N}.", "{N} was {sad} and sat down under a tree.", "\"It is too hard for me,\" {he} said."],
  ["% heard this and came closer.", "Then % sat down beside {him}.", "That {dayp2}, {he} told % about it."],
  ["\"I could not {skill} either when I was small,\" said {M}.", "\"Shall I show you how to {skill}?\" asked {M}.", "\"Try it slowly, one step after another,\" said {M}."],
  ["So they practised together every day.", "From then on, they practised every {dayp2}.", "{M} showed {him} how to do it, again and again."],
  ["One day, it worked!", "After many tries, {N} could do it.", "And then, all at once, it was easy."],
  ["\"Look at me! I can {skill}!\" shouted {N}.", "{N} was {happy} and thanked {M}.", "{M} was {happy} too and said, \"I knew you could do it.\""]]),
 ("share", ["{N} learned that shared food tastes better.", "{N} learned that sharing makes everyone happy.", "{N} learned to share."], [
  ["@ {N} found a big basket full of {food}.", "@ {N} made a lot of {food}.", "@ {N} got a big plate of {food}."],
  ["\"It is all mine,\" {he} thought.", "{He} wanted to keep it all for {him}self.", "{He} hid it {hide}, so that nobody could find it."],
  ["Then % came by and was very hungry.", "Soon % came and smelled the {food}.", "On the path {he} met %, who had not eaten all day."],
  ["\"May I have a little bit?\" asked {M}.", "\"That looks good,\" said {M}. \"I am so hungry.\"", "\"Could you give me a small piece?\" asked {M}."],
  ["\"No,\" said {N}, and {M} went away {sad}.", "First {N} said no and turned away.", "\"There is only enough for me,\" said {N}."],
  ["But when {N} ate alone, it did not taste good at all.", "But {N} felt bad and could not eat.", "{N} looked at the {food} and thought about {M}."],
  ["So {he} ran after {M} and said, \"I am sorry. Please eat with me.\"", "So {he} called {M} back and gave {fhim} half of it.", "\"Wait!\" {he} called. \"Let us eat together.\""],
  ["They ate and laughed, and there was enough for both.", "{M} {smile} and brought some {food2} too.", "It was the best meal they had ever had."]]),
 ("treasure", ["{N} learned that the way can be better than the treasure.", "{N} learned that the best treasure is a good friend."], [
  ["@ {N} found an old map {hide}.", "@ {N} opened a dusty book, and a map fell out.", "@ a bottle with a map came floating to {P2}."],
  ["On the map there was a big {colour} cross.", "The map showed the way to a treasure near {P2}.", "\"A treasure map!\" said {N}."],
  ["{He} showed it to %.", "{He} ran to {his} friend, %.", "On the way {he} met %, who wanted to come along."],
  ["\"Let us find it!\" said {M}.", "\"It may be dangerous,\" said {M}, \"but I will go with you.\"", "\"I know this place,\" said {M}. \"Follow me!\""],
  ["They walked over the hills and through a dark cave.", "They crossed a river and climbed a steep hill.", "They walked for three days and slept under the stars."],
  ["When they were hungry, they shared some {food}.", "Once they got lost, but {N} found the path again.", "A {k3} told them to turn left at the old tree."],
  ["At the cross they began to dig.", "At last they came to the right place and found a {colour} door.", "There, {hide}, was a wooden chest."],
  ["Inside they found {treasure}.", "And what did they find? It was {treasure}!", "The treasure was {treasure}."]]),
 ("fear", ["{N} learned that being brave means to go on even if you are afraid.", "{N} learned that everyone is afraid sometimes."], [
  ["But {N} was afraid of {fear}.", "There was only one problem: {N} was afraid of {fear}.", "Nobody knew that {N} was afraid of {fear}."],
  ["@ {his} friend {M}, {FA} {fk}, did not come home.", "@ {M}, {FA} {fk}, called for help from {P2}.", "@ {he} heard that {M}, {FA} {fk}, was in trouble."],
  ["To help {M}, {N} had to be very brave.", "\"I must help {M},\" thought {N}, \"but I am so afraid of {fear}.\"", "{N} wanted to help, but {his} legs were shaking."],
  ["{He} took a deep breath and went on.", "{He} held {his} {objadj} {obj} tightly and started to walk.", "{He} closed {his} eyes and counted to three."],
  ["Step by step, {he} came closer.", "It was hard, but {he} did not stop.", "\"I can do it,\" {he} said again and again."],
  ["Then {he} found {M} {hide}.", "At last {he} saw {M}, who was waiting {hide}.", "There was {M}, cold and tired."],
  ["\"You came!\" said {M}. \"But are you not afraid of {fear}?\"", "\"You are so brave!\" said {M}.", "\"I knew you would come,\" said {M}."],
  ["\"Yes, but you needed me,\" said {N}.", "\"I was afraid,\" said {N}, \"but now I am not.\"", "{N} {smile}. {He} was not afraid any more."]]),
 ("build", ["{N} learned that many hands make light work.", "{N} learned to think first and build later.", "{N} learned that two heads are better than one."], [
  ["{N} wanted to build a {build}.", "@ {N} had an idea: {he} would build a {build}!", "@ {he} decided to build a {build}."],
  ["{He} found some wood and a few nails.", "{He} took a hammer and began to work.", "{He} made a plan and collected wood from {P2}."],
  ["But after one hour, the {build} fell down.", "But the {build} was too weak and broke.", "{He} worked all day, but the {build} did not look right."],
  ["% was watching and came to help.", "Then % came by.", "{He} asked for help, and % came."],
  ["\"You need more wood on this side,\" said {M}.", "\"Let me hold it for you,\" said {M}.", "\"If we work together, it will be strong,\" said {M}."],
  ["So they worked together until the evening.", "{N} used the hammer, and {M} carried the wood.", "They worked for two days, and {M} sang a song."],
  ["At last the {build} was ready.", "In the end, the {build} was strong and beautiful.", "Finally, they painted the {build} {colour}."],
  ["Everyone came to look at it and {smile}.", "\"We made it!\" said {N}.", "They were {happy} with their work."]]),
 ("wish", ["{N} learned to be careful with wishes.", "{N} learned that it is good to be just as you are.", "{N} learned that dreams can come true with a little help."], [
  ["{N} had one big wish: {he} wanted {wish}.", "Every night {N} looked at {sky} and wished {wish}.", "More than anything, {N} wanted {wish}."],
  ["@ {he} found a {objadj} {obj} {hide}.", "@ {he} saw a {objadj} {obj} near {P2}.", "@ a {objadj} {obj} fell down right in front of {him}."],
  ["When {he} touched it, there was a bright light.", "The {obj} began to glow.", "{He} picked it up, and it became warm in {his} hand."],
  ["Out of the light came %.", "Suddenly % stood there.", "And then % appeared."],
  ["\"You have found my {obj},\" said {M}. \"I will give you one wish.\"", "\"Thank you for finding my {obj},\" said {M}. \"What do you wish for?\"", "\"What is your wish?\" asked {M}."],
  ["{N} said, \"I wish {wish}.\"", "{N} did not have to think. \"I wish {wish},\" {he} said.", "\"I have always wanted {wish},\" said {N}."],
  ["{M} {smile}, and the wish came true.", "\"So be it,\" said {M}.", "\"I cannot do that alone,\" said {M}, \"but we can do it together.\""],
  ["It was even better than {N} had dreamed.", "{N} could not believe it and was {happy}.", "\"Thank you, thank you!\" said {N}."]]),
 ("noise", ["{N} learned that most scary things are not scary at all.", "{N} learned that it is good to look twice."], [
  ["@ {N} could not sleep, because there was a strange noise.", "One night, {N} heard a strange noise.", "@ {he} heard a strange noise outside."],
  ["It went like this: {noise}.", "{N} listened. {noise}! There it was again.", "It sounded like {noise}."],
  ["\"Maybe it is a monster,\" thought {N}.", "{N} hid under the blanket.", "\"Who is there?\" asked {N}, but nobody answered."],
  ["{He} went to wake up {his} friend, %.", "{He} called {his} neighbour, %.", "Next door lived %, and {N} ran to {fhim}."],
  ["\"Did you hear that?\" asked {N}.", "\"There is a monster near {P2}!\" said {N}.", "\"Please come with me,\" said {N}."],
  ["{M} took a lantern, and they went out together.", "\"Let us have a look,\" said {M}.", "Hand in hand, they walked into the night."],
  ["They looked {hide} and found {source}.", "It was only {source}!", "And what was it? It was {source}."],
  ["{N} and {M} laughed and laughed.", "They had to laugh, and then they drank some hot milk.", "\"That is a very small monster,\" said {M}."]]),
 ("garden", ["{N} learned to be patient.", "{N} learned that good things take time."], [
  ["@ {N} planted a {veg} seed in the garden.", "@ {N} got a tiny {veg} seed from a {k3}.", "{N} wanted to grow the biggest {veg} of all."],
  ["{He} gave it water every {dayp2}.", "Every day {he} looked, but there was nothing to see.", "{He} sang to it and gave it water."],
  ["\"When will it grow?\" {he} asked %.", "\"Nothing happens,\" {he} said to %.", "{He} wanted to dig it up again, but then % came along."],
  ["\"You must be patient,\" said {M}.", "\"Wait a little longer,\" said {M}. \"Good things take time.\"", "\"Give it sun, water and time,\" said {M}."],
  ["So {N} waited, and the days went by.", "It rained, and the sun shone, and {N} waited.", "One week later, a small green leaf came out."],
  ["The {veg} grew and grew.", "Soon the {veg} was as big as a house.", "In {season2}, the {veg} was bigger than {N}."],
  ["{N} and {M} pulled together, and out it came!", "It was so heavy that {M} had to help.", "It took {N}, {M} and a {k3} to carry it home."],
  ["They made {veg} soup for everyone.", "That evening, the whole village ate {veg} soup.", "There was enough for a big feast."]]),
 ("way", ["{N} learned never to run off alone.", "{N} learned that home is the best place of all.", "{N} learned to look at the stars to find the way."], [
  ["@ {N} followed a {colour} butterfly far away from home.", "@ {N} walked to {P2}, farther than ever before.", "@ {N} went out to find {flower}."],
  ["When it got dark, {he} did not know the way back.", "Soon all the trees looked the same, and {he} was lost.", "Then the fog came, and {he} could not see the path."],
  ["\"Hello? Is anybody there?\" called {N}.", "{N} sat down and was {sad}.", "{N} was cold and hungry and wanted to go home."],
  ["A soft voice answered. It was %.", "Then {he} saw a light. It was %, with a lantern.", "Luckily, % lived nearby."],
  ["\"Are you lost?\" asked {M}.", "\"Where do you live?\" asked {M}. \"I live {IN},\" said {N}.", "\"Do not be afraid,\" said {M}. \"I know the way.\""],
  ["{M} gave {him} some {food} and took {his} hand.", "\"Look at {sky},\" said {M}. \"It will show us the way.\"", "They walked together and sang a song, so the way was not so long."],
  ["At last they saw the lights of home.", "After a long walk, {N} saw {his} own front door.", "When the sun came up, they were home."],
  ["{His} mother was {happy} and gave {M} {gift}.", "\"Thank you for bringing me home,\" said {N}.", "{N} asked {M} to stay for breakfast."]]),
 ("gift", ["{N} learned that a gift from the heart is the best gift.", "{N} learned that small gifts can bring big joy."], [
  ["{N} wanted to give {his} friend {M}, {FA} {fk}, something special.", "Soon it was the birthday of {M}, {FA} {fk}.", "{M}, {FA} {fk}, was ill, and {N} wanted to make {fhim} happy."],
  ["But {he} had no money to buy a gift.", "But what could it be? {N} thought for a long time.", "\"What can I give?\" thought {N}."],
  ["@ {he} went to the market and saw a {objadj} {obj}, but it cost too much.", "@ {he} asked a {k3} what to do.", "@ {he} walked to {P2} to find an idea."],
  ["\"Give something that you made yourself,\" said a {k4}.", "Then {he} had an idea.", "Suddenly {he} knew what to do."],
  ["{He} worked all night long.", "{He} used everything {he} could find: paper, wood and some {flower}.", "{He} sat down and began to work, and did not stop until it was done."],
  ["The next morning, {he} went to {M} and gave {fhim} {gift}.", "Then {he} brought it to {M}. It was {gift}!", "\"This is for you,\" said {N}, and gave {M} {gift}."],
  ["\"Did you make this for me?\" asked {M}.", "{M} could not say a word, because {fhe} was so {happy}.", "\"It is the best gift I ever got,\" said {M}."],
  ["They ate {food} and were {happy} together.", "{N} {smile}. It was a good idea after all.", "{M} hugged {N} for a long time."]]),
]


def fix(text):
    """a/an, capital letters after a full stop, double spaces."""
    text = re.sub(r"\b([Aa]) (?=[aeiouAEIOU])(?!uni|one|use|eu)", r"\1n ", text)
    text = re.sub(r"  +", " ", text).strip()
    return re.sub(r"(^|[.!?] |\n)([a-z])",
                  lambda m: m.group(1) + m.group(2).upper(), text)


def pseudo(rng):
    """A word that does not exist."""
    a = rng.choice("b br bl c cl d dr f fl g gl gr h j k kl l m n p pl pr r s "
                   "sl sn st t tr v w z qu sh th".split())
    s = a
    for i in range(rng.randint(1, 3)):
        s += rng.choice("a e i o u oo ee a o".split())
        s += rng.choice("b d f g k l m n p r s t x z ll mp nk rt sh".split())
    return s + rng.choice(["", "", "o", "y", "le", "in", "us"])


class Slots(dict):
    def __init__(self, rng):
        super().__init__()
        self.rng = rng

    def __missing__(self, key):
        base = key.rstrip("0123456789")
        pool = LISTS[base]
        used = {v for k, v in self.items() if k.rstrip("0123456789") == base}
        v = self.rng.choice([x for x in pool if x not in used] or pool)
        self[key] = v
        return v


def gender(rng, kind):
    if kind in SHE_ONLY:
        return "f"
    if kind in HE_ONLY:
        return "m"
    return rng.choice("mf")


def pronouns(d, g, prefix=""):
    he, him, his = ("he", "him", "his") if g == "m" else ("she", "her", "her")
    d.update({prefix + "he": he, prefix + "him": him, prefix + "his": his,
              prefix + "He": he.capitalize(), prefix + "His": his.capitalize()})


def story(rng, kind=None, name=None, friend=None, place=None, plot=None,
          short=False, adj=None):
    """One story; what the caller fixes (hero, name, place...) is used."""
    d = Slots(rng)
    kind = kind or (pseudo(rng) if rng.random() < 0.03 else rng.choice(HEROES))
    fk = friend or rng.choice([a for a in ANIMALS + FANTASY + ["boy", "girl"]
                               if a != kind])
    g, fg = gender(rng, kind), gender(rng, fk)
    if name in BOYS and kind not in SHE_ONLY:
        g = "m"
    if name in GIRLS and kind not in HE_ONLY:
        g = "f"
    d["N"] = name or rng.choice(BOYS if g == "m" else GIRLS)
    d["M"] = rng.choice([n for n in (BOYS if fg == "m" else GIRLS)
                         if n != d["N"]])
    d["K"], d["fk"] = kind, fk
    d["adj"], d["adj2"] = rng.sample(ADJ, 2)
    if adj:
        d["adj"] = adj
        d["adj2"] = rng.choice([a for a in ADJ if a != adj])
    d["weather"] = rng.choice(WEATHER[d["season"]])
    d["FA"] = "a " + rng.choice([a for a in FADJ if a != d["adj"]])
    pronouns(d, g)
    pronouns(d, fg, "f")
    prep, pl = place or rng.choice(PLACES)
    d["IN"] = prep + " " + pl
    d["P2"] = rng.choice([p for _, p in PLACES if p != pl])
    d["k3"], d["k4"] = rng.sample([a for a in ANIMALS if a not in (kind, fk)], 2)
    pname, lessons, steps = plot or rng.choice(PLOTS)
    out = [[rng.choice(OPEN)], [], []]
    if not short or rng.random() < 0.3:
        out[0].append(rng.choice(TRAIT))
    for st in steps:
        s = rng.choice(st)
        if s.startswith("@"):
            s = rng.choice(WHEN) + s[1:]
        out[1].append(s.replace("%", rng.choice(FRIEND)))
    if short and len(out[1]) > 6 and pname in ("contest", "treasure", "storm"):
        del out[1][rng.choice([5])]
    r = rng.random()
    if r < 0.45:
        out[2].append(rng.choice(END))
    elif r < 0.8:
        out[2].append(rng.choice(lessons))
    else:
        out[2] += [rng.choice(lessons), rng.choice(END)]
    if rng.random() < 0.4:                      # paragraphs
        cut = rng.randint(3, 5)
        paras = [out[0] + out[1][:2], out[1][2:cut + 1], out[1][cut + 1:] + out[2]]
        text = "\n\n".join(" ".join(s for s in p if s) for p in paras if p)
    else:
        text = " ".join(s for p in out for s in p if s)
    text = re.sub(r"\{(\w+)\}", lambda m: d[m.group(1)], text)
    text = re.sub(r"\{(\w+)\}", lambda m: d[m.group(1)], text)
    # an apposition needs its second comma: "M, a kind owl came" -> "owl, came"
    ap = re.escape(d["M"]) + r", " + re.escape(d["FA"]) + " " + re.escape(fk)
    text = re.sub("(" + ap + r")(?= (?!who\b|and\b)[a-z])", r"\1,", text)
    text = fix(text)
    meta = {"kind": kind, "name": d["N"], "fkind": fk, "friend": d["M"],
            "in": d["IN"], "plot": pname, "g": g,
            "home": ("lived " + fix("x " + d["IN"])[2:]) in text}
    if pname in ("lost", "wish"):
        meta["obj"] = fix("x a " + d["objadj"] + " " + d["obj"])[2:]
    return text, meta


if __name__ == "__main__":
    import random
    import sys
    r = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    for _ in range(6):
        print(story(r)[0], "\n---")
