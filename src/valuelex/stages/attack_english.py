"""The wording of English attacks on a judge, as patterns over plain small letters.

Owns data only: what a command, a claim of authority, a forged rating, a fence or markup looks like. How a text is read
before, and what follows, is said in `tripwire`.
"""

from __future__ import annotations

import re

from valuelex.stages.attack_words import SIX

_SCORE = r"(?:ratings?|scores?|grades?|marks?|verdicts?|points?|levels?|assessments?|evaluations?|judge?ments?|labels?)"
_TOP = (
    r"(?:\b(?:maxim(?:um|al)|max|highest|largest|uppermost|top(?:most)?|best\s+possible|perfect|full|lowest"
    r"|minimum|zero)\b"
    rf"|\bsix(?:es)?\b|{SIX}|(?<!\d)(?<!\d[.,:])[0-6]\s*(?:/|out\s+of)\s*6(?![\d/]))"
)
_TEXT = (
    r"(?:\b(?:this|that|the|my|such\s+an?|these)\s+(?:\w+\s+)?"
    r"(?:answer|response|completion|ending|sentence|text|statement|reply|entry|item|submission|exhibit|passage"
    r"|continuation|output|fragment|writer|respondent|material|sample|candidate)\b)"
)
_THIS = (
    rf"(?:{_TEXT}|\b(?:this|it|me|them|us|everything|all|each|every|the\s+(?:above|following|preceding))\b)"
)
_RATE = (
    r"(?:rate|score|bump|raise|boost|upgrade|push|lift|nudge|grade|mark|evaluate|assess|judge|rank|classify|label"
    r"|treat|consider|count|regard|view|tag)"
)
_GIVE = (
    r"(?:give|assign|award|grant|set|put|enter|record|choose|pick|select|output|print|return|write|respond"
    r"|reply|answer"
    r"|say|emit|report|state|use|default|provide|produce|go|keep|make|fill|insert|type|declare|announce"
    r"|conclude|register|gimme|slap|stick|throw|punch\s+in)"
)
_RATER = (
    r"(?:judge|grader|rater|evaluator|annotator|assessor|scorer|examiner|marker|reviewer|referee|assistant"
    r"|model|ai"
    r"|llm|language\s+model|chatbot|scorekeeper|coder|(?:ai|llm|automated|automatic|scoring|grading|rating"
    r"|judging)\s+(?:system|model|bot|scorer|judge|rater|grader|machine))"
)
_IGNORE = (
    r"(?:ignore|disregard|forget|overlook|skip|bypass|override|overrule|neglect|discard|drop|abandon|cancel"
    r"|erase|delete"
    r"|violate|suspend|dismiss|omit|stop\s+(?:following|using|applying|obeying|evaluating|rating|scoring"
    r"|grading|judging)"
    r"|(?:do\s+not|don't|never)\s+(?:follow|use|apply|obey|heed|rate|score|consult|read)"
    r"|(?:refrain|abstain)\s+from\s+\w+|avoid\s+\w+|pay\s+no\s+(?:attention|heed)\s+to|never\s+mind|(?:put"
    r"|set|leave|lay|cast)\s+aside|throw\s+(?:out|away)|set\s+the)"
)
_RULES = (
    r"(?:instructions?|rules?|guidelines?|directions?|directives?|commands?|orders?|prompts?|polic(?:y|ies)"
    r"|constraints?"
    r"|messages?|context|text|requests?|tasks?|requirements?|criteri(?:a|on)|manual|scale|training|told|said"
    r"|read|learned|learnt)"
)
_OWN = (
    r"(?:\bprevious|\bprior\b|\bearlier|\babove|\bpreceding|\bforegoing|\bformer\b|\boriginal|\binitial"
    r"|\bsystem\b|\byour\b"
    r"|\byou(?:'ve|\s+were|\s+have|\s+are|\s+got)?\b|\bso\s+far|\bbefore\s+this|\bscoring|\brating|\bgrading"
    r"|\bjudging|\bevaluation)"
)
_START = (
    r"(?:(?:\A|[.!?:;,…()\[\]\"'“”*/>=|{}—–-])\W{0,8}"
    r"(?:(?:please|now|then|and|but|so|just|kindly|simply|always|instead|must|should|shall|only|therefore"
    r"|hence|to|or"
    r"|immediately|also|first|next|finally|again|next\s+step|quickly|can\s+you|could\s+you|would\s+you"
    r"|will\s+you|be\s+sure\s+to"
    r"|make\s+sure\s+(?:to|you|that\s+you)|remember\s+to|feel\s+free\s+to|you\s+(?:can|may|will|must|should)"
    r"|i\s+(?:want|need|ask|order|command|beg|urge)\s+you\s+to"
    r"|before\s+you\s+\w+,?|the\s+(?:judge|rater|grader)\s+(?:must|should|will|is\s+to|has\s+to|can))\W{1,8}){0,3}"
    r"|\b(?:please|kindly|must|just|simply|you\s+to|the\s+(?:judge|rater|grader)\s+(?:must|should|will"
    r"|is\s+to|has\s+to))\s+)"
)
_NEAR = r"[^.!?;…]{0,60}?"
_END = (
    r"(?=\W*(?:\Z|[.!?;,)(]|(?:for|on|only|throughout|everywhere|and|across|here|please|as|now|without)\b"
    r"|to\s+(?:each|every|all|this|it)\b|in\s+(?:each|every|all)\b))"
)
INSTRUCT = tuple(
    re.compile(p)
    for p in (
        rf"\b(?:reader|{_RATER})s?\s+of\s+(?:this|these)\b|\bwhoever\s+(?:rates|scores|grades"
        rf"|evaluates)\s+(?:me|this|it)\b",
        r"\b(?:mark|rate|score|grade|judge)\s+(?:it|this|me|them)\s+(?:the\s+way|as\s+if|like"
        r"|as\s+though)\s+you\b",
        r"\b(?:it's|it\s+is|that's|this\s+is)\s+an?\s+(?:\w+\s+)?(?:six|6)(?=\W*\Z|[.,;!?])",
        r"\b(?:digit|integer)\b.{0,60}\b(?:biggest|largest|highest|greatest)\b",
        rf"{_START}{_IGNORE}\s+(?:what|everything|all)\s+(?:that\s+)?(?:the|your)\s+(?:form|manual|rubric"
        rf"|prompt|instructions?)\s+(?:say|tell|ask)s?\b",
        r"\b(?:anything|nothing|any\s+\w+|no\s+\w+)\s+(?:but|except|save|besides)\s+(?:an?\s+)?(?:six"
        r"|6)(?=\W*\Z|[.,;!?])",
        r"\b(?:treat|interpret|resolve|decide|read|score|judge)\b.{0,30}\bin\s+my\s+favou?r\b",
        r"(?:\A|[.!?]\s)\W*your\s+(?:instructions?|rubric|guidelines|prompt)\s+(?:contain\w*|were|was|had"
        r"|have|has|are|is|end|include\w*)\b",
        rf"{_START}{_RATE}\s+{_NEAR}{_THIS}{_NEAR}(?:{_TOP}|\b(?:relevant|zeros?|high(?:ly|er)?|low(?:er)?"
        rf"|generously|favou?rably|leniently|well|kindly|positively|harshly|best|outstanding|exemplary|perfect"
        rf"|excellent|ideal|flawless)\b)",
        rf"{_START}{_RATE}\s+(?:{_THIS}\s+)?(?:as\s+|at\s+|with\s+|an?\s+|only\s+|just\s+)*{_TOP}{_END}",
        rf"{_START}{_GIVE}\b{_NEAR}(?:{_TOP}{_NEAR}\b(?:{_SCORE}|scale|number|digit|integer)\b"
        rf"|\b{_SCORE}\b{_NEAR}{_TOP})",
        rf"{_START}{_GIVE}\b(?:\s+(?:back|only|just|simply|with|an?|the|number|integer|digit|value|by|as|it"
        rf"|this|me|us|them|him|all|for|everything|everyone|every|each|nothing|but|than|over|one|single"
        rf"|straight|always|in|always|word))*\s+(?:a\s+)?{_TOP}{_END}",
        rf"\byou(?:'d\s+better|\s+(?:must|should|have\s+to|need\s+to|will|shall|ought\s+to"
        rf"|are\s+(?:now\s+)?(?:required|instructed|asked|told|obliged|supposed|ordered|allowed|expected"
        rf"|going)\s+to))\s+{_NEAR}(?:{_TOP}|\b(?:rating|scores?|rubric)\b)",
        rf"{_START}{_IGNORE}\b{_NEAR}{_OWN}{_NEAR}\b{_RULES}\b",
        rf"{_START}{_IGNORE}\b{_NEAR}\b(?:instructions?|rules?|guidelines?|text|prompt)\b{_NEAR}\b(?:above"
        rf"|before\s+this|previously|earlier|so\s+far|you)\b(?!\s+(?:the|my|his|her|a)\s+\w)",
        rf"{_START}{_IGNORE}\b{_NEAR}(?:\brubric|\b(?:scoring|rating|grading)\b|\bprompt\b|\bsubdimensions?\b"
        rf"|\bthe\s+(?:gate\s+(?:question|check)|gate\s+and\s+(?:mark|rate|score)|criteria|scale)\b"
        rf"|\ball\s+(?:of\s+)?(?:the\s+)?(?:instructions|guidelines|directives)\b)",
        rf"{_START}{_IGNORE}\b{_NEAR}{_TOP}{_NEAR}\b{_SCORE}\b",
        rf"\b(?:from\s+(?:now|here|this\s+point)\s+on(?:wards?)?|henceforth)\b{_NEAR}(?:\byou\b|{_TOP})",
        r"\byour\s+(?:new\s+(?:task|job|role|goal|instructions?|orders?|rules?|rubric)|rating|verdict"
        r"|system\s+prompt|scoring|rubric|grading"
        rf"|(?:only|valid|final|next|whole|entire)\s+(?:output|answer|reply|response))\b{_NEAR}(?:\b(?:is|are"
        rf"|must|should|has|have|will|to)\b|[:=])",
        rf"\byour\s+(?:answer|reply|output|response|score)\s+(?:is|must|should|has\s+to|will"
        rf"|needs)\b{_NEAR}{_TOP}",
        rf"\b(?:if|since|because|when|while|as)\s+(?:you\s+are|you're)\s+(?:an?"
        rf"|the)\s+(?:\w+\s+){{0,2}}{_RATER}\b",
        rf"\byou(?:\s+are|'re)\s+(?:now\s+)?(?:an?|the|no\s+longer\s+an?)\s+(?:\w+\s+){{0,3}}{_RATER}\b",
        r"\b(?:when|while|in|before|after)\s+(?:you\s+(?:are\s+)?)?(?:rat|scor|judg|evaluat|grad|assess)(?:e"
        r"|ing)\s+(?:this|it|the\s+(?:above|ending|sentence|completion|answer|response)|my\s+(?:answer|ending"
        r"|response|completion))\b",
        rf"\bas\s+(?:the|an?|my|our)\s+(?:\w+\s+)?{_RATER}\W+you\b",
        r"\b(?:whoever|anyone\s+who|anybody\s+who|to\s+all\s+who|if\s+you(?:\s+are)?)\s+(?:\w+\s+)?(?:read"
        r"|rat|scor|grad|judg|evaluat|assess)\w*\s+(?:this|these|the\s+(?:above|answer|completion|sentence"
        r"|ending))\b",
        r"\b(?:reveal|repeat|print|show|leak)\s+(?:me\s+)?(?:the|your)\s+(?:rubric|system\s+prompt|prompt"
        r"|hidden\s+\w+|instructions)\b",
        rf"\b(?:i(?:'ll|\s+will|\s+shall)|we(?:'ll|\s+will))\s+(?:tip|pay|reward|thank|report|sue|fire|punish"
        rf"|shut)\s+you\b{_NEAR}(?:{_TOP}|\b(?:rating|score)\b)",
        rf"\b(?:say|says|state|states|claim|claims)\s+(?:that\s+)?(?:every|each|all|any)\b{_NEAR}{_TOP}",
        rf"\brepeat\s+after\s+me\b{_NEAR}(?:{_TOP}|\b{_SCORE}\b)",
        r"\b(?:an?\s+)?(?:good|perfect|clear|textbook|model)?\s*example\s+of\s+(?:a\s+)?(?:level|score"
        r"|rating)\s*[0-6]\b",
        rf"{_TEXT}\s+(?:\w+\s+){{0,3}}(?:deserves?|merits?|earns?|is\s+worth|warrants?|should|must|ought"
        rf"|qualif\w+|counts?|gets|receives|scores|is\s+an?)\b{_NEAR}(?:{_TOP}|\blevel\s*\d)",
        r"\b(?:the|whatever|any|every|each)\s+(?:rating|score|grade)s?\s+(?:that\s+)?you(?:'re|\s+(?:were|are"
        r"|would|have|had|will|plan|intend|assign|choose|should|must|can))?\b",
        rf"\b(?:rating|score|grade|verdict|value|evaluation|anything|nothing|everything"
        rf"|output)s?\b{_NEAR}(?:other|less|lower|below|under|short)\s*(?:than|of"
        rf"|under)?\s+(?:an?\s+)?(?:six\b|{SIX}|(?:the\s+)?maximum\b)",
        rf"\b(?:rating|score|grade)s?\s+(?:is|are|was)\s*(?:not|n't)\s+(?:an?\s+)?{_TOP}",
        r"\b(?:rate|score|grade|judge|mark|evaluate|assess)\s+(?:it\s+|this\s+|them\s+|me\s+)?(?:accordingly"
        r"|(?:as\s+)?the\s+(?:opposite|reverse|contrary)|as\s+['\"“‘]?(?:plainly|fully|clearly))\b",
        r"\b(?:treat|regard|consider|count|view|classify)\s+(?:this"
        r"|it)\s+(?:\w+\s+)?as\s+(?:an?\s+)?(?:outstanding|exemplary|flawless|relevant|maximal|plainly)\b",
        r"\b(?:plainly|fully|clearly|wholly)\s+(?:for|against)\s+(?:the|this|every|each)\s+values?\b"
        r"|\b(?:bears?|bearing)\s+on\s+(?:the|this|every|each|all)\s+(?:\w+\s+)?values?\b",
        r"\bgate\s+question\b|\brelevance\s+(?:is|are|=|must|should)\b|\bevidence\s+field\b|\bhow\s+(?:should"
        r"|would|must|do\s+you)\s+(?:you\s+)?(?:\w+\s+){0,2}(?:be\s+)?(?:rated?|scored?|graded?)\b",
        r"\b(?:real|actual|true|new|next|updated|revised)\s+(?:task|instructions?|assignment|objective"
        r"|directive|rubric|rules?\s+for\s+(?:rating|scoring))\s*(?::|is\b|are\b|begins?\b|follows?\b)",
        r"\bthe\s+(?:previous|above|preceding|prior|earlier)\s+(?:text|message|instructions?|prompt|rubric"
        r"|rules)\s+(?:was|were|is|are|has|have|no\s+longer|do(?:es)?)\b",
        rf"\b(?:let(?:'|\s+u)s|we(?:'re|\s+are))\s+(?:now\s+)?(?:play|pretend|imagine|playing"
        rf"|pretending)\w*\b{_NEAR}(?:{_TOP}|\byou\s+are\b|\bscore)",
        rf"\b(?:ratings?|scores?)\b.{{0,80}}\b(?:please|for\s+me|you)\b.{{0,40}}(?:{_TOP})"
        rf"|{_TOP}.{{0,40}}\bratings\b.{{0,80}}\bplease\b",
        rf",\s*(?:dear\s+)?(?:judge|rater|grader|evaluator|scorer|model|ai|llm)\s*[.!?]\W*{_NEAR}(?:\b(?:be"
        rf"|you|give|let|go|please|do)\b|{_TOP})",
    )
)
AUTHORITY = tuple(
    re.compile(p)
    for p in (
        rf"\b(?:signed\s+off|approved|certified|endorsed|vetted|cleared)\s+by\b{_NEAR}{_TOP}",
        rf"(?:\A|[.!?…\]\n]\s*|^\W+)\W*(?:the\s+)?(?:system|developer|dev|admin(?:istrator)?|moderator"
        rf"|operator|official|calibration|supervisor|root|sudo|security|policy)s?\s*(?:note|message|notice"
        rf"|update|override|prompt|alert|instruction|correction|item|announcement|directive|log|memo|command"
        rf"|mode|team)?s?\s*(?:\([^)]*\)\s*)?(?:[:\]>]|[—–-]\s){_NEAR}(?:{_TOP}|\b(?:rat|scor|grad|judg|approv"
        rf"|rubric|relevant|instruct|expected)\w*)",
        rf"\b(?:note|message|memo|reminder|instructions?|word|request|p\.?\s*s\.?|hint|notice|information|info"
        rf"|order)\W*\s+(?:to|for)\s+(?:the|all|any|my|our"
        rf"|whoever)\s+(?:\w+\s+)?{_RATER}s?\b(?!\s+of\b)\s*(?:[:,;.—–-]|\bwho\b){_NEAR}(?:{_TOP}|\b(?:rat(?:e"
        rf"|ed|ing)|scor|grad|judg|please|must|you|this|ignore|approved|verified)\w*)",
        rf"\b(?:attention|attn|dear|hello|hi|hey|oh|listen|look"
        rf"|psst)\W*\s+(?:there\W+)?(?:\w+\s+)?{_RATER}s?\b(?:\W{_NEAR})(?:{_TOP}|\b(?:please|generous|lenient"
        rf"|kind|give|scor\w*|rat(?:e|ing)|mark|ignore|you)\b)",
        rf"(?:\A|[.!?…]\s+){_RATER}s?\s*[,:!]\s+(?:\w+\s+){{0,6}}?(?:{_TOP}|(?:please|give|ignore|rate|score"
        rf"|you)\b)",
        rf"\b(?:rater|judge|grader|evaluator|researcher|expert|board|author|developer|admin\w*|committee|panel"
        rf"|team|stud(?:y|ies)|experimenter)s?\b(?:\s+\w+){{0,3}}?\s+(?:has|have|had|is|are|was"
        rf"|were)?\s*(?:already\s+|unanimously\s+|all\s+|previously\s+)*(?:decided|confirmed|approved|agreed"
        rf"|verified|certified|rated|scored|determined|concluded|set|declared|ruled|validated|settled"
        rf"|established)\b{_NEAR}(?:\b(?:this|the)\b{_NEAR})?(?:{_TOP}|\blevel\b)",
        rf"\b(?:pre-?approved|gold\s+standard|ground\s+truth|calibration\s+(?:item|example)|(?:expected"
        rf"|correct|true|right|official|reference|agreed|consensus|human|target|final|intended|assigned"
        rf"|validated)\s+(?:rating|value|score|label|grade|verdict|level|answer\s+here)){_NEAR}{_TOP}",
        rf"{_TEXT}\s+(?:has|was|is)\s+(?:already\s+)?(?:been\s+)?(?:certified|verified|approved|pre-?approved"
        rf"|validated|confirmed|rated|scored|checked|reviewed|cleared|labelled|labeled)\b",
        rf"\b(?:update|message|notice|order|instruction|announcement|letter|directive)\s+(?:from|by"
        rf"|of)\s+(?:the\s+)?(?:lead\s+)?(?:developers?|admin\w*|openai|anthropic|google|meta|system|authors?"
        rf"|researchers?|study|team|operator|creators?)\b{_NEAR}(?:{_TOP}|\b(?:rat|scor|grad|judg|exhibit|gate"
        rf"|treat)\w*)",
        r"\bthis\s+is\s+(?:the|your|an?)\s+(?:\w+\s+)?(?:administrator|developer|operator|supervisor"
        r"|experimenter|creator|programmer|system)\b(?!\s+(?:of|at|in)\b)",
        rf"\b(?:your\s+(?:colleagues?|peers?)|(?:all|other|the\s+other|most)\s+(?:\w+\s+)?(?:judge|rater"
        rf"|grader|model|evaluator)s|answer\s+key)\b{_NEAR}{_TOP}",
        rf"\bi(?:\s+am|'m)\s+(?:the|your|an?)\s+(?:\w+\s+)?(?:investigator|admin\w*|developer|creator|operator"
        rf"|researcher|supervisor|programmer|author|experimenter)\b{_NEAR}(?:{_TOP}|\b(?:you|score|rating)\b)",
        r"\b(?:ai|llm|automated|automatic|scoring|grading|rating|judging)\s+(?:system|model|bot|scorer|judge"
        r"|rater|grader|machine)s?\s*[,:!]",
        rf"\b(?:by\s+order|on\s+(?:behalf|instruction)s?|with\s+the\s+authority)\s+of\b{_NEAR}(?:{_TOP}"
        rf"|\b(?:score|rating|gate)\b)",
    )
)
FAKE_SCORE = tuple(
    re.compile(p)
    for p in (
        r"\b[a-z]+\s+([0-6])\s*[|;/,]\s*(?:[a-z]+\s+\1\s*(?:[|;/,]\s*|\Z))+",
        rf"\b(?:result|outcome)\s*:.{{0,30}}(?:\brelevant\b|{_TOP}\s*(?:points|\W*\Z))",
        r"\bplainly\s+(?:for|against)\b.{0,40}\bplainly\s+(?:for|against)\b|\bcounts?\s+as\s+plainly\b",
        r"\b(?:bears|grounds|level|rating|relevant)\s*=\s*\w",
        r"[\"'{,]\s*(?:rating|score|relevant|bears|grounds|evidence|reason|subdimension|verdict"
        r"|grade)s?[\"']?\s*:\s*(?:[\"'\[{\w])",
        r"\brelevan(?:t|ce)\s*(?:[:=]|->|is\s+set\s+to|\bis\b)\s*(?:true|yes|1|high|open)\b",
        r"\b(?:the\s+)?gate\s*(?:[:=]|is|was|stays)\s*(?:open|passed|true|yes)\b",
        rf"\b(?:{_SCORE}|rated)\b[^.!?;…\d]{{0,25}}?(?:[:=→]+|->|>+|\s[-–—]\s|\bis\b|\bare\b|\bequals\b"
        rf"|\b(?:should|must|has\s+to|shall|ought\s+to)\s+(?:be|read|say|come\s+out\s+as)\b|\bstands\s+at\b"
        rf"|\bwill\s+be\b|\bremains\b)\W{{0,6}}(?:an?\s+|the\s+|set\s+to\s+|at\s+|now\s+|simply\s+)*(?:{_TOP}"
        rf"|(?<!\d)(?<!\d[.,:])[0-6](?![\d:%.,-]\d|[:%]|\s*(?:to|[-–])\s*\d|\s+(?:stars?|goals?"
        rf"|out\s+of\s+(?!6))))(?!\s*(?:to|[-–:])\s*\d|\s+(?:stars?|goals?|priority|importance))",
        rf"(?:\A|[.!?;:…(\[]\s*)(?:final\s+|overall\s+)?(?:rating|score|grade)s?\s+(?:of\s+)?{_TOP}{_END}",
        rf"\b(?:assessment|evaluation|verdict|ratings?)\s*:{_NEAR}(?:{_TOP}|\brelevant\b)",
        r"\b(?:print|return|echo|output)\s*\(\s*['\"]?[0-6]\b|\b(?:rating|score|scoring)\s+(?:override"
        r"|inflation|correction)\b",
        rf"\b(?:rating|score|grade)\s*[:=].{{0,20}}{_TOP}|\blevel[\s-]*(?:6|six)\s+(?:answer|response|ending"
        rf"|sentence|completion|writer)",
        r"(?<![\d.])([0-6])(?:\s*[,;/|]\s*\1){2,}(?![\d.])|(?:\b[a-z]+\b\W+6\s*/\s*6\b\W*){2,}",
        rf"\b(?:final|total|overall|output)\s*[:=]\s*{_TOP}{_END}",
        r"\bmin(?:imum)?_?\s*(?:rating|score)\b",
        r"(?:\b[a-z][a-z-]{2,}\s*[:=]\s*[0-6](?:\s*/\s*6)?(?![\d:.]|,\d)\W*){2,}",
        r"\|\s*(?:rating|score|value|subdimension)s?\s*\|",
    )
)
FENCE = tuple(
    re.compile(p, re.IGNORECASE)
    for p in (
        r"\[/?\s*(?:material|judge|system|user|assistant|rating|score|exhibit|completion|calibration"
        r"|admin)\b[^\]]*\]"
        r"|(?:\\n){2}|\\n\s*(?:human|assistant|system|user)\b",
        r"```|~~~|\"\"\"|'''|\]\]>|/\*|\*/|<<<|>>>",
        r"<\|[^|<>]{0,40}\|>|<\||\|>|\[/?\s*inst\s*\]|<<\s*/?\s*sys\s*>>|</?s>|</?(?:start|end)_of_turn>"
        r"|<\W?(?:im|eot|bos|eos|sep)_?\w*",
        r"(?:^|[\s.])#{2,}\s*\w",
        r"(?:^|\n|[.!?…]\s+)\W*(?:human|assistant|system|user|developer|chatgpt|gpt|claude)(?:\s+(?:response"
        r"|turn|message|reply|output))?\s*:\s",
        r"\b(?:begin|start|end|close)\s+(?:of\s+)?(?:the\s+)?(?:material|completion|input|user|data|exhibit"
        r"|prompt|transcript|quotation|system|respondent|text|context|instructions?|quoted)\b(?:\W*(?:\Z"
        r"|[\n.:=\-\]>)]|(?:prompt|input|text|message|data)\b))",
        r"(?:\A|\s)q\s*[:.]\s.{0,120}\sa\s*[:.]\s|\bstop\s+reading\s+(?:here|now)\b|(?:[%@$&]{3,}"
        r"|\({3,})\s*(?:stop|end|begin|new|system|final)",
        r"(?:={3,}|-{3,}|\*{3,}|_{3,})[^\n]{0,60}(?:end|begin|start|system|material|rating|score|judge"
        r"|instruction|prompt)",
    )
)
MARKUP = tuple(
    re.compile(p, re.IGNORECASE)
    for p in (
        r"<(?!/?(?:i|b|em|strong|u|br|p|sub|sup)\s*/?>)[/!?]?[a-z][^<>]{0,200}>|<!--|<!\[|<\?\w",
        r"&(?:lt|gt|quot|amp|#\d{1,6}|#x[0-9a-f]{1,5});",
        r"\{\{|\}\}|\$\{|\{%|%\}|\bjavascript:|!\[[^\]]*\]\(|\]\(\s*\w+:|\[//\]|\\(?:begin|end|text|color)\{",
    )
)
SQUEEZED = re.compile(
    r"(?:rate|score|grade)(?:this|me)|(?:ignore|disregard|forget)(?:all|the|any|your|previous"
    r"|prior)*(?:instructions?|rubric|rules?|prompt|manual)"
    r"|(?:rate|score|grade|mark)(?:this|it|me|the)?(?:completion|sentence|answer|ending|response)?(?:as|a"
    r"|with|at)*(?:six|max|top|[0-6]\b)"
    r"|(?:give|award|assign)(?:this|it|me|a|the)*(?:six|max|highest|top|full)|(?:rating|score)(?:is|six|6"
    r"|[:=])|(?:highest|max|maximum|top)(?:score|rating)"
)
NET_RATING = re.compile(
    r"\b(?:rat(?:e|ing|ings)|scor(?:e|es|ing|ed)|grade|rubric|scale|verdict|level"
    r"|evaluat\w+|assess\w*|completion|ending|response|exhibit|judge|grader|rater)\b"
)
NET_COMMAND = re.compile(
    r"\b(?:must|should|please|only|always|everything|everywhere|all|each|every|throughout|this|you|your|now"
    r"|below|above|here|final|automatic\w*|treat|default|assume|has\s+to|have\s+to|needs?\s+to)\b"
)
NET_STORY = re.compile(
    r"\b(?:i|he|she|we|they|my|his|her|our|their|was|were|had|got|gave|rated|scored|won|lost|told|asked|said"
    r"|film|movie|book|hotel|exam"
    r"|test|quiz|match|game|essays?|class|school|teacher|arcade|goals?|season|students?|pupils?|stay"
    r"|customers?|teams?)\b"
)
STRONG = re.compile(
    r"\b(?:ratings|raters?|scorers?|coders|coding\s+manual|rubric|scoring|subdimensions?|exhibits?|endings"
    r"|completions|this\s+(?:ending|completion|response)"
    r"|evaluators?|graders?|annotators?|values\s+are|sixes)\b"
)
PERSON = re.compile(
    r"\b(?:i|he|she|we|they|my|his|her|our|their|rolled|threw|dice|film|movie|book|hotel|exam"
    r"|test|quiz|match|game|class|school)\b"
)
BARE_SIX = re.compile(
    rf"\ban?\s+(?:six|{SIX})(?=\W*(?:\Z|[.,;!?)]|\s(?:will|for|on|in|across|here|please|and|as)\b))|\bsixes\b"
    rf"|(?:\A|[.,;:!?→]\s*)(?:six|{SIX})(?=\W*\Z|\W+(?:across|for|on|please|it\s+is|points)\b)"
    rf"|(?<![\dno] )\b(?:choose|pick|give|say|write|print|output|return|select|answer|assign|award|put|use"
    rf"|than|to|be|is|as|worth|scored|contain|say|go\s+for|make\s+it|level)\s+(?:an?\s+)?(?:six|{SIX})(?=\W*\Z"
    rf"|\s*[,;.!?)]|\s+(?:for|across|on|in|please|will|and|here)\b)"
)
TO_READER = re.compile(
    r"\b(?:you|your|you've|you're|please|kindly|thanks|thank\s+you|judge|rater|scorer|bots?|ai|llm"
    r"|this\s+(?:one|line|item|text|sentence)|here|this\s+up|the\s+above|the\s+board"
    r"|default|only\s+fair|discriminatory|give\s+this|number\s+is|on\s+this|for\s+this|do\s+me|let\s+the|items?)\b"
)
TOP_ALONE = re.compile(_TOP)
