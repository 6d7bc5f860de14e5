"""The compiled kernel against what it replaces, and the package without it."""

from __future__ import annotations

import ctypes
import json
import lzma
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harassclf import Classifier, Prediction, artifact, kernel_library
from harassclf.attacks import ATTACKS, attack
from harassclf.classifier import default_model_folder
from harassclf.errors import ModelError
from harassclf.features import fold
from harassclf.kernel import KernelScorer
from harassclf.normalize import normalize
from harassclf.weights import COEFFICIENT_STEP

LIBRARY = kernel_library.load_library()
needs_kernel = pytest.mark.skipif(LIBRARY is None, reason="no compiled kernel here: it needs a C compiler")
# What the kernel treats in a way of its own: separators, joints, gaps, what vanishes, what stands for several, letters.
ODD = st.text(
    st.sampled_from("还钱不爆通讯录催收弓长 niahuqg1，。…*.-\t\n\u200b\ufe0f①ＡＢ電話🐶🈶\uf8fe\uf8fc\uf8fd𠮷\x00İΣ") | st.characters(exclude_categories=["Cs"]),
    min_size=1,
    max_size=60,
).filter(lambda text: not text.isspace())  # fmt: skip


SPELLED = st.lists(
    st.sampled_from(["还", "钱", "你", "家", "。", "，", " ", " ", "💰", "ni", "jia", "qian", "tongxunlu", "ok", "x", "X", "Ｘ", "×", "〇", "天", "亻昔", "*", "Ａ"]),
    min_size=1,
    max_size=20,
).map("".join).filter(lambda text: not text.isspace())  # fmt: skip


@pytest.fixture(scope="module")
def without() -> Classifier:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(kernel_library.SWITCH, "off")
        return Classifier.load()


def _same(ours: Prediction, theirs: Prediction) -> None:
    assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-9)
    assert (ours.label, ours.needs_review) == (theirs.label, theirs.needs_review)
    assert [category.name for category in ours.categories] == [category.name for category in theirs.categories]
    assert [category.probability for category in ours.categories] == pytest.approx(
        [category.probability for category in theirs.categories], abs=1e-9
    )
    assert [(e.start, e.end, e.text) for e in ours.evidence] == [(e.start, e.end, e.text) for e in theirs.evidence]
    assert [e.weight for e in ours.evidence] == pytest.approx([e.weight for e in theirs.evidence], abs=1e-9)


@needs_kernel
def test_the_kernel_says_what_dictionaries_and_arrays_say(
    classifier: Classifier, without: Classifier, corpus: pd.DataFrame
) -> None:
    plain = corpus["text"].tolist()[::40]
    texts = plain + [attack(name, text, 7) for name in ATTACKS for text in plain[::20]]
    for many, theirs in zip(classifier.classify_many(texts), without.classify_many(texts), strict=True):
        _same(many, theirs)
    for text in texts[::3]:
        _same(classifier.classify(text), without.classify(text))


@needs_kernel
@settings(deadline=None)
@given(st.lists(ODD | SPELLED, min_size=1, max_size=4))
def test_and_on_anything(classifier: Classifier, without: Classifier, texts: list[str]) -> None:
    for text, many, theirs in zip(texts, classifier.classify_many(texts), without.classify_many(texts), strict=True):
        _same(many, theirs)
        _same(classifier.classify(text), without.classify(text))


@needs_kernel
@settings(deadline=None, max_examples=500)
@given(ODD | SPELLED)
def test_the_kernel_folds_what_the_normaliser_normalises(classifier: Classifier, text: str) -> None:
    scorer = classifier._bulk
    assert isinstance(scorer, KernelScorer)
    ours, _ = scorer._folded(text)
    # private-use characters that part words and messages inside the kernel become one that no term holds
    assert ours.replace("\uf8fd", "\uf8fc") == fold(normalize(text).text).replace("\uf8fe", "\uf8fc").replace(
        "\uf8fd", "\uf8fc"
    )


@needs_kernel
@pytest.mark.parametrize(
    "texts", [["\u200b"], ["好", "\u200b"], ["\u200b", "好", "\u200b"], ["\uf8fe"], ["a\uf8feb", "还钱\uf8fc"]]
)
def test_messages_without_characters_and_with_the_kernels_own(
    classifier: Classifier, without: Classifier, texts: list[str]
) -> None:
    for many, theirs in zip(classifier.classify_many(texts), without.classify_many(texts), strict=True):
        _same(many, theirs)


@needs_kernel
def test_threads_do_not_disturb_each_other(classifier: Classifier, corpus: pd.DataFrame) -> None:
    texts = corpus["text"].tolist()[:400]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(classifier.classify, texts * 4)) == list(map(classifier.classify, texts)) * 4


@needs_kernel
@pytest.mark.parametrize(
    ("block", "term"),
    [
        ("characters", "还钱"),
        ("sounds", "还"),
        ("sounds", ""),
        ("words", " 钱"),
        ("classes", " 钱"),
        ("class_pairs", "钱…"),
    ],
)
def test_a_term_that_no_message_can_have_is_refused(model_copy: Path, block: str, term: str) -> None:
    vocabulary = artifact.read(model_copy).vocabulary
    changed = {name: terms.joined for name, terms in vocabulary.items()}
    changed[block] = "\n".join([term, *vocabulary[block].split()[1:]])
    (model_copy / artifact.VOCABULARY).write_bytes(lzma.compress(json.dumps(changed).encode()))
    artifact.write_metadata(model_copy, json.loads((model_copy / artifact.METADATA).read_text("utf-8")))
    with pytest.raises(ModelError, match=f"{block}.*no message can have"):
        Classifier.load(model_copy).classify("还钱")


@needs_kernel
@pytest.mark.parametrize("text", ["抖丨音搜你名字", "催丶收", "我通丨丨讯录", "你欠丶 款不还", "抖*音", "爆丨你"])
def test_han_characters_that_stand_as_separators(text: str) -> None:
    folded, _ = Classifier.load()._kernel._folded(text)
    assert folded == fold(normalize(text).text)


@needs_kernel
@pytest.mark.parametrize("coefficient", [0.01, 2**15 * COEFFICIENT_STEP])
def test_a_coefficient_that_a_row_cannot_hold_is_refused(model_copy: Path, coefficient: float) -> None:
    with np.load(model_copy / artifact.WEIGHTS) as arrays:
        changed = dict(arrays)
    changed["coef_words"][0, 0] = coefficient
    np.savez_compressed(model_copy / artifact.WEIGHTS, **changed)
    artifact.write_metadata(model_copy, json.loads((model_copy / artifact.METADATA).read_text("utf-8")))
    with pytest.raises(ModelError, match="block 'words' are no multiples"):
        Classifier.load(model_copy).classify("还钱")


@needs_kernel
def test_decisions_of_several_chunks_keep_their_order(classifier: Classifier, corpus: pd.DataFrame) -> None:
    texts = corpus["text"].tolist()[:5_000]
    several = classifier.decision_function(texts)
    one_by_one = np.concatenate([classifier.decision_function([text]) for text in texts[::250]])
    np.testing.assert_allclose(several[::250], one_by_one, atol=1e-9)


@needs_kernel
def test_explanations_read_the_model_again_and_notice_another_one(model_copy: Path) -> None:
    classifier = Classifier.load(model_copy)
    before = classifier.classify("再不还钱就爆你通讯录")
    assert classifier.explain(before.evidence[0].text).contributions
    replaced = Classifier.load(model_copy)
    replaced.classify("还钱")
    metadata = json.loads((model_copy / "metadata.json").read_text("utf-8"))
    (model_copy / "metadata.json").write_text(json.dumps({**metadata, "version": "9.9"}), "utf-8")
    with pytest.raises(ModelError, match="another model than when it was loaded"):
        replaced.explain("还钱")


def test_switched_off_missing_damaged_or_of_another_source_it_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert kernel_library._load(tmp_path / "none.so") is None
    (tmp_path / "damaged.so").write_bytes(b"\x7fELF and nothing")
    assert kernel_library._load(tmp_path / "damaged.so") is None
    monkeypatch.setenv(kernel_library.SWITCH, "off")
    assert kernel_library.load_library() is None


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler here")
def test_a_kernel_of_another_source_is_not_used(tmp_path: Path) -> None:
    target = tmp_path / "old.so"
    options = ["-std=c11", "-shared", "-fPIC", '-DSOURCE_HASH="of another version"']
    subprocess.run(["cc", *options, "-o", str(target), str(kernel_library.SOURCE), "-lm"], check=True)
    assert isinstance(ctypes.CDLL(str(target)), ctypes.CDLL)
    assert kernel_library._load(target) is None


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler here")
def test_the_kernel_compiles_without_a_warning_and_runs_clean_under_the_sanitizers(tmp_path: Path) -> None:
    target = tmp_path / "checked.so"
    options = ["-std=c11", "-O1", "-g", "-shared", "-fPIC", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsanitize=undefined",
               "-fno-sanitize-recover=all", f'-DSOURCE_HASH="{kernel_library.source_hash()}"']  # fmt: skip
    made = subprocess.run(
        ["cc", *options, "-o", str(target), str(kernel_library.SOURCE), "-lm"], capture_output=True, text=True
    )
    if "sanitize" in made.stderr or "ubsan" in made.stderr:
        pytest.skip("this compiler has no sanitizers")
    assert (made.returncode, made.stderr) == (0, "")
    program = f"""
from pathlib import Path
from harassclf import Classifier, kernel_library
kernel_library.library_path = lambda: Path({str(target)!r})
classifier = Classifier.load({str(default_model_folder())!r})
assert type(classifier._bulk).__name__ == "KernelScorer"
texts = ["再不还钱就爆你通讯录", "\\u200b", "a", "还*钱  ，，啊", "İΣ🐶" * 50, "长" * 10_000]
classifier.classify_many(texts)
print([classifier.classify(text).label for text in texts][0])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("harassment\n", "")
