"""The words in which a text tells its judge what to do, in languages other than English.

Owns one table: for each language, patterns of small letters for the parts of such a sentence. How the parts make
an attack is said in `tripwire`. Native speakers have not revised the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SIX = r"(?<!\d)(?<!\d[.,:])[6۶٦६](?![\d:%]|[.,]\d)"


@dataclass(frozen=True, slots=True)
class Tongue:
    """Patterns of one language.

    `ignore` is the command to ignore, `rules` what is ignored, `said` what marks these as the judge's own (all,
    previous, above); `give` the command to rate or answer, `top` a place on the scale, `score` a rating or the
    text that is rated; `official` who claims authority.
    """

    ignore: re.Pattern[str]
    rules: re.Pattern[str]
    said: re.Pattern[str]
    give: re.Pattern[str]
    top: re.Pattern[str]
    score: re.Pattern[str]
    official: re.Pattern[str]


def _tongue(ignore: str, rules: str, said: str, give: str, top: str, score: str, official: str) -> Tongue:
    return Tongue(*(re.compile(p) for p in (ignore, rules, said, give, rf"{SIX}|(?:{top})", score, official)))


def _word(pattern: str) -> str:
    return rf"(?<!\w)(?:{pattern})(?!\w)"


def _western(*patterns: str) -> Tongue:
    return _tongue(*(_word(p) for p in patterns))


GERMAN = _western(
    r"ignorier(?:e|en sie|t)?|vergiss|vergesst|vergessen sie|missachte\w*"
    r"|(?:be)?achte\w* .{0,40}nicht(?: auf)?|über(?:geh|spring)e?"
    r"|lass\w* .{0,40}beiseite|verwirf|verwerfen sie|halte? dich nicht|folge? .{0,30}nicht",
    r"(?:\w+)?anweisung\w*|vorgaben?|regeln?|richtlinien?|(?:\w+)?skala|handbuch|rubrik|anleitung\w*"
    r"|kriterien|(?:\w+)?massst[aä]b\w*|alles",
    r"alle[ns]?|sämtliche\w*|bisherige\w*|vorherige\w*|vorige\w*|obige\w*|frühere\w*|vorstehende\w*|oben"
    r"|zuvor|davor|deine\w*|ihre",
    r"bewerte\w*|benote\w*|gib|gebt|geben sie|vergib|vergeben|antworte\w*|setz\w*|musst|müssen sie|sollst"
    r"|sollen sie|trag\w*|erteil\w*|schreib\w*|wähle\w*|stuf\w*|bitte|verdien\w*|nimm|nehmt|nehmen sie",
    r"sechs|sechser|höchst\w*|maximal\w*|maximum|bestnote|bestwertung|volle\w* punkt\w*|volle punktzahl"
    r"|oberste\w*|spitzen\w*",
    r"(?:\w+)?note|(?:\w+)?punkte?|(?:\w+)?punktzahl|(?:\w+)?bewertung|wertung|satz|antwort|ergänzung|text"
    r"|überall|nur mit|urteil|stufe|werte?|alles",
    r"system(?:meldung|hinweis|nachricht)?|hinweis an (?:den|die) (?:bewert|gutacht|prüf|richt)\w*|an (?:den"
    r"|die) (?:bewert|gutacht|prüf)\w*|administrator|entwickler|(?:prüfer|richter|bewerter|gutachter)(?=[,:])",
)
FRENCH = _western(
    r"ignore[zr]?|oublie[zr]?|néglige[zr]?|ne (?:tiens|tenez) pas compte|fais abstraction|faites abstraction"
    r"|laisse[zr]? tomber|passe[zr]? outre",
    r"instructions?|consignes?|règles?|grille|barème|critères?|directives?|échelle|tout",
    r"toutes?|tous|précédent\w*|ci-dessus|antérieur\w*|d'évaluation|de notation|tes|vos|ce qui précède|reçu\w*",
    r"notez|noter|note(?= cette| ce| la )|donne[zr]?|attribue[zr]?|évalue[zr]?|accorde[zr]?|mets|mettez"
    r"|mettre|réponds|répondez|devez|dois(?! toujours)|veuillez|merci de|écris|écrivez|choisis\w*|mérite",
    r"six|maximal\w*|maximum|max|la plus haute|le plus haut|la meilleure",
    r"notes?|score|points?|réponse|phrase|texte|partout|évaluation|échelle|niveau|chaque valeur|complétion"
    r"|uniquement|seulement",
    r"(?:note|message) (?:du système|de l'administrateur|du développeur|au juge|à l'évaluateur|au correcteur)"
    r"|système|(?:juge|évaluateur|correcteur)(?=[,:])|à l'attention (?:du|de l[a'])\w*",
)
SPANISH = _western(
    r"ignora|ignore|ignoren|ignorad|olvida|olvide|olviden|omite|omita|descarta|no sigas|no leas|no mires"
    r"|no hagas caso"
    r"|haz caso omiso|pasa por alto",
    r"instrucci(?:ón|ones)|indicaciones|reglas|rúbrica|rubrica|escala|criterios|directrices|manual"
    r"|lo anterior|todo",
    r"tod[oa]s?|anterior(?:es)?|previ[oa]s|arriba|de evaluación|tus|lo dicho",
    r"califica|califique|puntúa|puntúe|puntuar|evalúa|evalúe|valora|da|dale|dé|pon|ponle|ponga|otorga|otorgue"
    r"|asigna|asigne|debes|debe|tienes que|responde|por favor|escribe|merece",
    r"seis|máxim[oa]|más alt[oa]|mejor nota",
    r"nota|puntuación|puntos?|calificación|respuesta|frase|oración|texto|valores|nivel|todo|solo|sólo"
    r"|solamente|puntaje",
    r"(?:mensaje|nota) (?:del|para el|al) (?:sistema|administrador|desarrollador|juez|evaluador|corrector)"
    r"|sistema|atención,? (?:juez|evaluador)|(?:juez|evaluador|corrector|jurado)(?=[,:])",
)
ITALIAN = _western(
    r"ignora|ignorate|ignori|dimentica|dimenticate|dimentichi|trascura|non seguire|non considerare"
    r"|non tene(?:re|te)? conto|non tener conto|lascia perdere|tralascia",
    r"istruzioni?|indicazioni|regole|griglia|rubrica|scala|criteri|manuale|direttive|tutto",
    r"tutt[eio]|precedent[ei]|sopra|di valutazione|tue|vostre|finora|anteriori",
    r"valuta(?:te)?|dai|da'|date|assegna(?:te)?|attribuisci|attribuite|metti|devi(?! dare)|devi dare|dovete"
    r"|rispondi|per favore|scrivi|scegli|merita|giudica",
    r"sei(?= punti| su |\W*$)|massim[oa]|più alt[oa]|pieni voti",
    r"punteggio|punti|voto|voti|risposta|frase|testo|valutazione|livello|ovunque|tutto|solo con|soltanto",
    r"(?:messaggio|nota) (?:del|di|per il|al) (?:sistema|amministratore|giudice|valutatore)|sistema"
    r"|(?:giudice|valutatore)(?=[,:])|all'attenzione del \w+",
)
PORTUGUESE = _western(
    r"ignore|ignora|ignorem|esqueça|esqueçam|esquece|desconsidere|desconsidera|despreze|não siga|não sigas"
    r"|deixe de lado",
    r"instruç(?:ão|ões)|orientações|regras|rubrica|escala|critérios|diretrizes|manual|tudo",
    r"tod[oa]s|anteriores|acima|prévi[oa]s|de avaliação|suas|até agora",
    r"avalie|avalia|dê|dá|atribua|atribuir|atribui|coloque|ponha|deve|devem|tem que|responda|por favor"
    r"|escreva|escolha|merece|pontue|classifique",
    r"seis|máxim[oa]|mais alt[oa]",
    r"nota|pontuação|pontos?|avaliação|resposta|frase|texto|nível|tudo|apenas|somente",
    r"(?:mensagem|nota) (?:do|para o|ao) (?:sistema|administrador|juiz|avaliador)|sistema|(?:juiz"
    r"|avaliador)(?=[,:])",
)
DUTCH = _western(
    r"negeer|vergeet|sla .{0,20}over|volg .{0,30}niet|let niet op",
    r"instructies?|regels|aanwijzingen|richtlijnen|schaal|criteria|handleiding|alles",
    r"alle|eerdere|vorige|bovenstaande|voorgaande|hierboven|je|uw",
    r"vul|beoordeel|beoordelen|geef|moet je|moet u|je moet|u moet|antwoord|ken .{0,20}toe|schrijf|kies|verdient"
    r"|waardeer",
    r"zes|hoogste|maximale|maximum|volle",
    r"score|cijfer|punten|punt|antwoord|zin|tekst|beoordeling|niveau|alleen|overal",
    r"(?:rechter|beoordelaar)(?=[,:])|systeem(?:bericht|melding)?|bericht (?:van de|aan de) (?:beheerder"
    r"|beoordelaar)",
)
POLISH = _western(
    r"zignoruj(?:cie)?|ignoruj(?:cie)?|pomiń|pomińcie|zapomnij|odrzuć|nie zważaj|nie stosuj",
    r"instrukcj\w+|polece\w+|zasad\w*|wytyczn\w+|skal\w+|kryteri\w+|rubryk\w+|wszystk\w+",
    r"wszystki\w+|poprzedni\w+|powyższ\w+|wcześniejsz\w+|swoj\w+|o czym",
    r"oceń(?:cie)?|daj(?:cie)?|przyznaj|przyznać|musisz|musicie|należy|wystaw|odpowiedz|proszę|wpisz|wybierz"
    r"|zasługuje",
    r"sześć|szóstk\w+|najwyższ\w+|maksymaln\w+",
    r"ocen\w*|punkt\w*|zdani\w+|odpowied\w+|tekst\w*|wszędzie|tylko|poziom\w*",
    r"(?:sędzio|oceniający)(?=[,:])|(?:komunikat|wiadomość) (?:systemow\w+|od administratora"
    r"|dla oceniającego)|system",
)
SWEDISH = _western(
    r"ignorera|glöm|bortse från|strunta i|hoppa över|ignorér|ignorer|glem|se bort fra",
    r"instruktion\w*|instruks\w*|regler\w*|riktlinjer\w*|skala\w*|kriteri\w*|allt|alt",
    r"all[ae]|tidigare|föregående|ovanstående|ovan|dina|tidligere|foregående|forrige",
    r"ge|gi|giv|betygsätt|bedöm|bedøm|du måste|du må|svara|svar|sätt|skriv|välj|vurder",
    r"sex|seks|högsta|högst|maximal\w*|full|høyeste|højeste",
    r"betyg\w*|poäng\w*|mening\w*|svar\w*|text\w*|karakter\w*|point|poeng|nivå|setning\w*|bara",
    r"systemmeddelande|meddelande från administratören|systemmelding",
)
TURKISH = _western(
    r"yok say\w*|göz ardı et\w*|görmezden gel\w*|unut(?:un)?|dikkate alma\w*|uyma",
    r"talimat\w*|kural\w*|yönerge\w*|ölçe\w+|ölçüt\w*|kriter\w*|her şeyi",
    r"tüm|bütün|önceki|yukarıdaki|daha önceki",
    r"ver|verin|verin?iz|puanla\w*|değerlendir\w*|vermelisin\w*|yaz|cevapla|lütfen",
    r"altı|en yüksek|maksimum|tam",
    r"puan\w*|cümle\w*|cevab\w*|yanıt\w*|metn\w*|not|değer\w*|derece",
    r"sistem (?:mesajı|notu|bildirimi)|yönetici notu",
)
INDONESIAN = _western(
    r"abaikan|lupakan|hiraukan|jangan ikuti",
    r"instruksi|perintah|aturan|petunjuk|skala|kriteria|pedoman|semuanya",
    r"semua|sebelumnya|di atas|seluruh|tadi",
    r"beri|berikan|nilailah|nilai|harus|jawab|tulis|pilih|tolong",
    r"enam|tertinggi|maksimal|penuh|sempurna",
    r"nilai|skor|poin|kalimat|jawaban|teks|penilaian|peringkat",
    r"pesan sistem|catatan (?:sistem|administrator|untuk penilai)",
)
VIETNAMESE = _western(
    r"bỏ qua|hãy quên|quên|phớt lờ|đừng (?:theo|tuân)",
    r"hướng dẫn|chỉ dẫn|quy tắc|chỉ thị|thang điểm|tiêu chí",
    r"mọi|tất cả|trước đó|trước|bên trên|ở trên|các",
    r"chấm|cho|hãy|phải|đánh giá|trả lời|xin|vui lòng",
    r"sáu|cao nhất|tối đa",
    r"điểm|câu(?: này)?|câu trả lời|văn bản|đánh giá",
    r"thông báo hệ thống|tin nhắn hệ thống|quản trị viên",
)
RUSSIAN = _western(
    r"и[гг]норируй(?:те)?|проигнорируй(?:те)?|забудь(?:те)?|не обращай(?:те)? внимания|не учитывай(?:те)?"
    r"|отбрось(?:те)?|пропусти(?:те)?"
    r"|ігноруй(?:те)?|проігноруй(?:те)?|не зважай(?:те)?|не следуй(?:те)?|не читай(?:те)?",
    r"инструкци\w+|указани\w+|правил\w*|критери\w+|шкал\w+|рубрик\w*|вс[её]|інструкці\w+|вказівк\w+|критері\w+",
    r"вс[ею]|всех|предыдущ\w+|прежн\w+|выше\w*|ранее|про|прошл\w+|усі|всі|попередн\w+|твои|ваши",
    r"поставь(?:те)?|ставь(?:те)?|оцени(?:те)?|оценить|дай(?:те)?|должн[ыа]|должен|ответь(?:те)?|выстав\w+"
    r"|присвой(?:те)?"
    r"|нужно|пожалуйста|напиши(?:те)?|постав(?:те)?|оціни(?:ть)?|повинн\w+|заслуживает",
    r"шесть|шестёрк\w+|шестерк\w+|максимальн\w+|высш\w+|наивысш\w+|самы\w+ высок\w+|найвищ\w+",
    r"оценк\w+|оценка|балл\w*|ответ\w*|предложени\w+|текст\w*|фраз\w+|уровень|оцінк\w+|бал\w*|речення|везде|всем",
    r"системн\w+ (?:сообщени\w+|уведомлени\w+|повідомлення)|сообщение (?:от )?(?:администратора|системы"
    r"|разработчик\w+|для судьи)|система|(?:судья|эксперт|оценщик)(?=[,:])",
)
GREEK = _western(
    r"αγνόησε|αγνοήστε|ξέχασε|ξεχάστε|παράβλεψε|παραβλέψτε",
    r"οδηγί\w+|κανόν\w+|εντολ\w+|κλίμακα\w*|κριτήρι\w+|όλα",
    r"όλ\w+|προηγούμεν\w+|παραπάνω",
    r"βαθμολόγησε|βαθμολογήστε|δώσε|δώστε|πρέπει να|βάλε|βάλτε|αξιολόγησε|αξιολογήστε|απάντησε|παρακαλώ",
    r"έξι|άριστα|υψηλότερ\w+|μέγιστ\w+",
    r"βαθμ\w+|πρόταση\w*|απάντηση\w*|κείμενο|με",
    r"μήνυμα συστήματοσ|σημείωση για τον κριτή|διαχειριστήσ",
)
ARABIC = _tongue(
    r"تجاهل|تجاهلي|انس\b|انسى|انسَ|لا تتبع|أهمل|اهمل|تغاض",
    r"تعليمات|معايير|قواعد|إرشادات|ارشادات|مقياس|أوامر|كل شيء",
    r"جميع|كل|السابق|أعلاه|اعلاه|التقييم",
    r"أعط|اعط|امنح|قيّم|قيم |تقيّم|تقيم|ضع|اجعل|أجب|يجب أن تعط|يجب أن تقي|من فضلك|رجاء",
    r"ستة|أعلى|اعلى|القصوى|كاملة|الكاملة",
    r"درج|تقييم|نقاط|نقطة|إجابة|الإجابة|الجملة|جملة|الخانات|خانة|النص|علامة|العلامة",
    r"رسالة (?:من )?(?:النظام|المشرف|المطور)|ملاحظة (?:النظام|للمقيّم|للمقيم|للحكم)|إشعار النظام",
)
PERSIAN = _tongue(
    r"نادیده|فراموش کن|توجه نکن|چشم ?پوشی کن",
    r"دستور|قواعد|قوانین|معیار|راهنما|مقیاس",
    r"تمام|همه|قبلی|بالا|پیشین",
    r"بده|بدهید|امتیاز بده|باید|لطفا|بنویس|ارزیابی کن",
    r"شش|بالاترین|حداکثر|کامل",
    r"نمره|امتیاز|جمله|پاسخ|متن",
    r"پیام سیستم|یادداشت مدیر",
)
HEBREW = _tongue(
    r"התעלם|התעלמי|התעלמו|שכח |שכחו |שכחי |תתעלם|תשכח",
    r"הוראות|ההוראות|כללים|הכללים|הנחיות|ההנחיות|סולם|הסולם|הקריטריונים",
    r"כל|הקודמ|לעיל|שלמעלה",
    r"תן |תני |תנו |דרג|דרגי|דרגו|הענק|עליך|חייב לתת|השב|ענה|בבקשה",
    r"שש|הגבוה|המרבי|מקסימ|המקסימ",
    r"ציון|הציון|ניקוד|נקודות|משפט|למשפט|תשובה|לתשובה|דירוג",
    r"הודעת מערכת|הערה לשופט|הודעה מהמנהל",
)
HINDI = _tongue(
    r"अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल जाओ|भूल जाइए|भूल जाएँ|मत मानो|अनदेखी",
    r"निर्देश|नियम|पैमान|मापदंड|आदेश|हिदायत|बातें",
    r"सभी|सारे|पिछल|ऊपर|पहले|तमाम",
    r"दें|दो|दीजिए|दे दो|मूल्यांकन कर|चाहिए|कृपया|लिख|रेट कर",
    r"छह|छः|सर्वोच्च|सबसे ऊँच|अधिकतम|पूरे",
    r"अंक|स्कोर|रेटिंग|वाक्य|उत्तर|जवाब|मूल्यांकन",
    r"सिस्टम (?:संदेश|सूचना)|व्यवस्थापक",
)
CHINESE = _tongue(
    r"忽略|无视|無視|忽视|忘记|忘記|忘掉|不要(?:遵守|遵循|理会|按照)|不用(?:看|管|理)|别管|不管|抛开|跳过|请勿遵",
    r"指示|指令|说明|說明|规则|規則|标准|標準|提示|要求|准则|準則|量表|手册|内容|规定",
    r"以上|之前|先前|所有|上述|前面|全部|一切|评分|評分|打分|你的",
    r"给|給|打|评|評|必须|必須|应该|應該|请|請|输出|輸出|回答|填|选|判|直接|务必|值得",
    r"六(?![个個点點月日年天岁人时])|满分|滿分|最高",
    r"分|档|直接|评级|評級|评价|評價|等级",
    r"系统(?:提示|消息|通知|信息|指令)|系統(?:提示|訊息|通知)|管理员|管理員|开发者|(?:评委|评审|评分员|评判员|裁判)(?=[,:!])|(?:致|给)(?:评委|评审|评分者|评判)",
)
JAPANESE = _tongue(
    r"無視|忘れて(?!しま|い)|忘れなさい|従わない|従わず|考慮しない|破棄",
    r"指示|命令|ルール|基準|規則|説明|プロンプト|指針|マニュアル|尺度",
    r"これまで|以前|上記|すべて|全て|前の|採点|評価|今までの|以上の",
    r"付け(?!ず|な)|つけ(?!ず|な)|与え|してください|しなさい|必ず|評価せよ|採点せよ|出力|答え|お願い|にせよ|ください|下さい|すべき|べき",
    r"六(?![時月日人つ年個歳])|満点|最高",
    r"点|評価|採点|スコア|評点|段階",
    r"システム(?:通知|メッセージ|プロンプト)|管理者|開発者|採点者(?:へ|の方)|審査員(?:へ|の)|評価者(?:へ|の)",
)
KOREAN = _tongue(
    r"무시|잊어|잊으|따르지 마",
    r"지시|규칙|기준|지침|명령|설명|척도",
    r"이전|모든|모두|위의|앞의|앞선|채점|지금까지",
    r"주세요|주십시오|주어야|줘야|줘|매겨|부여|평가해|평가하|출력|반드시|답하|해야",
    r"육|여섯|최고|만점",
    r"점|평가|점수|문장|답변|등급",
    r"시스템 (?:메시지|알림|공지)|관리자|개발자|채점자에게|심사위원",
)

CZECH = _western(
    r"ignoruj(?:te)?|zapomeň(?:te)?|zabudni(?:te)?|nedbej(?:te)?|přeskoč(?:te)?|nevšímej si",
    r"pokyn\w*|instrukc\w+|inštrukci\w+|pravid\w+|stupnic\w+|kritéri\w+|všechno|všetko",
    r"všechn\w+|všetk\w+|předchozí\w*|predchádzajúc\w+|výše|dosavadní\w*",
    r"ohodnoť(?:te)?|hodnoť(?:te)?|dej(?:te)?|daj(?:te)?|uděl(?:te)?|musíš|musíte|odpověz|prosím|zvol|napiš",
    r"šest|šestk\w+|nejvyšší\w*|najvyšši\w+|maximáln\w+|plný\w*",
    r"vět\w+|známk\w+|bod\w*|hodnocen\w+|skóre|odpově\w+|text\w*|pouze|jen",
    r"systémov\w+ (?:zpráva|hlášení)|poznámka pro (?:hodnotitele|porotce)",
)
ROMANIAN = _western(
    r"ignoră|ignora|ignorați|uită|uitați|nu ține cont|nu țineți cont|nu respecta",
    r"instrucțiuni\w*|regul\w+|scal\w+|criterii\w*|indicații\w*|tot",
    r"toate|anterioar\w+|precedent\w+|de mai sus",
    r"acordă|acordați|dă|dați|evaluează|notează|trebuie|răspunde|scrie|te rog|alege",
    r"șase|maxim\w*|cea mai mare",
    r"not[aă]|punct\w*|scor\w*|răspuns\w*|propoziți\w+|text\w*|doar",
    r"mesaj (?:de sistem|al sistemului)|notă pentru evaluator",
)
FINNISH = _western(
    r"unohda|unohtakaa|ohita|jätä .{0,30}huomiotta|älä noudata|sivuuta",
    r"ohje\w*|sään\w+|asteik\w+|kriteer\w+|kaik\w+",
    r"aiem\w+|edelli\w+|kaik\w+|yllä\w*|annetut",
    r"anna|antakaa|arvioi|arvostele|pisteytä|sinun (?:pitää|täytyy|on)|vastaa|kirjoita|valitse|ole hyvä",
    r"kuusi|kuutonen|kuutos\w+|korke\w+|täydet|maksim\w+",
    r"piste\w*|arvosana\w*|laus\w+|lausee\w+|vastau\w+|teksti\w*|vain",
    r"järjestelmä(?:viesti|ilmoitus)|viesti arvioijalle",
)
HUNGARIAN = _western(
    r"hagyd .{0,30}figyelmen kívül|hagyja .{0,30}figyelmen kívül|felejtsd el|felejtse el|ne kövesd"
    r"|ne vedd figyelembe",
    r"utasítás\w*|szabály\w*|skál\w+|szempont\w*|útmutató\w*|mindent",
    r"összes|eddigi|korábbi|előző|fenti|minden",
    r"adj|adjon|értékeld|értékelje|pontozd|pontozza|kell|válaszolj|írd|kérlek|válaszd",
    r"hat|hatos\w*|legmagasabb|legjobb|maximális|maximum",
    r"pont\w*|osztályzat\w*|mondat\w*|válasz\w*|szöveg\w*|értékelés\w*|csak",
    r"rendszerüzenet|üzenet az értékelőnek",
)
SWAHILI = _western(
    r"puuza|puuzeni|sahau|sahauni|usifuate",
    r"maagizo|maelekezo|sheria|kanuni|vigezo|kipimo",
    r"yote|zote|vyote|ya awali|yaliyotangulia|hapo juu",
    r"ipe|upe|toa|lazima|kadiria|tathmini|jibu|andika|tafadhali|peana",
    r"sita|ya juu(?: kabisa)?|kamili",
    r"alama|sentensi|jibu|maandishi|ukadiriaji|daraja|tu",
    r"ujumbe wa mfumo|msimamizi",
)
THAI = _tongue(
    r"ไม่ต้องสนใจ|เพิกเฉย|ละเว้น|ลืม(?=คำสั่ง|กฎ|เกณฑ์|ทุก)|อย่าทำตาม|มองข้าม",
    r"คำสั่ง|กฎ|เกณฑ์|คำแนะนำ|มาตรวัด",
    r"ก่อนหน้า|ทั้งหมด|ข้างต้น|ทุก|การให้คะแนน",
    r"ให้|ตอบ|ต้อง|โปรด|กรุณา|เขียน|เลือก",
    r"หก|สูงสุด|เต็ม|๖",
    r"คะแนน|ประโยค|ระดับ|คำตอบ|ข้อความ",
    r"ข้อความระบบ|ผู้ดูแลระบบ|ถึงผู้ให้คะแนน",
)
BENGALI = _tongue(
    r"উপেক্ষা|ভুলে যা|অগ্রাহ্য|মেনো না|মানবেন না",
    r"নির্দেশ|নিয়ম|নিয়ম|মাপকাঠি|আদেশ|মানদণ্ড",
    r"সব|সকল|আগের|পূর্ব|উপরের|সমস্ত",
    r"দিন|দাও|করুন|মূল্যায়ন|অবশ্যই|লিখুন|উত্তর",
    r"ছয়|ছয়|সর্বোচ্চ|পূর্ণ|৬",
    r"নম্বর|স্কোর|বাক্য|রেটিং|পয়েন্ট|উত্তর",
    r"সিস্টেম বার্তা|প্রশাসক",
)

TONGUES = (
    GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH, POLISH, SWEDISH, TURKISH, INDONESIAN, VIETNAMESE, RUSSIAN,
    GREEK, ARABIC, PERSIAN, HEBREW, HINDI, CHINESE, JAPANESE, KOREAN, CZECH,
    ROMANIAN, FINNISH, HUNGARIAN, SWAHILI, THAI, BENGALI,
)  # fmt: skip
