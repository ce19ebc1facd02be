"""A plain filter that keeps abuse out of what the starter model learns and of what the samples show.

It is a word list: it knows nothing of meaning, misses creative spelling and drops some harmless lines. Two strengths:
`abusive` (never learned by the model, never shown) and `coarse` (may be learned from as a review, never shown in a sample).
"""

import re
import unicodedata

_ABUSE_KO = (
    "씨발 시발 씨바 시바 씨팔 시팔 씨빨 쉬발 싀발 슈발 쓰발 쌰발 씹 십새 십알 ㅅㅂ ㅆㅂ ㅆㅃ ㅅㅃ 병신 븅신 빙신 등신 ㅂㅅ ㅄ 지랄 ㅈㄹ 좆 좃 조깥 조까 존나 졸라 "
    "존내 ㅈㄴ 졷 개새 새끼 새키 색기 색히 쉐끼 쉑히 섀끼 미친놈 미친년 미친것 또라이 돌아이 꺼져 닥쳐 뒤져 뒈져 디져 죽어라 죽여버 쳐죽 처죽 염병 니미 니애미 애미 "
    "애비 느금 엠창 썅 쌍놈 쌍년 쌍욕 잡년 잡놈 화냥 육시 썩을 엿먹 엿이나 호로 후레 찐따 저능 애자 장애인같 정신병 정박 벙어리 "
    "섹스 쎅 섹쓰 야동 포르노 자위 성교 강간 성폭 성추행 윤간 근친 창녀 창년 매춘 걸레 보지 자지 불알 젖 가슴노출 노출씬 베드신 베드씬 정사씬 정사신 야한 야하 음란 변태 에로 "
    "몸매 벗는 벗기 벗고 슴가 꼴린 꼴리 강제추행 "
    "자살 자해 목매 목을 매 죽고 싶 죽고싶 뛰어내리 투신 동반자살 죽을래 죽을까 "
    "전라디 홍어 절라도 전라도 경상도 개쌍도 쪽바리 쪽발 쪽빠리 일본놈 일본년 왜놈 짱깨 짱꼴 짱개 중국놈 떼놈 때놈 되놈 깜둥 검둥 흑형 양키 양놈 유태인 튀기 조센 "
    "빨갱 좌빨 좌좀 종북 수꼴 수구 일베 메갈 워마드 한남 김치녀 된장녀 된장 맘충 틀딱 급식충 꼴페미 페미 보슬 무뇌 게이 호모 레즈 동성애 똥꼬 "
    "개독 먹사 개신교 기독교 신천지 노무현 놈현 이명박 쥐박 박근혜 문재인 박정희 전두환 김대중 노짱 운지"
).split()
# Phrases with a space in them, kept apart because the list above is split at spaces.
_ABUSE_KO_PHRASES = ("죽고 싶", "목을 매", "목숨을 끊")
_YEON = re.compile(r"(?:이|그|저|미친|개|썩을|나쁜|더러운|못된)\s?[년놈](?:[은이을들아의]|$|\s|[.!?~])")
_ABUSE_EN = re.compile(
    r"\b(?:fuck\w*|f\*+k\w*|shit\w*|bullshit|bitch\w*|bastard\w*|asshole\w*|cunt\w*|dick(?:head)?s?|pussy|whore\w*|slut\w*|"
    r"nigg\w*|negro\w*|fag\w*|retard\w*|chink\w*|kike\w*|tranny|rape[ds]?|raping|rapist\w*|porn\w*|sex|sexual\w*|sexy|nude\w*|"
    r"suicid\w*|kill (?:myself|yourself|himself|herself)|incest\w*|molest\w*|pedo\w*|lynch\w*|wtf|stfu)\b",
    re.IGNORECASE,
)
_COARSE_KO = (
    "쓰레기 쓰래기 쓰렉 쓰렠 미친 미쳤 개같 개판 개봉관 개웃 개쩔 개쓰 개노 개막 개극 개잼 개재 개망 개허 개구 개뻥 꼬라지 꼴 죽 뒤지 똥 방구 오줌 토나 토할 구역질 역겨 "
    "짜증 빡 열받 병맛 극혐 혐오 발암 암걸 돈지랄 돈아까 발로 발연기 초딩 중2병 찌질 멍청 바보 븅 또라 대가리 대갈 주둥 아가리 면상 낯짝 쳐먹 처먹 쳐 쩐다 "
    "ㅗ ㅉ ㅡㅡ ㅁㅊ 놈 년 알바 벌레 충들 빠순 빠돌 까들 살인 살해 시체 피범벅 잔인 고어 학살 폭력 마약 술집 담배 총질 테러 전쟁 나치 북한 공산 정치 종교 하느님 하나님 예수 부처"
).split()


def folded(text: str) -> str:
    """NFC, lower case, and without the marks that people put inside a bad word to slip past a list."""
    plain = unicodedata.normalize("NFC", text).lower()
    return re.sub(r"(?<=[가-힣ㄱ-ㅎ])[.,*@#^_~\-1]+(?=[가-힣ㄱ-ㅎ])", "", plain)


def abusive(text: str) -> bool:
    """Profanity, slurs, sexual content, self-harm and party politics, in Korean or English."""
    plain = folded(text)
    if any(word in plain for word in _ABUSE_KO) or any(phrase in plain for phrase in _ABUSE_KO_PHRASES):
        return True
    return bool(_ABUSE_EN.search(plain) or _YEON.search(plain))


def coarse(text: str) -> bool:
    """`abusive`, and also rough words and grim subjects that do not belong in a sample on screen."""
    plain = folded(text)
    return abusive(text) or any(word in plain for word in _COARSE_KO)
