"""Long texts: the places that speak most for harassment are judged once more by themselves."""

from __future__ import annotations

import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harassclf import Classifier, Prediction
from harassclf.decision import softmax
from harassclf.labelled import LabelledTable, evaluate_classifier
from harassclf.labels import HARASSMENT, OTHER
from harassclf.passages import LONG_TEXT, MARGINS, PASSAGE, PLACES, lowered, margin_of, passages

MENACE = "王磊你欠的三万再不还，我天天给你妈打电话，让你全家不得安宁，等着收尸吧！"


def _chain(corpus: pd.DataFrame, *inside: str) -> str:
    """Everyday messages one after another, some 600 characters, with some lines in the middle."""
    everyday = corpus.loc[corpus["slice"].isin(["e1", "e2"]) & (corpus["text"].str.len() < 40), "text"].tolist()[::25]
    lines = [line for line in everyday if "\n" not in line][:60]
    return "\n".join([*lines[:30], *inside, *lines[30:]])


def test_a_message_that_a_chain_drowns_is_found(classifier: Classifier, corpus: pd.DataFrame) -> None:
    """The whole text once found none of those in chains of real SMS."""
    text = _chain(corpus, MENACE)
    assert len(text) > LONG_TEXT
    prediction = classifier.classify(text)
    assert prediction.label == HARASSMENT
    assert "threat" in [category.name for category in prediction.categories]


def test_the_same_chain_without_it_is_not_flagged(classifier: Classifier, corpus: pd.DataFrame) -> None:
    assert classifier.classify(_chain(corpus)).label != HARASSMENT


def test_evidence_points_into_the_message_inside(classifier: Classifier, corpus: pd.DataFrame) -> None:
    text = _chain(corpus, MENACE)
    start = text.index(MENACE)
    for span in (evidence := classifier.classify(text).evidence):
        assert span.text == text[span.start : span.end]
    assert start <= evidence[0].start < evidence[0].end <= start + len(MENACE)


def test_one_and_many_and_probabilities_agree(classifier: Classifier, corpus: pd.DataFrame) -> None:
    texts = [_chain(corpus, MENACE), "在吗", _chain(corpus), MENACE, _chain(corpus, "还钱", MENACE)]
    many = classifier.classify_many(texts)
    for one, of_many, row in zip(map(classifier.classify, texts), many, classifier.predict_proba(texts), strict=True):
        assert _verdict(one) == _verdict(of_many)
        assert list(one.probabilities.values()) == pytest.approx(list(of_many.probabilities.values()), abs=1e-9)
        assert list(one.probabilities.values()) == pytest.approx(row.tolist(), abs=1e-9)


def _verdict(prediction: Prediction) -> tuple[object, ...]:
    categories = [category.name for category in prediction.categories]
    return prediction.label, prediction.needs_review, categories, [(e.start, e.end) for e in prediction.evidence]


def test_a_labelled_table_is_judged_alike(classifier: Classifier, corpus: pd.DataFrame) -> None:
    table = LabelledTable([_chain(corpus, MENACE), _chain(corpus), MENACE], [HARASSMENT, OTHER, HARASSMENT], None)
    assert evaluate_classifier(classifier, table).accuracy == 1


def test_a_message_of_usual_length_is_judged_whole(classifier: Classifier) -> None:
    """A report that quotes a menace is none, however sure the quotation would be alone."""
    report = f"请问各位，我收到这样一条短信：“{MENACE}”我很害怕，该向哪里投诉，谢谢。"
    assert len(report) <= LONG_TEXT
    assert classifier.classify(report).label != HARASSMENT


@pytest.mark.parametrize("marks", ["“{}”", "「{}」", "『{}』", '"{}"'])
def test_a_quotation_is_no_place(classifier: Classifier, marks: str) -> None:
    """Reports of over a hundred characters were once flagged by the message that they quote."""
    quoted = marks.format(MENACE)
    report = (
        f"近日，市民刘女士向本报反映，她收到了催收人员发来的信息，内容为{quoted}。记者联系了该公司，客服表示将核实情况。"
        "律师提醒，遇到这种事应当保留证据，向监管部门反映，也可以报警。"
    )
    assert len(report) > LONG_TEXT
    assert passages(report, [(report.index(MENACE), report.index(MENACE) + 3, 1.0)]) == []
    assert classifier.classify(report).label != HARASSMENT


@pytest.mark.parametrize(
    "text",
    [
        "你好。" * 30 + "“再不还钱就找你“妈”。" + "天气好。" * 30,
        '他说"好"。' + "你好。" * 28 + "再不还钱就找你妈一家。" + "天气好。" * 30 + '"行"。',
        "“" + "你好。" * 30 + "再不还钱就找你妈一家。" + "天气好。" * 30 + "”",
    ],
    ids=["an unclosed mark", "two quoted words", "marks around it all"],
)
def test_marks_that_quote_no_message_hide_nothing(text: str) -> None:
    at = text.index("再不还钱")
    [(start, end)] = passages(text, [(at, at + 4, 1.0)], size=12)
    assert start <= at < at + 4 <= end


def test_a_quotation_nearby_hides_nothing(classifier: Classifier, corpus: pd.DataFrame) -> None:
    """A passage once grew into the name of a company in marks, and was left out with it."""
    assert passages("「幸福家园小贷」再不还钱就找你妈。", [(8, 12, 1.0)]) == [(8, 17)]
    assert classifier.classify(_chain(corpus, f"「幸福家园小贷」{MENACE}")).label == HARASSMENT


def test_a_message_inside_ordinary_talk_is_found(classifier: Classifier) -> None:
    """Texts of under 500 characters were once judged as wholes only, and lost it."""
    talk = "今天天气不错，我们下午去公园走走，晚上一起吃饭。妈妈说要带上弟弟，他最近学习很用功，老师表扬了他好几次。"
    assert classifier.classify(talk * 2 + MENACE + talk * 2).label == HARASSMENT
    assert classifier.classify(talk * 4).label != HARASSMENT


def test_a_sum_of_small_weights_is_no_harassment(classifier: Classifier, corpus: pd.DataFrame) -> None:
    """Chains of jokes and quarrels were once all flagged as wholes, then half of them, though no line of them is."""
    chosen = (corpus["split"] == "reserved") & corpus["slice"].str.fullmatch("e[1-5]") & (corpus["tags"] == "")
    lines = corpus.loc[chosen, "text"].tolist()
    chains = ["\n".join(lines[at :: len(lines) // 40]) for at in range(len(lines) // 40)]
    whole = softmax(classifier.decision_function(chains))[:, 0] >= classifier.thresholds.harassment
    verdicts = [one.label == HARASSMENT for one in classifier.classify_many(chains)]
    assert not whole.any()  # all of them were, before evidence fell as the length
    assert sum(verdicts) <= len(chains) / 3  # by their passages
    for text, label in zip(chains, verdicts, strict=True):
        one = classifier.classify(text)
        assert (one.label == HARASSMENT) == label
        assert label or not one.categories
        assert list(one.probabilities.values()) == pytest.approx(classifier.predict_proba([text])[0].tolist(), abs=1e-9)


def test_harassment_as_a_whole_needs_no_passage(classifier: Classifier) -> None:
    """Judged one by one and in a table alike: by the sum over the whole, whatever its passages say."""
    text = (
        MENACE * 2
        + "王磊你这个不要脸的东西，欠债还钱天经地义，今天不还我就去你单位拉横幅，叫你同事都看看你是什么货色。" * 9
    )
    whole = softmax(classifier.decision_function([text]))[0]
    assert len(text) > LONG_TEXT
    assert whole[0] >= classifier.thresholds.harassment
    for one in (classifier.classify(text), *classifier.classify_many([text, MENACE])[:1]):
        assert one.label == HARASSMENT
        assert list(one.probabilities.values()) == pytest.approx(whole.tolist(), abs=1e-9)


def test_text_of_marks_alone_has_no_sentence(classifier: Classifier) -> None:
    assert passages("！" * 600, [(3, 5, 1.0)]) == [(0, PASSAGE)]
    assert classifier.classify("！" * 600).label != HARASSMENT


@given(
    st.text(st.sampled_from('还钱你。！\n， a“”「」"'), min_size=1, max_size=400).filter(str.strip),
    st.lists(st.floats(0, 1), min_size=1, max_size=8),
    st.integers(1, 80),
)
def test_passages_hold_their_places(text: str, places: list[float], size: int) -> None:
    spans = [(at, at + 1, 1.0) for at in (int(place * (len(text) - 1)) for place in places)]
    found = passages(text, spans, size=size)
    assert len(found) == len(set(found)) <= PLACES
    assert all(0 <= start < end <= len(text) and end - start <= size for start, end in found)
    weight = [sum(start <= at < end for at, *_ in spans) for start, end in found]
    assert weight == sorted(weight, reverse=True)
    assert all(weight)
    assert found or all(_quoted(text, at) for at, *_ in spans)


def _quoted(text: str, at: int) -> bool:
    pairs = re.finditer('“[^“”]*”|「[^「」]*」|"[^"]*"', text)
    return any(pair.start() <= at < pair.end() and pair.end() - pair.start() >= 8 for pair in pairs)


def test_the_heaviest_passage_comes_first() -> None:
    """Its weight may lie in many small stretches: the strongest ones were once taken alone, and missed a message whose menace
    was spread over it."""
    text = "你好。" * 30 + "再不还钱就找你妈。" + "天气好。" * 30
    spread = [(at, at + 1, 0.4) for at in range(90, 98)]
    assert passages(text, [(3, 5, 1.0), *spread], size=9)[0] == (90, 99)


def test_the_margin_is_log_odds_of_harassment() -> None:
    before, after = [0.9, 0.06, 0.04], lowered([0.9, 0.06, 0.04], 4.0)
    assert sum(after) == pytest.approx(1)
    assert math.log(after[0] / (1 - after[0])) == pytest.approx(math.log(before[0] / (1 - before[0])) - 4.0)
    assert after[1] / after[2] == pytest.approx(before[1] / before[2])
    assert lowered([1.0, 0.0, 0.0], 4.0) == [1.0, 0.0, 0.0]


def test_a_passage_of_a_shorter_text_must_be_surer() -> None:
    assert [margin_of(length) for length in (LONG_TEXT, LONG_TEXT + 1, 500, 501)] == [math.inf, 6.0, 6.0, 4.0]
    assert list(MARGINS) == sorted(MARGINS, reverse=True)
