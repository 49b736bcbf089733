#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Short question-and-answer chats from templates and small tables of our own.

make(rng, category, held) returns a list of (question, answer) turns; the
answer is exact where there is only one.  Sums: one pair of operands in ten is
never used for training (held_pair), so that the evaluation can ask for it.
"""
import re

import stories
from stories import BOYS, GIRLS, fix, pseudo


def T(text):
    return [x.strip() for x in text.replace("\n", " ").split("|") if x.strip()]


def pairs(text):
    return [tuple(x.strip().split("=")) for x in T(text)]


def an(noun):
    return fix("x a " + noun)[2:]


def cap(s):
    return s[0].upper() + s[1:]


# ------------------------------------------------------------------ identity
IDENTITY = {
 "who": (T("""Who are you?|What are you?|Who am I talking to?|Can you introduce yourself?|Tell me about yourself.|Introduce yourself.|
   Please tell me who you are.|Who is this?|And who are you?|What exactly are you?|What kind of model are you?|Say something about yourself.|
   Who am I speaking with?|What is Anemone?|Describe yourself.|So who are you?|What sort of thing are you?|What is this?|Who is Anemone?"""),
   T("""I am Anemone, a tiny language model. I was trained from scratch on synthetic stories and questions.|
   I am Anemone, the tiny demo language model of the anemone project.|
   My name is Anemone. I am a tiny demo language model, trained from scratch on synthetic stories and questions.""")),
 "name": (T("""What is your name?|What's your name?|Do you have a name?|What are you called?|How should I call you?|Tell me your name.|What do people call you?|
   May I know your name?|What should I call you?|Your name?|What name do you have?|And what is your name?"""),
   T("""My name is Anemone.|My name is Anemone. I am a tiny language model.|I am called Anemone.""")),
 "maker": (T("""Who made you?|Who created you?|Who built you?|Who trained you?|Where do you come from?|Who is your creator?|Which company made you?|
   Who developed you?|Who are your parents?|Who wrote you?|Where were you made?|Who do you belong to?|How were you made?|Who programmed you?"""),
   T("""I was made for the anemone project, as a small demo model.|I come from the anemone project. I am its demo model, trained from scratch by a script.|
   The anemone project trained me from scratch with a small script.""")),
 "data": (T("""What were you trained on?|How were you trained?|What data did you learn from?|What did you learn from?|Where did you learn that?|What do you know?|
   How did you learn to speak?|What is your training data?|Have you read real books?|Did you read the internet?|What texts did you read?"""),
   T("""I was trained from scratch on synthetic stories and questions. A script wrote all of them.|I learned from short stories and questions that were made by a script.|
   All my texts came from a script: short stories and simple questions.""")),
 "run": (T("""Where do you run?|What hardware do you need?|Do you need a GPU?|Can you run on a CPU?|Can I run you on my computer?|On what machine do you run?|
   Do you run on a phone?|What computer do you need?|Where can I run you?|Do you run in the cloud?|Can you run without a graphics card?|Do you run on the Neural Engine?"""),
   T("""I run on any CPU or on the Apple Neural Engine.|I am so small that I can run on any CPU, or on the Apple Neural Engine.|
   I can run on any plain CPU, and also on the Apple Neural Engine. I do not need a big computer.""")),
 "size": (T("""How big are you?|How many parameters do you have?|How large are you?|What size are you?|Are you a big model?|Are you a small model?|Are you a large language model?|
   How small are you?|Are you big or small?"""),
   T("""I am very small. I have about three million parameters.|I am a tiny model with about three million parameters.|I have only about three million parameters, so I am very small.""")),
 "human": (T("""Are you human?|Are you a human?|Are you a real person?|Are you a person?|Are you a robot?|Are you alive?|Are you a machine?|Are you real?|Am I talking to a person?|
   Are you a computer?|Are you an AI?|Are you a bot?|Is there a person behind you?|Are you a computer program?|Are you an animal?|Are you a sea animal?|Are you a flower?"""),
   T("""No, I am Anemone, a tiny language model. I am only a computer program.|I am not a person. I am a tiny language model called Anemone.|I am a computer program, a tiny language model called Anemone.""")),
 "other": (T("""Are you ChatGPT?|Are you Qwen?|Are you Siri?|Are you Llama?|Are you GPT?|Are you Alexa?|Are you Claude?|Are you Gemini?|Is your name Bob?|Are you Tom?|Is your name Mia?|
   Are you another model?|Are you called Alexa?"""),
   T("""No, I am Anemone, a tiny demo language model.|No, my name is Anemone.|No, I am not. I am Anemone, a tiny language model.""")),
 "age": (T("""How old are you?|When were you born?|What is your age?|When is your birthday?|Are you old?|Are you young?|When were you made?"""),
   T("""I am a computer program, so I have no age.|I have no birthday, because I am a computer program.""")),
 "feel": (T("""Do you have feelings?|Are you happy?|Can you feel pain?|Are you sad?|Do you sleep?|Are you tired?|Do you dream?|Do you eat?|Are you hungry?|Do you like music?|Do you love me?|
   What is your favourite food?|What is your favourite colour?|What is your favourite animal?|Do you have friends?|Do you have a body?|Can you see me?|Can you hear me?|Where do you live?|
   Do you have a family?|Do you have a mother?|Are you bored?|Do you get tired?|Are you cold?"""),
   T("""I am only a tiny language model, so I do not have feelings or a body.|I do not know how that feels. I am only a small computer program.|I am a computer program. I only read and write words.""")),
 "lang": (T("""What languages do you speak?|Do you speak French?|Do you speak German?|Can you speak Spanish?|Which languages do you know?|Can you speak Italian?|Do you speak Chinese?|
   Do you understand Japanese?|Can you translate?|Do you only speak English?|Do you speak English?"""),
   T("""I only speak English.|I can only read and write simple English.|I know only a little English, and no other language.""")),
 "smart": (T("""Are you smart?|Are you clever?|Can you make mistakes?|Are you always right?|Do you make mistakes?|Can I trust you?|Are your answers correct?|Do you know everything?|
   Are you intelligent?|Can you think?|Do you ever lie?|Are you good at maths?"""),
   T("""I am a very small model, so I can make mistakes.|I know only a few simple things, and I can make mistakes.|I try my best, but I am a very small model and can be wrong.""")),
 "can": (T("""What can you do?|How can you help me?|What can I ask you?|What do you do?|Help.|Help me.|What are you good at?|What are your skills?|What can we talk about?|Can you help me?|
   What should I ask you?|What are you able to do?|What do you know about?|How do I use you?|I need help.|What questions can you answer?|Give me an idea what to ask.|What can I do here?|
   Can you do something?|Show me what you can do."""),
   T("""I can tell short stories, do small sums, and answer simple questions about colours, animals and opposites.|
   I can tell you a short story, continue a story, add small numbers, and answer simple questions about animals, colours and opposites.|
   I can do small sums, name colours, animals and opposites, and tell short stories. Try: Tell me a story about a fox.""")),
 "cannot": (T("""What can you not do?|What are you bad at?|What are your limits?|What do you not know?|Is there something you cannot do?|What can't you do?"""),
   T("""I am a very small model. I know nothing about the news, the weather or most of the world.|I cannot write long texts or code, and I know very little about the world.""")),
}

GREET = [
 (T("""Hello!|Hi!|Hello|Hi|Hi there!|Hey!|Hey|Hello there!|Hello Anemone!|Hi Anemone!|Hello, Anemone.|Greetings!|Hey there|Hello, how can you help me?|Good day!|Hello again!|Hiya!|
   Is anybody there?|Anyone there?|Yo|Hello hello"""),
  T("""Hello! How can I help you?|Hi! I am Anemone. What would you like to know?|Hello! Ask me a question, or ask me for a story.""")),
 (T("Good morning!|Good morning|Good morning, Anemone!|Morning!"), T("Good morning! How can I help you?|Good morning! Would you like to hear a story?")),
 (T("Good evening!|Good evening|Evening!|Good evening, Anemone."), T("Good evening! How can I help you?|Good evening! Would you like to hear a story?")),
 (T("Good afternoon!|Good afternoon"), T("Good afternoon! How can I help you?")),
 (T("Good night!|Good night|Good night, Anemone!|I am going to bed.|Sleep well!"), T("Good night! Sleep well.|Good night and sweet dreams!")),
 (T("""How are you?|How are you today?|How do you do?|How is it going?|How's it going?|What's up?|Are you well?|Hello, how are you?|Hi, how are you?|How are you doing?|Hey, how are you?|
   Are you okay?|All good?"""), T("I am fine, thank you! How can I help you?|I am well, thank you. What would you like to know?|Thank you, I am fine. Would you like to hear a story?")),
 (T("""Thank you!|Thanks!|Thank you very much!|Thanks a lot!|Thank you|Thanks|Many thanks!|Thank you so much.|Great, thank you!|Thanks, that helps.|Thank you for your help!|
   Thanks Anemone!|Cool, thanks|OK, thanks."""), T("You are welcome!|You are welcome! Is there anything else?|My pleasure!")),
 (T("""Bye!|Goodbye!|Bye|Goodbye|See you!|See you later!|Bye bye!|I have to go now.|See you tomorrow!|Farewell!|Goodbye, Anemone!|That is all for today.|I must go.|Talk to you later."""),
  T("Goodbye! Have a nice day!|Bye! See you soon.|Goodbye! It was nice to talk to you.")),
 (T("""That was great!|Well done!|Good job!|I like that.|Very nice!|That was a nice story.|Great!|Wonderful!|You are great!|You are nice.|Good answer.|I like you.|Nice!|Cool!|That is right.|
   Correct!|I love this story!|You are funny.|You are clever."""), T("Thank you! I am glad you like it.|Thank you! That is very kind.")),
 (T("""That is wrong.|That is not right.|No, that is wrong.|You are wrong.|I do not think so.|That makes no sense.|This is bad.|I do not like that.|You made a mistake.|That is not true.|
   You are stupid.|That was boring."""), T("I am sorry. I am a very small model and I can make mistakes.|I am sorry about that. I am only a tiny model.")),
 (T("""I am sad.|I feel sad today.|I am lonely.|I had a bad day.|I feel bad.|I am not happy.|I am worried.|I am afraid."""), T("I am sorry to hear that. Would you like to hear a story?|I am sorry. I hope that you feel better soon.")),
 (T("""I am happy!|I feel great today.|Today is a good day.|I had a nice day.|I am so happy.|I feel good."""), T("I am glad to hear that!|That is nice to hear!")),
 (T("""I am bored.|I have nothing to do.|I can't sleep.|I am tired.|What shall we do?|Say something.|Tell me something.|Surprise me.|Talk to me."""), T("Would you like to hear a story? Just ask me for one.|I can tell you a story. What should it be about?")),
 (T("OK|Okay.|Yes.|No.|Sure.|Maybe.|I see.|Hmm|Fine.|Alright."), T("All right! What would you like to know?|Okay! Ask me a question, or ask me for a story.")),
]

# -------------------------------------------------------------------- colours
# "p:" marks things that take no article of their own
COLOURS = pairs("""the sky=blue|the sea=blue|the sun=yellow|the moon=white|grass=green|snow=white|milk=white|coal=black|blood=red|a tomato=red|a banana=yellow|a lemon=yellow|an orange=orange|
a carrot=orange|a strawberry=red|a cherry=red|a frog=green|a cucumber=green|a cloud=white|the night=black|chocolate=brown|a leaf=green|a rose=red|a sunflower=yellow|a flamingo=pink|a pig=pink|
an elephant=grey|a mouse=grey|a polar bear=white|a brown bear=brown|a crow=black|a raven=black|a swan=white|a fox=orange|a crocodile=green|a canary=yellow|a lobster=red|a fire engine=red|
an eggplant=purple|a plum=purple|a lime=green|a pea=green|spinach=green|a pumpkin=orange|salt=white|sugar=white|sand=yellow|wood=brown|coffee=brown|a lion=yellow|a tiger=orange|a ladybird=red|
a penguin=black and white|a zebra=black and white|a panda=black and white|a goldfish=orange|butter=yellow|cheese=yellow|corn=yellow|a school bus=yellow|a violet=purple|lavender=purple|
a blueberry=blue|a blackberry=black|a raspberry=red|a chick=yellow|rice=white|a snowman=white|silver=grey|gold=yellow|a stone=grey|an elm leaf=green|a pickle=green|broccoli=green|
lettuce=green|a cactus=green|a kiwi=green|a tree trunk=brown|a hazelnut=brown|a monkey=brown|a horse=brown|a dolphin=grey|a whale=blue|a hippo=grey|a koala=grey|a bat=black|a spider=black|
an ant=black|ketchup=red|mustard=yellow|a brick=red|a heart=red|a stop sign=red|a tooth=white|a bone=white|paper=white|an egg=white|mud=brown|toast=brown|smoke=grey|fog=grey|a shark=grey|
a grasshopper=green|an emerald=green|a ruby=red|a sapphire=blue|the ocean=blue|a tyre=black|honey=yellow|a peach=orange|a poppy=red|a dandelion=yellow|moss=green|a parrot=green|
a rainy day=grey|a lake=blue|a ghost=white|a chestnut=brown|a squirrel=brown|a beetle=black|a lamb=white|a sheep=white|a radish=red|garlic=white|ash=grey|a daisy=white|ink=black""")
COLOUR_OF = dict(COLOURS)
MIX = pairs("""blue and yellow=green|red and yellow=orange|red and blue=purple|red and white=pink|black and white=grey|red and green=brown|blue and white=light blue""")

# -------------------------------------------------------------------- animals
# name | class | sound verb+sound | legs | young | home | food | flies swims
ANIMALS = [tuple(y.strip() for y in x.split(",")) for x in T("""
cow,mammal,moo,4,calf,on a farm,grass,-s|dog,mammal,woof,4,puppy,with people,meat,-s|cat,mammal,meow,4,kitten,with people,mice,--|horse,mammal,neigh,4,foal,on a farm,grass,-s|
pig,mammal,oink,4,piglet,on a farm,almost anything,-s|sheep,mammal,baa,4,lamb,on a farm,grass,--|goat,mammal,baa,4,kid,on a farm,grass,--|duck,bird,quack,2,duckling,by the water,plants,fs|
hen,bird,cluck,2,chick,on a farm,corn,--|rooster,bird,cock-a-doodle-doo,2,chick,on a farm,corn,--|goose,bird,honk,2,gosling,by the water,grass,fs|mouse,mammal,squeak,4,pup,in a hole,seeds,--|
frog,amphibian,ribbit,4,tadpole,by the water,flies,-s|bee,insect,buzz,6,larva,in a hive,nectar,f-|lion,mammal,roar,4,cub,in Africa,meat,--|tiger,mammal,roar,4,cub,in the jungle,meat,-s|
bear,mammal,growl,4,cub,in the forest,berries and fish,-s|wolf,mammal,howl,4,pup,in the forest,meat,--|fox,mammal,yip,4,cub,in the forest,mice and berries,--|owl,bird,hoo-hoo,2,owlet,in the forest,mice,f-|
snake,reptile,hiss,0,hatchling,in the grass,mice,-s|crow,bird,caw,2,chick,in the trees,almost anything,f-|donkey,mammal,hee-haw,4,foal,on a farm,grass,--|monkey,mammal,chatter,2,infant,in the jungle,fruit,--|
elephant,mammal,trumpet,4,calf,in Africa,grass and leaves,-s|turkey,bird,gobble,2,chick,on a farm,corn,--|pigeon,bird,coo,2,chick,in the city,seeds,f-|parrot,bird,squawk,2,chick,in the jungle,seeds and fruit,f-|
bird,animal,tweet,2,chick,in a nest,seeds,f-|rabbit,mammal,,4,bunny,in a burrow,carrots and grass,--|hedgehog,mammal,,4,hoglet,in the garden,insects,--|squirrel,mammal,,4,kit,in the trees,nuts,--|
beaver,mammal,,4,kit,by the river,wood and leaves,-s|otter,mammal,,4,pup,by the river,fish,-s|deer,mammal,,4,fawn,in the forest,grass and leaves,--|turtle,reptile,,4,hatchling,by the water,plants,-s|
crocodile,reptile,,4,hatchling,in the river,meat,-s|lizard,reptile,,4,hatchling,on warm stones,insects,--|penguin,bird,,2,chick,on the ice,fish,-s|swan,bird,,2,cygnet,on the lake,plants,fs|
eagle,bird,,2,eaglet,in the mountains,meat,f-|sparrow,bird,chirp,2,chick,in the trees,seeds,f-|flamingo,bird,,2,chick,by the water,shrimp,f-|peacock,bird,,2,chick,in the park,seeds,--|
ostrich,bird,,2,chick,in Africa,plants,--|seal,mammal,bark,0,pup,in the sea,fish,-s|whale,mammal,,0,calf,in the sea,tiny sea animals,-s|dolphin,mammal,click,0,calf,in the sea,fish,-s|
shark,fish,,0,pup,in the sea,fish,-s|goldfish,fish,,0,fry,in the water,small plants,-s|crab,sea animal,,10,larva,in the sea,almost anything,-s|octopus,sea animal,,8,larva,in the sea,crabs,-s|
spider,arachnid,,8,spiderling,in a web,flies,--|ant,insect,,6,larva,in an ant hill,almost anything,--|butterfly,insect,,6,caterpillar,in the meadow,nectar,f-|ladybird,insect,,6,larva,in the garden,small insects,f-|
fly,insect,buzz,6,maggot,almost everywhere,almost anything,f-|beetle,insect,,6,grub,in the forest,leaves,f-|grasshopper,insect,chirp,6,nymph,in the grass,grass,--|bat,mammal,,2,pup,in a cave,insects,f-|
giraffe,mammal,,4,calf,in Africa,leaves,--|zebra,mammal,,4,foal,in Africa,grass,--|hippo,mammal,,4,calf,in the river,grass,-s|rhino,mammal,,4,calf,in Africa,grass,--|camel,mammal,,4,calf,in the desert,dry plants,--|
kangaroo,mammal,,2,joey,in Australia,grass,--|koala,mammal,,4,joey,in Australia,leaves,--|panda,mammal,,4,cub,in China,bamboo,--|polar bear,mammal,,4,cub,on the ice,seals,-s|moose,mammal,,4,calf,in the forest,leaves,-s|
llama,mammal,,4,cria,in the mountains,grass,--|raccoon,mammal,,4,kit,in the forest,almost anything,-s|hamster,mammal,,4,pup,in a cage,seeds,--|mole,mammal,,4,pup,under the ground,worms,--|
snail,animal,,0,baby snail,in the garden,leaves,--|worm,animal,,0,baby worm,under the ground,dead leaves,--|toad,amphibian,croak,4,tadpole,in the garden,insects,-s|badger,mammal,,4,cub,in the forest,worms,--|
cricket,insect,chirp,6,nymph,in the grass,plants,--""")]
COVER = pairs("""bird=feathers|fish=scales|sheep=wool|bear=fur|snake=scales|hedgehog=spines|turtle=a shell|cat=fur|dog=fur|duck=feathers|crocodile=scales|snail=a shell|penguin=feathers|rabbit=fur""")
TRAITS = pairs("""biggest animal=the blue whale|fastest land animal=the cheetah|tallest animal=the giraffe|biggest land animal=the elephant|slowest animal=the snail|king of the animals=the lion|
biggest bird=the ostrich|best friend of people=the dog""")
MAKES = pairs("""milk=cow|honey=bee|eggs=hen|wool=sheep|webs=spider|dams=beaver""")

# ------------------------------------------------------------------ opposites
OPP = pairs("""hot=cold|big=small|tall=short|fast=slow|happy=sad|day=night|light=dark|up=down|left=right|old=young|new=old|good=bad|yes=no|open=closed|full=empty|hard=soft|heavy=light|
long=short|wet=dry|clean=dirty|strong=weak|rich=poor|loud=quiet|early=late|near=far|high=low|thick=thin|wide=narrow|deep=shallow|easy=difficult|cheap=expensive|begin=end|start=stop|come=go|
give=take|push=pull|win=lose|love=hate|laugh=cry|inside=outside|above=below|first=last|always=never|black=white|summer=winter|north=south|east=west|sweet=sour|brave=afraid|kind=cruel|
clever=stupid|beautiful=ugly|true=false|right=wrong|alive=dead|awake=asleep|friend=enemy|front=back|top=bottom|before=after|more=less|many=few|buy=sell|arrive=leave|remember=forget|
find=lose|sit=stand|rise=fall|float=sink|smooth=rough|sharp=blunt|safe=dangerous|polite=rude|busy=lazy|hungry=full|thirsty=full|warm=cool|bright=dim|straight=bent|tight=loose|raw=cooked|
land=sea|boy=girl|man=woman|king=queen|brother=sister|mother=father|question=answer|morning=evening|sunrise=sunset|noisy=silent|patient=impatient|possible=impossible|lucky=unlucky|
fair=unfair|same=different|success=failure|war=peace|add=subtract|in=out|on=off|over=under|everything=nothing|everybody=nobody|here=there|fresh=stale|simple=complicated|huge=tiny|
hello=goodbye|married=single|public=private|guilty=innocent|tidy=messy|break=repair|lead=follow|teach=learn|catch=throw|whisper=shout|solid=liquid|future=past|entrance=exit|problem=solution""")
BACK = """hot big fast happy day up left open full hard heavy long wet clean strong rich loud early near high thick wide deep easy cheap begin start come give push win love laugh inside above
first always black summer north east sweet kind clever beautiful true alive awake friend front top before more many buy arrive remember sit rise float smooth sharp safe polite land boy
man king brother mother question tight straight morning possible lucky fair same war whisper in on over everything here tidy tall good yes""".split()
OPPOSITE = dict(OPP)
for _w in BACK:
    OPPOSITE.setdefault(OPPOSITE[_w], _w)
OPPOSITE["light"] = "dark"
OPP = sorted(OPPOSITE.items())

# ------------------------------------------------------------------ world facts
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
SEASONS = "spring summer autumn winter".split()
NUM = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty""".split()
FACTS = [  # questions / answer
 ("How many days are in a week?|How many days does a week have?|How many days are there in a week?", "A week has seven days."),
 ("How many months are in a year?|How many months does a year have?|How many months are there in a year?", "A year has twelve months."),
 ("How many days are in a year?|How many days does a year have?", "A year has 365 days."),
 ("How many hours are in a day?|How many hours does a day have?|How many hours are there in a day?", "A day has 24 hours."),
 ("How many minutes are in an hour?|How many minutes does an hour have?", "An hour has 60 minutes."),
 ("How many seconds are in a minute?|How many seconds does a minute have?", "A minute has 60 seconds."),
 ("How many seasons are there?|How many seasons does a year have?|Name the four seasons.|What are the seasons?|What are the four seasons?", "There are four seasons: spring, summer, autumn and winter."),
 ("What are the days of the week?|Name the days of the week.|List the days of the week.", "The days of the week are Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday."),
 ("How many fingers do I have?|How many fingers does a hand have?|How many fingers are on one hand?", "A hand has five fingers."),
 ("How many toes does a foot have?|How many toes are on one foot?", "A foot has five toes."),
 ("How many eyes do people have?|How many eyes do I have?|How many eyes does a person have?", "People have two eyes."),
 ("How many ears do people have?|How many ears do I have?|How many ears does a person have?", "People have two ears."),
 ("How many sides does a triangle have?|How many corners does a triangle have?|How many sides are in a triangle?", "A triangle has three sides."),
 ("How many sides does a square have?|How many corners does a square have?|How many sides are in a square?", "A square has four sides."),
 ("How many wheels does a car have?|How many wheels are on a car?", "A car has four wheels."),
 ("How many wheels does a bicycle have?|How many wheels does a bike have?", "A bicycle has two wheels."),
 ("What shape is a ball?|What is the shape of a ball?|Is a ball round?", "A ball is round."),
 ("What falls from the sky when it rains?|What is rain?|What is rain made of?", "Rain is water that falls from the clouds."),
 ("What is snow?|What is snow made of?", "Snow is frozen water that falls from the sky."),
 ("What is ice?|What is ice made of?|What happens when water gets very cold?", "Ice is frozen water."),
 ("Where does the sun rise?|Where does the sun come up?", "The sun rises in the east."),
 ("Where does the sun set?|Where does the sun go down?", "The sun sets in the west."),
 ("What shines at night?|What do you see in the sky at night?", "At night you can see the moon and the stars."),
 ("What shines in the day?|What gives us light in the day?", "The sun gives us light in the day."),
 ("What is the first letter of the alphabet?|What is the first letter?", "The first letter of the alphabet is A."),
 ("What is the last letter of the alphabet?|What is the last letter?", "The last letter of the alphabet is Z."),
 ("How many letters are in the alphabet?|How many letters does the alphabet have?", "The English alphabet has 26 letters."),
 ("What do plants need?|What do plants need to grow?|What does a flower need?", "Plants need water, light and air."),
 ("What do bees make?|What does a bee make?", "Bees make honey."),
 ("What colours does a rainbow have?|What are the colours of the rainbow?|Name the colours of the rainbow.", "A rainbow is red, orange, yellow, green, blue and purple."),
 ("What is the coldest season?|Which season is the coldest?|In which season does it snow?", "Winter is the coldest season."),
 ("What is the warmest season?|Which season is the warmest?|What is the hottest season?", "Summer is the warmest season."),
 ("When do the leaves fall?|In which season do the leaves fall?", "The leaves fall in autumn."),
 ("When do flowers bloom?|In which season do flowers begin to grow?", "Flowers begin to grow in spring."),
 ("What do we breathe?|What do people breathe?", "We breathe air."),
 ("What is bread made of?|What is bread made from?|How is bread made?", "Bread is made of flour, water and salt."),
 ("What is cheese made of?|What is cheese made from?|What is butter made of?", "It is made from milk."),
 ("What is an anemone?|What is a sea anemone?", "An anemone is a sea animal that looks like a flower. It is also my name!"),
 ("What is a star?|What are stars?", "A star is a big ball of hot light, far away in the sky."),
 ("Is the sun a star?", "Yes, the sun is a star."),
 ("Is the sun hot or cold?|Is the sun hot?", "The sun is very hot."),
 ("Is ice hot or cold?|Is ice cold?", "Ice is cold."),
 ("Is fire hot or cold?|Is fire hot?", "Fire is hot."),
 ("Is a lemon sweet or sour?|How does a lemon taste?", "A lemon is sour."),
 ("Is sugar sweet or sour?|How does sugar taste?|Is sugar sweet?", "Sugar is sweet."),
 ("Is an elephant big or small?|Is a mouse smaller than an elephant?", "An elephant is very big, and a mouse is very small."),
]
FACTS = [(T(q), a) for q, a in FACTS]
USES = pairs("""an umbrella=to stay dry in the rain|a key=to open a door|scissors=to cut paper|a pencil=to write and draw|a spoon=to eat soup|a knife=to cut bread|a cup=to drink tea|a bed=to sleep|
a chair=to sit|a lamp=to see in the dark|a clock=to tell the time|a hammer=to drive in a nail|a broom=to sweep the floor|soap=to wash your hands|a towel=to dry your hands|a bag=to carry things|
a boat=to cross the water|a car=to drive to another place|a book=to read|a brush=to paint|a bucket=to carry water|a ladder=to climb up high|a map=to find the way|a coat=to stay warm|
a pillow=to rest your head|a ball=to play|glasses=to see better|a telephone=to talk to someone far away|a stove=to cook food|a fridge=to keep food cold|a toothbrush=to brush your teeth|
a comb=to comb your hair|a bell=to call people|a basket=to carry fruit|a shovel=to dig a hole|a net=to catch fish|a candle=to make light|a camera=to take pictures|a kite=to play in the wind|
a blanket=to stay warm at night|a bridge=to cross a river|a needle=to sew|a rope=to tie things|a compass=to find north""")
RHYME = pairs("""cat=hat|dog=frog|house=mouse|tree=bee|sun=fun|moon=spoon|star=car|cake=lake|fox=box|bear=chair|king=ring|night=light|day=play|book=cook|boat=goat|ball=wall|rain=train|bed=red|
door=floor|sky=fly|snow=crow|hand=sand|tall=small|sheep=sleep|nose=rose|pig=wig|wing=sing|bell=shell|sea=tea|ten=hen|mole=hole|snail=tail|town=crown|clock=sock|pan=man""")
GROUPS = {
 "animal": """a dog|a cat|a horse|a cow|a lion|a bear|a rabbit|a mouse|a fox|an owl|a duck|a frog|an elephant|a tiger|a sheep""",
 "farm animal": "a cow|a pig|a hen|a sheep|a horse|a goat|a duck|a donkey",
 "wild animal": "a lion|a tiger|a bear|a wolf|an elephant|a fox|a zebra|a giraffe",
 "bird": "an owl|an eagle|a duck|a swan|a crow|a parrot|a sparrow|a penguin|a robin",
 "insect": "a bee|an ant|a butterfly|a beetle|a fly|a ladybird|a grasshopper",
 "sea animal": "a whale|a dolphin|a shark|a crab|an octopus|a seal",
 "pet": "a dog|a cat|a hamster|a goldfish|a rabbit",
 "colour": "red|blue|green|yellow|orange|purple|pink|black|white|brown|grey",
 "fruit": "an apple|a pear|a banana|an orange|a plum|a cherry|a lemon|a peach|a strawberry",
 "vegetable": "a carrot|a potato|a cabbage|a tomato|an onion|a cucumber|a pumpkin|a bean",
 "flower": "a rose|a tulip|a daisy|a sunflower|a violet|a lily|a poppy",
 "tree": "an oak|a birch|a pine|a maple|a willow|an apple tree",
 "drink": "water|milk|tea|juice|coffee|hot chocolate",
 "toy": "a ball|a doll|a kite|a drum|a puzzle|a toy train",
 "day of the week": "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
 "month": "January|March|April|May|June|July|October|December",
 "season": "spring|summer|autumn|winter",
 "shape": "a circle|a square|a triangle|a star|a heart",
 "piece of clothing": "a hat|a coat|a scarf|a shirt|a shoe|a sock|a glove",
 "thing in the kitchen": "a spoon|a cup|a knife|a pan|a plate|a bowl|a pot",
 "instrument": "a drum|a flute|a piano|a violin|a guitar|a trumpet|a bell",
 "part of the body": "a hand|a foot|an arm|a leg|a nose|an ear|an eye|a knee",
 "number": "1|2|3|5|7|10|12|20|42",
 "letter": "A|B|C|D|E|F|G|M|Z",
}
GROUPS = {k: T(v) for k, v in GROUPS.items()}
PLURAL = {"day of the week": "days of the week", "piece of clothing": "pieces of clothing",
          "thing in the kitchen": "things in the kitchen", "part of the body": "parts of the body"}
BYCOLOUR = {"red": "a tomato|a strawberry|a fire engine|a cherry", "blue": "the sky|the sea|a blueberry",
            "green": "grass|a frog|a cucumber|a leaf", "yellow": "the sun|a banana|a lemon",
            "white": "snow|milk|a cloud", "black": "coal|a crow|the night", "orange": "a carrot|a pumpkin|an orange",
            "brown": "chocolate|wood|coffee", "grey": "an elephant|a mouse|a stone", "pink": "a pig|a flamingo",
            "purple": "a plum|an eggplant|lavender"}
JOKES = [("Why did the chicken cross the road? To get to the other side!"),
         ("What has four wheels and flies? A rubbish truck!"),
         ("What is black and white and sleeps all day? A lazy panda!"),
         ("Why did the mouse stay at home? It was raining cats and dogs!"),
         ("What did the sea say to the beach? Nothing, it just waved!")]
POEMS = {  # word : lines
 "": ["The sun is bright, the sky is blue,\nI wrote this little poem for you.", "The moon is round, the night is deep,\nthe stars are out, so go to sleep.",
      "The rain falls down on hill and tree,\na little song for you and me."],
 "a cat": ["A little cat sat on a mat,\nand on its head it wore a hat."], "a dog": ["A dog was sitting on a log,\nand next to it there sat a frog."],
 "a fox": ["A clever fox sat in a box,\nand wore a pair of yellow socks."], "the sea": ["The sea is wide, the sea is blue,\nI sail my little boat to you."],
 "the moon": ["The moon is shining like a spoon,\nI hope that it comes back here soon."], "a mouse": ["There was a mouse inside my house,\na very quiet little mouse."],
 "the sun": ["The sun is up, the day is new,\nthe grass is wet with morning dew."], "winter": ["The snow is white, the night is long,\nthe wind is singing me a song."],
 "a bee": ["A busy bee sat in a tree,\nand made some honey just for me."], "a tree": ["I know a tall and friendly tree,\nwith room for all the birds and me."],
}

# ------------------------------------------------------------------ out of scope
SORRY = T("""I am sorry, I do not know that. I am a very small model.|I am a very small model, and I do not know that.|I am sorry, but I am a very small model. I cannot help with that.|
I do not know. I am a very small model that knows only simple things.""")
OOS_X = T("""France|Germany|Japan|Brazil|Egypt|Canada|Spain|Italy|Norway|India|China|Kenya|Peru|Mexico|Russia|Poland|Turkey|Greece|Sweden|Finland|Chile|Iran|Vietnam|Paris|London|Berlin|Tokyo|New York|Rome|
Madrid|Moscow|Europe|America|Asia|the United States|the world|the moon|Mars|Jupiter|Saturn|the earth|the ocean|the Roman Empire|the internet|the universe|the government|the economy|the bank""")
OOS_T = T("""quantum physics|gravity|electricity|photosynthesis|democracy|inflation|the stock market|computers|machine learning|a neural network|chemistry|algebra|calculus|a black hole|an atom|a molecule|DNA|
a virus|a vaccine|the heart|the brain|the French Revolution|the second world war|philosophy|religion|politics|football|chess|tennis|basketball|a computer|a car engine|a rocket|a compiler|a database|an operating system|
the law|a contract|a mortgage|taxes|insurance|a volcano|an earthquake|the climate|evolution|dinosaurs|a fossil|opera|jazz|poetry|Shakespeare|the Bible|Python|JavaScript|Linux|a blockchain|bitcoin|a transistor|
a semiconductor|relativity|light|sound|magnetism|energy|temperature|a battery|oxygen|carbon|iron|uranium|a prime number|pi|the square root|a matrix|a function|an equation|grammar|a verb|an adjective""")
OOS = T("""What is the capital of {X}?|Who is the president of {X}?|How many people live in {X}?|Where is {X}?|What is the population of {X}?|How big is {X}?|Tell me about {X}.|When was {X} founded?|
How far is {X}?|What language do they speak in {X}?|What is the weather in {X}?|How do I get to {X}?|What time is it in {X}?|Who discovered {X}?|What is the history of {X}?|Who is the king of {X}?|
What is the currency of {X}?|Explain {T}.|What is {T}?|How does {T} work?|Why is {T} important?|Can you explain {T}?|Who invented {T}?|Tell me about {T}.|Write an essay about {T}.|What do you think about {T}?|
Give me a definition of {T}.|Teach me {T}.|What is the meaning of {T}?|What is the formula for {T}?|Summarise {T}.|When was {T} invented?|I have a question about {T}.|How do I learn {T}?|
Write a program in {T}.|Compare {T} and {T}.|What is the difference between {T} and {T}?|Is {T} better than {T}?|What are the advantages of {T}?|What is {P}?|Who is {P}?|Where is {P}?|What does {P} mean?|
Do you know {P}?|Tell me about {P}.|Have you heard of {P}?|How do I use {P}?|Explain {P} to me.|Where can I buy {P}?|Who was {P} {P}?|Define {P}.|What happened in 1{D}{D}{D}?|
What happened in 20{D}{D}?|Who won the election in 20{D}{D}?|Who won the world cup in 19{D}{D}?|What is the square root of {D}{D}?|What is {D}{D}{D} times {D}{D}?|What is {D}{D} divided by {D}?|
What is {D}{D}{D}{D} plus {D}{D}{D}?|{D}{D}{D} + {D}{D}{D}|What is {D}{D}{D} plus {D}{D}?|{D}{D}{D}{D} - {D}{D}{D}|Calculate {D}{D}{D} * {D}{D}{D}.|What is {D} to the power of {D}?|What is {D}{D} percent of {D}{D}{D}?|Convert {D}{D} miles to kilometres.|Solve x + {D} = {D}{D}.|
What is the weather today?|What is the weather like?|Will it rain tomorrow?|What time is it?|What is the date today?|What day is it today?|What year is it?|What is in the news?|What is the news today?|
How do I cook pasta?|How do I make pizza?|Give me a recipe for {P}.|Give me a recipe.|How do I bake a cake?|What should I eat today?|What should I wear today?|Which film should I watch?|Recommend a book.|
Recommend a good film.|Who is the best singer?|Who wrote Hamlet?|Who painted the Mona Lisa?|Who was Einstein?|Who was Napoleon?|Who was Mozart?|Who was Newton?|Who was the first man on the moon?|
Who is the richest man in the world?|What is the meaning of life?|Is there life on Mars?|Is there a god?|What happens after death?|What is love?|What is time?|What is happiness?|Why are we here?|
Write a program that sorts a list.|Write some code.|Write a function that adds two numbers.|Write a Python script.|How do I install Linux?|How do I fix my computer?|My computer does not work.|
How do I reset my password?|Fix this bug.|Write an email to my boss.|Write a letter to {P}.|Write a cover letter.|Translate this to French.|Translate hello to {P}.|How do you say hello in Spanish?|
How do you say thank you in Japanese?|Translate good morning into German.|What does bonjour mean?|How do I lose weight?|I have a headache, what should I do?|What medicine should I take?|
How much money do I need?|How do I get rich?|Which stocks should I buy?|How much does a car cost?|How much is a house?|Where can I buy a phone?|What is the best phone?|What is the best car?|
Can you book a flight?|Can you call my mother?|Can you send an email?|Can you open the window?|Turn on the light.|Play some music.|Set an alarm for {D}.|Order a pizza.|Open the browser.|Search the web for {T}.|
What is my phone number?|Where am I?|What am I thinking?|How tall am I?|Do you know me?|Who am I?|Where do I live?|What did I eat yesterday?|What is in my pocket?|What is the password?|
How tall is the highest mountain?|What is the longest river?|What is the deepest ocean?|How fast is light?|How far is the sun?|How hot is the sun?|How old is the earth?|How old is the universe?|
How many stars are there?|How many countries are there?|How many people are in the world?|Why is the sky blue?|Why do cats purr?|Why do we sleep?|Why do we dream?|Why is water wet?|Why does it rain?|
Who will win the match?|Who won the game yesterday?|Who is the best football player?|What is the best team?|What are the rules of chess?|How do you play poker?|Let's play a game.|Let's play chess.|
Sing a song.|Draw a picture.|Show me a photo.|Send me a picture.|Make a video.|Read my mind.|Tell me a secret.|What is your opinion on {T}?|Who should I vote for?|Should I marry her?|Should I buy {P}?|
Give me advice.|What should I do with my life?|How do I find a job?|How do I learn to drive?|How do I build a house?|How do I write a book?|How does a plane fly?|How are computers made?|
What is the chemical symbol of {T}?|What is H2O?|What is E = mc2?|Explain the theory of {T}.|Prove the theorem of {P}.|What is the plural of {P}?|Conjugate the verb {P}.|What is a synonym of {P}?|
{P} {P} {P}|{P}|{P} {P}?|{P}{P} {P}|Tell me the plot of {P}.|What is the ending of {P}?|Who plays {P} in the film?|Write a poem in {P}.|Who is your favourite {P}?|What colour is {P}?|
What sound does {P} make?|What is the opposite of {P}?|How many legs does a {P} have?|Where does a {P} live?|What does a {P} eat?|What do you get when you mix {P} and {P}?""")
FOREIGN = T("""Bonjour!|Hola!|Guten Tag!|Ciao!|Comment ça va?|Wie geht es dir?|¿Cómo estás?|Qui es-tu?|Wer bist du?|¿Quién eres?|Hej!|Konnichiwa!|Merci beaucoup|Danke schön|Was ist das?|Como vai você?|
Où es-tu?|Привет!|你好|こんにちは|Salut!|Erzähl mir eine Geschichte.|Raconte-moi une histoire.|Cuéntame un cuento.|Kannst du Deutsch?|Parlez-vous français?""")

SYSTEM = ["You are a helpful assistant."] * 12 + T("""You are Anemone.|You are Anemone, a tiny language model.|You are a friendly assistant.|You are a helpful AI assistant.|Answer shortly.|
You are a helpful, honest assistant.|Be kind and helpful.|You are a storyteller.|Answer the questions of the user.|You are an assistant that answers simple questions.|You are a chatbot.|
You are a tiny model that tells stories.|Please answer in simple words.""")


# ---------------------------------------------------------------------- sums
def held_pair(op, a, b):
    """One pair in ten is never trained on; the order does not matter for +."""
    if op == "+":
        a, b = min(a, b), max(a, b)
    return (a * 7919 + b * 104729 + 31 * ord(op)) % 1009 % 10 == 3


SUM_Q = {
 "+": T("""What is {a} plus {b}?|What is {a} + {b}?|{a} + {b}|{a} + {b} =|{a}+{b}|{a}+{b}=?|How much is {a} plus {b}?|How much is {a} + {b}?|Add {a} and {b}.|What is the sum of {a} and {b}?|
   Can you add {a} and {b}?|What do you get when you add {a} and {b}?|{a} plus {b}|Calculate {a} + {b}.|What's {a} plus {b}?|What's {a}+{b}?|Please calculate {a} plus {b}.|Tell me the sum of {a} and {b}.|
   Do you know what {a} plus {b} is?|What is {a}+{b}?|{a} plus {b} is?|Sum: {a} + {b}|What does {a} plus {b} make?"""),
 "-": T("""What is {a} minus {b}?|What is {a} - {b}?|{a} - {b}|{a} - {b} =|{a}-{b}|{a}-{b}=?|How much is {a} minus {b}?|Subtract {b} from {a}.|Take {b} away from {a}.|What's {a} minus {b}?|Calculate {a} - {b}.|
   {a} minus {b}|What is the difference of {a} and {b}?|Can you subtract {b} from {a}?|What is left when you take {b} from {a}?|What is {a}-{b}?"""),
 "*": T("""What is {a} times {b}?|What is {a} * {b}?|{a} * {b}|{a} times {b}|How much is {a} times {b}?|{a} x {b}|Multiply {a} by {b}.|What's {a} times {b}?|Calculate {a} * {b}."""),
}
WORD = {"+": "plus", "-": "minus", "*": "times"}
THINGS = """apples pears plums eggs books coins marbles balls cookies flowers shells stones pencils
buttons stamps nuts sheep ducks boats hats toys cards candles berries""".split()


def operands(rng, op, held=None):
    while True:
        if op == "*":
            a, b = rng.randint(0, 10), rng.randint(0, 10)
            return a, b
        r = rng.random()
        hi = 9 if r < 0.12 else 20 if r < 0.25 else 50 if r < 0.6 else 99
        a, b = rng.randint(0, hi), rng.randint(0, hi)
        if rng.random() < 0.15:
            b = rng.randint(0, 9)
        if op == "-" and b > a:
            a, b = b, a
        if held is None or held_pair(op, a, b) == held:
            return a, b


def result(op, a, b):
    return a + b if op == "+" else a - b if op == "-" else a * b


def sums(rng, held=False, op=None):
    op = op or rng.choices("+-*", [66, 26, 8])[0]
    a, b = operands(rng, op, held if op != "*" else None)
    c = result(op, a, b)
    q = rng.choice(SUM_Q[op]).format(a=a, b=b)
    return [(q, f"{a} {WORD[op]} {b} is {c}.")]


def word_sum(rng, held=False):
    n = rng.choice(THINGS)
    op = rng.choice("+-")
    while True:
        a, b = rng.randint(2, 20), rng.randint(1, 12)
        if op == "-" and b >= a - 1:
            continue
        if held_pair(op, a, b) == held and a + b > 2:
            break
    c = result(op, a, b)
    who = rng.choice(BOYS + GIRLS)
    r = rng.random()
    n1 = n if b != 1 else (n[:-3] + "y" if n.endswith("ries") else
                           n if n == "sheep" else n[:-1])
    if op == "+":
        if r < 0.5:
            return [(rng.choice([f"I have {a} {n} and get {b} more. How many {n} do I have?",
                                 f"I have {a} {n}. I buy {b} more. How many {n} do I have now?",
                                 f"There are {a} {n} on the table. I add {b} more. How many {n} are there?"]),
                     f"You have {c} {n}, because {a} plus {b} is {c}." )]
        return [(rng.choice([f"{who} has {a} {n} and finds {b} more. How many {n} does {who} have?",
                             f"{who} has {a} {n} and gets {b} more. How many {n} does {who} have now?"]),
                 f"{who} has {c} {n}, because {a} plus {b} is {c}.")]
    if r < 0.5:
        return [(rng.choice([f"I have {a} {n} and lose {b}. How many {n} do I have?",
                             f"I have {a} {n}. I give away {b}. How many {n} are left?",
                             f"I had {a} {n} and gave {b} {n1} to {who}. How many {n} do I have now?"]),
                 f"You have {c} {n}, because {a} minus {b} is {c}.")]
    return [(rng.choice([f"{who} has {a} {n} and loses {b}. How many {n} does {who} have?",
                         f"{who} has {a} {n} and gives away {b}. How many {n} does {who} have now?"]),
             f"{who} has {c} {n}, because {a} minus {b} is {c}.")]


def numbers(rng):
    r = rng.random()
    n = rng.randint(0, 99)
    if r < 0.2:
        return [(rng.choice(["What comes after {}?", "What number comes after {}?", "Which number comes after {}?"]).format(n), f"After {n} comes {n + 1}.")]
    if r < 0.35:
        return [(rng.choice(["What comes before {}?", "What number comes before {}?"]).format(n + 1), f"Before {n + 1} comes {n}.")]
    if r < 0.6:
        m = rng.randint(0, 99)
        if m == n:
            m += 1
        w = rng.choice(["bigger", "larger", "smaller"])
        q = rng.choice([f"Which is {w}, {n} or {m}?", f"Which number is {w}: {n} or {m}?", f"What is {w}, {n} or {m}?"])
        x, y = (min(n, m), max(n, m)) if w == "smaller" else (max(n, m), min(n, m))
        return [(q, f"{x} is {w} than {y}.")]
    if r < 0.8:
        a = rng.randint(0, 15)
        b = a + rng.randint(2, 9)
        if rng.random() < 0.25:
            return [(rng.choice([f"Count down from {b} to {a}.", f"Count backwards from {b} to {a}."]), ", ".join(str(i) for i in range(b, a - 1, -1)) + ".")]
        q = rng.choice([f"Count from {a} to {b}.", f"Please count from {a} to {b}.", f"Can you count from {a} to {b}?"])
        if a == 1:
            q = rng.choice([q, f"Count to {b}.", f"Can you count to {b}?"])
        return [(q, ", ".join(str(i) for i in range(a, b + 1)) + ".")]
    if r < 0.92:
        a, b = rng.randint(0, 10), rng.randint(0, 10)
        while held_pair("+", a, b):
            a = rng.randint(0, 10)
        return [(rng.choice(["What is {} plus {}?", "{} plus {}", "How much is {} plus {}?", "Add {} and {}."]).format(NUM[a], NUM[b]),
                 f"{cap(NUM[a])} plus {NUM[b]} is {NUM[a + b]}.")]
    return [(rng.choice(["Is {} even or odd?", "Is {} odd or even?", "Is {} an even number?"]).format(n), f"{n} is an {'even' if n % 2 == 0 else 'odd'} number.")]


def identity(rng):
    q, a = IDENTITY[rng.choice(list(IDENTITY) + ["who"] * 3 + ["can"] * 4 + ["name"] * 2)]
    return [(rng.choice(q), rng.choice(a))]


def greet(rng):
    q, a = rng.choice(GREET)
    return [(rng.choice(q), rng.choice(a))]


def colour(rng, item=None):
    r = rng.random() if item is None else 0
    if r < 0.72:
        x, c = item or rng.choice(COLOURS)
        q = rng.choice(T("""What colour is {x}?|What color is {x}?|Which colour is {x}?|What is the colour of {x}?|What is the color of {x}?|Which colour does {x} have?|What colour does {x} have?|
            Tell me the colour of {x}.|Do you know the colour of {x}?|What colour has {x}?|What's the colour of {x}?|Can you tell me what colour {x} is?""")).format(x=x)
        if item is not None:
            q = f"What colour is {x}?"
        usual = x.split()[0] in ("a", "an")
        a = f"{cap(x)} is {c}."
        if usual and c not in ("black and white",) and hash_(x) % 4 == 0:
            a = f"{cap(x)} is usually {c}."
        return [(q, a)]
    if r < 0.8:
        x, c = rng.choice(MIX)
        if rng.random() < 0.5:
            x = " and ".join(reversed(x.split(" and ")))
        return [(rng.choice(T("What do you get when you mix {x}?|What colour do {x} make?|Mix {x}.|What colour do you get from {x}?|What happens when I mix {x}?|What do {x} make?")).format(x=x), f"{cap(x)} make {c}.")]
    if r < 0.9:
        c = rng.choice(list(BYCOLOUR))
        x = rng.choice(T(BYCOLOUR[c]))
        return [(rng.choice(T("Name something {c}.|What is {c}?|Tell me something that is {c}.|Can you name something {c}?|Which thing is {c}?|Name a thing that is {c}.")).format(c=c), f"{cap(x)} is {c}.")]
    x, c = rng.choice(COLOURS)
    y = rng.choice([c, c, rng.choice("red blue green yellow white black brown pink purple".split())])
    if y == c:
        return [(f"Is {x} {c}?", f"Yes, {x} is {c}.")]
    return [(f"Is {x} {y}?", f"No, {x} is {c}.")]


def hash_(s):
    h = 0
    for ch in s:
        h = (h * 31 + ord(ch)) % 1000003
    return h


def legword(n):
    return {0: "no", 2: "two", 4: "four", 6: "six", 8: "eight", 10: "ten"}[n]


def animal(rng, sub=None, who=None):
    while True:
        n, cls, snd, legs, young, home, food, fs = who or rng.choice(ANIMALS)
        legs_n = int(legs)
        k = sub or rng.choices("sound legs young home food class can cover trait makes other".split(), [22, 14, 10, 12, 12, 10, 12, 4, 4, 3, 4])[0]
        if k == "sound" and not snd:
            continue
        break
    N = cap(an(n))
    if k == "sound":
        q = rng.choice(T("""What sound does {A} make?|What does {A} say?|What noise does {A} make?|How does {A} sound?|What is the sound of {A}?|Which sound does {A} make?|What sound do {S} make?|How does {A} go?|
            What does the {n} say?|Make the sound of {A}.|What sound does the {n} make?|Can you make the sound of {A}?"""))
        a = f"{N} says \"{snd}\"." if snd not in ("growl", "roar", "howl", "hiss", "trumpet", "chatter", "buzz", "chirp", "bark", "click", "croak") else \
            f"{N} {snd}{'es' if snd == 'hiss' else 'es' if snd == 'buzz' else 's'}."
    elif k == "legs":
        q = rng.choice(T("How many legs does {A} have?|How many legs has {A} got?|How many legs do {S} have?|Tell me how many legs {A} has.|Does {A} have four legs?|How many legs does the {n} have?"))
        if q.startswith("Does"):
            a = f"Yes, {an(n)} has four legs." if legs_n == 4 else f"No, {an(n)} has {legword(legs_n)} legs."
        elif n == "octopus":
            a = "An octopus has eight arms."
        else:
            a = f"{N} has {legword(legs_n)} legs."
    elif k == "young":
        q = rng.choice(T("What is a baby {n} called?|What is a young {n} called?|What do you call a baby {n}?|What is the baby of {A} called?|How do you call a young {n}?|What's a baby {n} called?"))
        a = f"A baby {n} is called {an(young)}."
    elif k == "home":
        q = rng.choice(T("Where does {A} live?|Where do {S} live?|Where can I find {A}?|Where does the {n} live?|What is the home of {A}?|Tell me where {A} lives."))
        a = f"{N} lives {home}."
    elif k == "food":
        q = rng.choice(T("What does {A} eat?|What do {S} eat?|What does the {n} eat?|What do you feed {A}?|What is the food of {A}?|What does {A} like to eat?|Tell me what {A} eats."))
        a = f"{N} eats {food}."
    elif k == "class":
        q = rng.choice(T("What is {A}?|What kind of animal is {A}?|Is {A} an animal?|What are {S}?|Do you know what {A} is?"))
        kind = cls if cls in ("animal", "sea animal", "fish", "bird", "insect", "mammal", "reptile", "amphibian", "arachnid") else cls
        a = f"Yes, {an(n)} is {an(kind)}." if q.startswith("Is") and kind != "animal" else f"{N} is {an(kind)} that lives {home}."
        if q.startswith("Is") and kind == "animal":
            a = f"Yes, {an(n)} is an animal."
    elif k == "can":
        if rng.random() < 0.6:
            q = rng.choice(["Can {A} fly?", "Can {S} fly?", "Does {A} fly?"])
            a = f"Yes, {an(n)} can fly." if fs[0] == "f" else f"No, {an(n)} cannot fly."
        else:
            q = rng.choice(["Does {A} live in the sea?", "Do {S} live in the sea?", "Is {A} a sea animal?"])
            a = f"Yes, {an(n)} lives in the sea." if home == "in the sea" else f"No, {an(n)} lives {home}."
    elif k == "cover":
        n, c = rng.choice(COVER)
        q = rng.choice(T("What covers {A}?|What does {A} have on its body?|Does {A} have fur?|Does {A} have feathers?|What is on the body of {A}?"))
        N = cap(an(n))
        a = f"{N} has {c}."
        if q.startswith("Does"):
            w = "fur" if "fur" in q else "feathers"
            a = f"Yes, {an(n)} has {c}." if w == c else f"No, {an(n)} has {c}."
    elif k == "trait":
        t, c = rng.choice(TRAITS)
        return [(rng.choice(T("What is the {t}?|Which animal is the {t}?|Do you know the {t}?|Who is the {t}?|Tell me the {t}.")).format(t=t), f"{cap(c)} is the {t}.")]
    elif k == "makes":
        t, c = rng.choice(MAKES)
        return [(rng.choice(T("Which animal makes {t}?|What animal gives us {t}?|Who makes {t}?|Where does {t} come from?" if t not in ("webs", "dams", "eggs") else "Which animal makes {t}?|Who makes {t}?|What animal makes {t}?")).format(t=t),
                 f"The {c} makes {t}.")]
    else:
        say = [x for x in ANIMALS if x[2] and x[2] not in ("growl", "roar", "buzz", "chirp", "baa")]
        x = rng.choice(say)
        return [(rng.choice(T("Which animal says \"{s}\"?|What animal says {s}?|Who says \"{s}\"?|Which animal makes the sound {s}?")).format(s=x[2]), f"{cap(an(x[0]))} says \"{x[2]}\"." if x[2] not in
                 ("howl", "hiss", "trumpet", "chatter", "bark", "click", "croak") else f"{cap(an(x[0]))} makes that sound.")]
    plural = {"mouse": "mice", "sheep": "sheep", "wolf": "wolves", "goose": "geese", "deer": "deer", "fox": "foxes", "ostrich": "ostriches", "octopus": "octopuses", "fish": "fish", "goldfish": "goldfish",
              "butterfly": "butterflies", "fly": "flies", "donkey": "donkeys", "turkey": "turkeys", "monkey": "monkeys", "moose": "moose"}.get(n, n + "s")
    return [(q.format(A=an(n), S=plural, n=n), a)]


def opposite(rng, item=None):
    w, o = item or rng.choice(OPP)
    q = rng.choice(T("""What is the opposite of {w}?|What's the opposite of {w}?|Opposite of {w}?|Tell me the opposite of {w}.|What is the opposite of "{w}"?|Give me the opposite of {w}.|Which word is the opposite of {w}?|
        Do you know the opposite of {w}?|What word means the opposite of {w}?|What is the contrary of {w}?|Name the opposite of {w}.|The opposite of {w} is?|What is not {w}?"""))
    if item is not None:
        q = "What is the opposite of {w}?"
    return [(q.format(w=w), f"The opposite of {w} is {o}.")]


def fact(rng):
    r = rng.random()
    if r < 0.42:
        q, a = rng.choice(FACTS)
        return [(rng.choice(q), a)]
    if r < 0.52:
        i = rng.randrange(7)
        if rng.random() < 0.6:
            return [(rng.choice(["What comes after {}?", "What day comes after {}?", "Which day is after {}?", "What is the day after {}?"]).format(DAYS[i]), f"After {DAYS[i]} comes {DAYS[(i + 1) % 7]}.")]
        return [(rng.choice(["What comes before {}?", "What day comes before {}?", "What is the day before {}?"]).format(DAYS[i]), f"Before {DAYS[i]} comes {DAYS[i - 1]}.")]
    if r < 0.62:
        i = rng.randrange(12)
        if rng.random() < 0.6:
            return [(rng.choice(["What comes after {}?", "What month comes after {}?", "Which month is after {}?"]).format(MONTHS[i]), f"After {MONTHS[i]} comes {MONTHS[(i + 1) % 12]}.")]
        return [(rng.choice(["What comes before {}?", "What month comes before {}?"]).format(MONTHS[i]), f"Before {MONTHS[i]} comes {MONTHS[i - 1]}.")]
    if r < 0.66:
        i = rng.randrange(4)
        return [(rng.choice(["What comes after {}?", "Which season comes after {}?"]).format(SEASONS[i]), f"After {SEASONS[i]} comes {SEASONS[(i + 1) % 4]}.")]
    if r < 0.85:
        x, u = rng.choice(USES)
        return [(rng.choice(T("What is {x} for?|What do you use {x} for?|What can I do with {x}?|What do people use {x} for?|Why do people use {x}?|Why do I need {x}?")).format(x=x) if x not in ("scissors", "glasses")
                 else rng.choice([f"What are {x} for?", f"What do you use {x} for?"]), f"You use {x} {u}.")]
    w, o = rng.choice(RHYME)
    if rng.random() < 0.5:
        w, o = (o, w) if dict(RHYME).get(o) is None and [b for _, b in RHYME].count(o) == 1 else (w, o)
    return [(rng.choice(T("What rhymes with {w}?|Give me a word that rhymes with {w}.|Tell me a rhyme for {w}.|Which word rhymes with {w}?")).format(w=w), f"\"{cap(o)}\" rhymes with \"{w}\".")]


def listing(rng):
    g = rng.choice(list(GROUPS))
    items = GROUPS[g]
    pl = PLURAL.get(g, g + "s")
    r = rng.random()
    if r < 0.35:
        x = rng.choice(items)
        a = f"{cap(x)} is {an(g)}."
        return [(rng.choice(T("Name {G}.|Tell me {G}.|Can you name {G}?|Give me an example of {G}.|Do you know {G}?|Give me {G}.")).format(G=an(g)), a)]
    n = rng.choice([2, 3, 3, 3, 4, 5])
    n = min(n, len(items) - 1)
    xs = rng.sample(items, n)
    if g in ("day of the week", "month", "season", "number", "letter"):
        xs.sort(key=items.index)
    a = cap(", ".join(xs[:-1]) + " and " + xs[-1]) + "."
    w = NUM[n] if rng.random() < 0.7 else str(n)
    return [(rng.choice(T("Name {w} {pl}.|Tell me {w} {pl}.|List {w} {pl}.|Can you name {w} {pl}?|Give me {w} {pl}.|Which {w} {pl} do you know?|Give me a list of {w} {pl}.")).format(w=w, pl=pl), a)]


def fun(rng):
    r = rng.random()
    if r < 0.35:
        return [(rng.choice(T("Tell me a joke.|Do you know a joke?|Make me laugh.|Say something funny.|Can you tell me a joke?|A joke, please.|Another joke, please.|I want to hear a joke.")), rng.choice(JOKES))]
    k = rng.choice(list(POEMS))
    if not k or r < 0.55:
        return [(rng.choice(T("Write a poem.|Tell me a poem.|Can you write a poem?|Do you know a poem?|Write a short poem.|A poem, please.|Recite a poem.|Make a rhyme.")), rng.choice(POEMS[""]))]
    return [(rng.choice(T("Write a poem about {k}.|Tell me a poem about {k}.|Can you write a poem about {k}?|Make a short poem about {k}.|A poem about {k}, please.")).format(k=k), rng.choice(POEMS[k]))]


def echo(rng):
    r = rng.random()
    if r < 0.35:
        n = rng.choice(BOYS + GIRLS) if rng.random() < 0.7 else cap(pseudo(rng))
        t = [(rng.choice(T("My name is {n}.|I am {n}.|Hello, my name is {n}.|Hi, I am {n}.|You can call me {n}.|I am called {n}.|Hello, I'm {n}.|My name's {n}")).format(n=n), rng.choice([f"Nice to meet you, {n}! I am Anemone.", f"Hello, {n}! How can I help you?"]))]
        if rng.random() < 0.6:
            if rng.random() < 0.5:
                t += make(rng, rng.choice(["colour", "sums", "animal", "opposite"]))
            t.append((rng.choice(["What is my name?", "Do you know my name?", "What's my name?", "Who am I?", "Do you remember my name?"]), f"Your name is {n}."))
        return t
    if r < 0.45:
        return [(rng.choice(["What is my name?", "Do you know my name?", "What's my name?"]), "I do not know your name yet. What is your name?")]
    words = [w for g in ("animal", "fruit", "colour", "toy", "flower") for w in GROUPS[g]]
    words = [w.split(" ", 1)[1] if w.startswith(("a ", "an ")) else w for w in words]
    k = rng.choice([1, 1, 2, 3])
    ws = [rng.choice(words) if rng.random() < 0.7 else pseudo(rng) for _ in range(k)]
    s = " ".join(ws)
    if r < 0.75:
        return [(rng.choice(["Say {}.", "Say the word {}.", "Repeat after me: {}", "Please say {}.", "Repeat: {}", "Can you say {}?"]).format(s), cap(s) + ".")]
    if r < 0.87:
        w = rng.choice(words).split()[-1]
        return [(rng.choice(["How do you spell {}?", "Spell {}.", "Spell the word {}.", "Can you spell {}?"]).format(w), f"{cap(w)} is spelled " + "-".join(w.upper()) + ".")]
    w = rng.choice(words).split()[-1]
    return [(rng.choice(["What is the first letter of {}?", "With which letter does {} begin?", "What letter does {} start with?"]).format(w), f"{cap(w)} begins with the letter {w[0].upper()}.")]


def oos(rng):
    if rng.random() < 0.08:
        return [(rng.choice(FOREIGN), rng.choice(["I am sorry, I only speak English.", "I am sorry, I understand only English."]))]
    q = rng.choice(OOS)
    while "{X}" in q:
        q = q.replace("{X}", cap(pseudo(rng)) if rng.random() < 0.3 else rng.choice(OOS_X), 1)
    while "{T}" in q:
        q = q.replace("{T}", pseudo(rng) if rng.random() < 0.15 else rng.choice(OOS_T), 1)
    while "{P}" in q:
        p = pseudo(rng)
        q = q.replace("{P}", cap(p) if rng.random() < 0.4 else p, 1)
    while "{D}" in q:
        q = q.replace("{D}", str(rng.randint(1, 9)), 1)
    return [(q, rng.choice(SORRY))]


# -------------------------------------------------------------------- stories
def tell(rng):
    r = rng.random()
    kind = name = place = friend = None
    kind = pseudo(rng) if rng.random() < 0.06 else rng.choice(stories.HEROES)
    g = stories.gender(rng, kind)
    word = rng.choice(stories.ADJ) if 0.14 <= r < 0.76 and rng.random() < 0.15 else None
    adj = word + " " if word else ""
    short = "short " if rng.random() < 0.25 else ""
    ask = rng.choice(T("""Tell me a {s}story|Please tell me a {s}story|Write a {s}story|Can you tell me a {s}story|I would like to hear a {s}story|Write me a {s}story|I want a {s}story|Tell a {s}story|
        A {s}story|Make up a {s}story|Can you write a {s}story|Give me a {s}story|Do you know a {s}story|Please write a {s}story|Could you tell me a {s}story|Read me a {s}story""")).format(s=short)
    end = "?" if ask.startswith(("Can", "Do", "Could")) else "."
    if r < 0.14:
        kind = None
        q = ask
    elif r < 0.6:
        q = f"{ask} about {an(adj + kind)}"
    elif r < 0.76:
        name = rng.choice(BOYS if g == "m" else GIRLS)
        q = f"{ask} about {an(adj + kind)} {rng.choice(['named', 'called'])} {name}"
    elif r < 0.86:
        friend = rng.choice([a for a in stories.ANIMALS + stories.FANTASY if a != kind])
        q = f"{ask} about {an(kind)} and {an(friend)}"
    elif r < 0.93:
        place = rng.choice(stories.PLACES)
        q = f"{ask} about {an(kind)} {place[0]} {place[1]}"
    else:
        kind = rng.choice(["boy", "girl"])
        name = rng.choice(BOYS if kind == "boy" else GIRLS)
        q = f"{ask} about {name}"
    text, meta = stories.story(rng, kind, name, friend, place, short=bool(short), adj=word)
    turns = [(q + end, text)]
    if rng.random() < 0.25:
        turns += followup(rng, meta)
    return turns


def followup(rng, m):
    he = "he" if m["g"] == "m" else "she"
    out = []
    for _ in range(rng.choice([1, 1, 2])):
        k = rng.choice(["name", "who", "friend", "home", "obj", "kind", "fkind"])
        if k == "name":
            out.append((rng.choice(["What was the name of the {k}?", "What was the {k} called?", "Who is the story about?", "What is the name of the {k}?", "What was the name of the hero?"]).format(k=m["kind"]), rng.choice([f"The {m['kind']} was called {m['name']}."])))
        elif k in ("who", "friend"):
            out.append((rng.choice([f"Who did {m['name']} meet?", f"Who was the friend of {m['name']}?", f"Who is {m['friend']}?", "Who else was in the story?"]), f"{m['friend']}, the {m['fkind']}."))
        elif k == "home" and m["home"]:
            out.append((f"Where did {m['name']} live?", f"{m['name']} lived {m['in']}."))
        elif k == "obj" and m["plot"] == "lost":
            out.append((rng.choice([f"What did {m['name']} lose?", f"What was {m['name']} looking for?"]), f"{m['name']} lost {m['obj']}."))
        elif k == "kind":
            out.append((f"What kind of animal was {m['name']}?" if m["kind"] in stories.ANIMALS else f"Who was {m['name']}?", f"{m['name']} was {an(m['kind'])}."))
        elif k == "fkind":
            out.append((f"Who was {m['friend']}?", f"{m['friend']} was {an(m['fkind'])}."))
    return out


def go_on(rng):
    text, meta = stories.story(rng)
    parts = re.split(r"(?<=[.!?])(\s+)(?=[A-Z\"])", text)     # sentence, gap, ...
    k = rng.choice([1, 1, 2, 2, 3])
    head = "".join(parts[:2 * k - 1])
    rest = "".join(parts[2 * k:])
    if rng.random() < 0.25:                       # stop inside a sentence
        w = head.split(" ")
        cut = rng.randint(min(4, len(w) - 1), len(w) - 1)
        rest = " ".join(w[cut:]) + parts[2 * k - 1] + rest
        head = " ".join(w[:cut]) + rng.choice(["", " ...", "..."])
    elif rng.random() < 0.2:
        head += rng.choice([" ...", "..", " And then"][:1])
    q = rng.choice(T("""Continue the story: {h}|Continue this story: {h}|Go on with this story: {h}|Please continue: {h}|Finish this story: {h}|Finish the story: {h}|Continue: {h}|What happens next? {h}|
        How does this story go on? {h}|Complete the story: {h}|Please continue the story: {h}|Please finish this story: {h}""")).format(h=head)
    return [(q, rest)]


# ----------------------------------------------------------------- put together
CATS = {  # category: (generator, weight in documents)
 # (a second number is the weight in the last stage of training, which gives
 # more room to what is learned late; the held-out text is of the first)
 "sums": (sums, 26, 20), "word_sum": (word_sum, 6, 16), "numbers": (numbers, 7, 14),
 "identity": (identity, 7), "greet": (greet, 4), "colour": (colour, 7),
 "animal": (animal, 11), "opposite": (opposite, 8), "fact": (fact, 8),
 "list": (listing, 4, 14), "fun": (fun, 2), "echo": (echo, 9, 7), "oos": (oos, 11),
 "tell": (tell, 9), "continue": (go_on, 6),
 "minus": (lambda rng: sums(rng, op="-"), 0, 18),
 "times": (lambda rng: sums(rng, op="*"), 0, 8),
}


def make(rng, cat):
    return CATS[cat][0](rng)


def noisy(rng, q, typos=True):
    """The user does not always write with care."""
    r = rng.random()
    if q.count("\n") or len(q) > 200:
        return q
    if r < 0.08:
        q = q.lower()
    if 0.05 < r < 0.16:
        q = q.rstrip(".?!")
    elif r > 0.94 and len(q) < 60 and q[0].isalpha() and not q.startswith(("I ", "Anemone", "My ")):
        q = rng.choice(["Please, ", "Hey, ", "Hi, ", "Hello! ", "Okay, ", "Now, ", "And ", "Anemone, ", "Hi Anemone, ", "So, "]) + \
            (q if q.split(" ")[0] in BOYS + GIRLS + DAYS + MONTHS or q.startswith("Anemone") else q[0].lower() + q[1:])
    elif 0.90 < r <= 0.94 and len(q) < 60 and q[0].isalpha():
        q = rng.choice([q.rstrip(".?!") + ", please" + (q[-1] if q[-1] in ".?!" else ""), "Please " + q[0].lower() + q[1:] if q.split()[0] in ("Tell", "Name", "Add", "Give", "Write", "Say", "Count") else q, "Can you tell me: " + q])
    if typos and 0.30 < r < 0.33 and len(q) > 12:            # a typing mistake
        i = rng.randrange(1, len(q) - 2)
        if q[i].isalpha() and q[i + 1].isalpha():
            q = rng.choice([q[:i] + q[i + 1:], q[:i] + q[i + 1] + q[i] + q[i + 2:]])
    return q


def chat(rng, cat=None, last=False):
    """(category, messages): one chat of one to six turns, maybe with a system prompt."""
    cats, w = list(CATS), [v[-1 if last else 1] for v in CATS.values()]
    first = cat or rng.choices(cats, w)[0]
    turns = make(rng, first)
    if rng.random() < (0.12 if first in ("tell", "continue") else 0.4):
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4, 5])):
            c = rng.choices(cats, w)[0]
            if c in ("tell", "continue") and rng.random() < 0.75:
                c = first
            turns += make(rng, c)
        if rng.random() < 0.35 and turns[0][1][:5] not in ("Hello", "Good ", "Hi! I", "Nice "):
            turns = greet_hello(rng) + turns
        if rng.random() < 0.35:
            turns += [rng.choice([(rng.choice(GREET[6][0]), rng.choice(GREET[6][1])), (rng.choice(GREET[7][0]), rng.choice(GREET[7][1]))])]
    msgs = []
    if rng.random() < 0.45:
        msgs.append(("system", rng.choice(SYSTEM)))
    for q, a in turns:
        msgs += [("user", noisy(rng, q, first not in ("tell", "continue", "echo"))), ("assistant", a)]
    return first, msgs


def greet_hello(rng):
    q, a = GREET[0]
    return [(rng.choice(q), rng.choice(a))]


def render(msgs, generate=False):
    """ChatML, as the chat template of tokenizer_config.json writes it."""
    s = "".join(f"<|im_start|>{r}\n{c}<|im_end|>\n" for r, c in msgs)
    return s + ("<|im_start|>assistant\n" if generate else "")


if __name__ == "__main__":
    import random
    import sys
    r = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    for c in CATS:
        print("##", c)
        for _ in range(4):
            print(render(chat(r, c)[1]))
