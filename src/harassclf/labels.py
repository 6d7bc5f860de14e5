"""Labels and categories: their order, which is the column order everywhere, and their Chinese names."""

from __future__ import annotations

HARASSMENT = "harassment"
COLLECTION = "collection"
OTHER = "other"

LABELS: tuple[str, ...] = (HARASSMENT, COLLECTION, OTHER)

CATEGORIES: tuple[str, ...] = (
    "threat",
    "insult",
    "third_party",
    "exposure",
    "deception",
    "coercion",
    "bombardment",
)

LABEL_NAMES_ZH: dict[str, str] = {
    HARASSMENT: "催收骚扰",
    COLLECTION: "合规催收",
    OTHER: "其他",
}

CATEGORY_NAMES_ZH: dict[str, str] = {
    "threat": "威胁恐吓",
    "insult": "侮辱谩骂",
    "third_party": "骚扰第三人",
    "exposure": "曝光羞辱",
    "deception": "冒充与虚假陈述",
    "coercion": "逼迫筹款/非法索费",
    "bombardment": "频繁轰炸",
}
