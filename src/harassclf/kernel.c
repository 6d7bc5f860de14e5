/* Folds, looks up and adds up messages in one pass over their code points: the same numbers as scorer.py and bulk.py.
 *
 * Optional: hatch_build.py compiles it where there is a C compiler, kernel.py loads it, and without it everything works
 * the same through numpy and dictionaries. Plain C11, no Python headers. Nothing here is shared between calls but the
 * model, which is only read, so calls may run side by side (ctypes lets go of the interpreter lock).
 *
 * Keys are exact: three code points of 21 bits, two word numbers of 31, and words are compared character by character,
 * so no term is taken for another one.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CODE_POINTS 0x110000
#define CODE_BITS 21
#define INLINE 4
#define PARTS 11 /* of subclasses.py */
#define CATEGORIES 7
#define GOLDEN 0x9E3779B97F4A7C15u
#define PREFETCH(address) __builtin_prefetch(address)
#define TIGHT 2 /* flags of bulk_normalize.py */
#define HAN 1
#define LOOSE 4
#define SPLIT 8
#define SLOW 16
#define LATIN 32
#define MASKING 64
#define SPELLED 6 /* letters of a word that is read beside no Han character, see pinyin.py */
#define NOTHING 1e-9 /* evidence.py */
#define PAIR_MARK 0x2026 /* features.py, as are the gaps: so many words stand between those of a pair */
#define GAPS 3
#define HALVED 30.0 /* features.length_scale */

#ifndef SOURCE_HASH
#define SOURCE_HASH ""
#endif

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

enum { WORDS, CHARACTERS, SOUNDS, WORD_PAIRS, CLASSES, CLASS_PAIRS };

/* A hash table from integers to integers: open addressing, linear probing, at most three quarters full (Knuth, TAOCP 3, 6.4). */
typedef struct {
    uint64_t key; /* one more than the key; 0 is an empty slot */
    int32_t value;
} slot;

typedef struct {
    slot *slots;
    uint64_t mask, used;
    int shift;
} table;

/* A word with its characters where it is short, as nearly all are, so that looking it up touches a cache line or two; else
 * codes[0] says where they stand in the pool. */
typedef struct {
    uint32_t codes[INLINE];
    uint32_t length; /* 0: an empty slot */
    uint32_t hash;
    int32_t number, term; /* term -1: known only as part of a pair or of a class */
    int32_t class, class_term; /* the number of the word that stands for its class, and the term of that class or -1 */
} word;

/* The row that is added beside a word about debts, or -1; which of the model's idfs a term has, the step of the coefficients
 * multiplied in; its coefficients of parts and, in other rows, of categories in such steps. Two rows a cache line: what a message
 * takes is mostly waiting for them. Rows of doubles, with and without such a word, would take five times the memory. */
typedef struct {
    int32_t beside;
    uint32_t idf;
    int16_t coef[PARTS], unused;
} row;

typedef struct {
    int16_t coef[CATEGORIES], unused;
} category_row;

typedef struct {
    int32_t terms, words_used;
    /* By code point; 0 for nearly all of them, so that most pages of these 18 MB are never touched: one more than the term,
     * and how far away the code point is that stands for it. */
    int32_t *character;
    uint32_t *sound, *single, *fold;
    uint8_t *flags, *debt;
    uint32_t joint, separator, other;
    table sounds2, sounds3, hidden, split;
    table pairs, apart; /* of neighbouring words, and of words with others between */
    table classes, class_pairs, classes_apart; /* of a class, of neighbouring ones, of ones apart: by the numbers of the words that stand for them */
    word *words; /* a hash table */
    uint64_t word_mask;
    uint32_t *pool;
    uint64_t pool_used, pool_room;
    const row *rows;
    const category_row *category_rows;
    const double *idf, *intercept;
} model;

/* One place where a known term stands. `first` is the place in this message where it stands first; there `count` says
 * how often it does. */
typedef struct {
    int32_t term, start, end, first, count;
} occurrence;

typedef struct {
    int32_t start, end;
    double weight;
} span;

static int grow(table *t, uint64_t room) {
    slot *old = t->slots;
    uint64_t size = old ? t->mask + 1 : 0, wanted = 16;
    int shift = 60;
    while (3 * wanted < 4 * room) wanted *= 2, shift--;
    slot *made = calloc(wanted, sizeof(slot));
    if (!made) return 0;
    t->slots = made, t->mask = wanted - 1, t->shift = shift;
    for (uint64_t i = 0; i < size; i++) {
        if (!old[i].key) continue;
        uint64_t at = (old[i].key * GOLDEN) >> shift;
        while (made[at].key) at = (at + 1) & t->mask;
        made[at] = old[i];
    }
    free(old);
    return 1;
}

static uint64_t slot_of(const table *t, uint64_t key) { return ((key + 1) * GOLDEN) >> t->shift; }

static slot *find(const table *t, uint64_t key, uint64_t at) { /* from its slot on */
    while (t->slots[at].key && t->slots[at].key != key + 1) at = (at + 1) & t->mask;
    return &t->slots[at];
}

static int32_t get(const table *t, uint64_t key, uint64_t at) {
    slot *there = find(t, key, at);
    return there->key ? there->value : -1;
}

static slot *put(table *t, uint64_t key, int32_t value) { /* the slot of the key, made with this value where it is new */
    if (4 * (t->used + 1) > 3 * (t->mask + 1) && !grow(t, 2 * t->used)) return NULL;
    slot *there = find(t, key, slot_of(t, key));
    if (!there->key) there->key = key + 1, there->value = value, t->used++;
    return there;
}

static uint32_t hash_of(const uint32_t *codes, uint64_t n) {
    uint64_t h = n;
    for (uint64_t i = 0; i < n; i++) h = (h ^ codes[i]) * GOLDEN, h ^= h >> 32;
    return (uint32_t)h;
}

static int is(const model *m, const word *w, uint32_t hash, const uint32_t *codes, uint64_t n) {
    if (w->hash != hash || w->length != n) return 0;
    const uint32_t *stored = n <= INLINE ? w->codes : m->pool + w->codes[0];
    for (uint64_t i = 0; i < n; i++)
        if (stored[i] != codes[i]) return 0;
    return 1;
}

static word *find_word(const model *m, uint32_t hash, const uint32_t *codes, uint64_t n) { /* or an empty slot */
    uint64_t at = hash & m->word_mask;
    while (m->words[at].length && !is(m, &m->words[at], hash, codes, n)) at = (at + 1) & m->word_mask;
    return &m->words[at];
}

static int more_words(model *m) {
    uint64_t size = m->words ? m->word_mask + 1 : 0, wanted = size ? 2 * size : 1024;
    word *old = m->words, *made = calloc(wanted, sizeof *made);
    if (!made) return 0;
    m->words = made, m->word_mask = wanted - 1;
    for (uint64_t i = 0; i < size; i++) {
        if (!old[i].length) continue;
        uint64_t at = old[i].hash & m->word_mask;
        while (made[at].length) at = (at + 1) & m->word_mask;
        made[at] = old[i];
    }
    free(old);
    return 1;
}

static word *add_word(model *m, const uint32_t *codes, uint64_t n) { /* NULL without memory or characters */
    if (!n || (4 * ((uint64_t)m->words_used + 1) > 3 * (m->word_mask + 1) && !more_words(m))) return NULL;
    const uint32_t hash = hash_of(codes, n);
    word *there = find_word(m, hash, codes, n);
    if (there->length) return there;
    uint32_t *place = there->codes;
    if (n > INLINE) {
        if (m->pool_used + n > m->pool_room) {
            uint32_t *made = realloc(m->pool, 2 * (m->pool_room + n + 2048) * sizeof *made);
            if (!made) return NULL;
            m->pool = made, m->pool_room = 2 * (m->pool_room + n + 2048);
        }
        place = m->pool + m->pool_used, there->codes[0] = (uint32_t)m->pool_used, m->pool_used += n;
    }
    memcpy(place, codes, n * sizeof *codes);
    there->length = (uint32_t)n, there->hash = hash, there->number = m->words_used++, there->term = -1;
    there->class = there->number, there->class_term = -1;
    return there;
}

static uint32_t stand_in(const uint32_t *distances, uint32_t code) { return code + distances[code]; }

static int32_t named(model *m, int32_t *term) { /* gives a term its number where it has none */
    return *term >= 0 ? *term : (*term = m->terms++);
}

static int32_t named_in(model *m, table *t, uint64_t key) {
    slot *there = put(t, key, -1);
    return there ? named(m, &there->value) : -1;
}

static uint64_t word_pair(uint64_t left, int64_t right) { return left << 31 | (uint64_t)right; }

static table *pairs_of(model *m, int block) {
    table *of[] = {
        [WORDS] = &m->pairs, [WORD_PAIRS] = &m->apart, [CLASSES] = &m->class_pairs, [CLASS_PAIRS] = &m->classes_apart};
    return of[block];
}

static int32_t add_words(model *m, int block, const uint32_t *codes, uint64_t n) { /* a term of one word or two */
    const int apart = block == WORD_PAIRS || block == CLASS_PAIRS;
    const uint32_t between = apart ? PAIR_MARK : ' ';
    uint64_t end = 0;
    while (end < n && codes[end] != between) end++;
    if (end == n && apart) return -1;
    word *found = add_word(m, codes, end);
    if (!found) return -1;
    const uint64_t left = (uint64_t)found->number; /* before the table may move */
    if (end == n) return block == WORDS ? named(m, &found->term) : named_in(m, &m->classes, left);
    found = add_word(m, codes + end + 1, n - end - 1);
    return found ? named_in(m, pairs_of(m, block), word_pair(left, found->number)) : -1;
}

static int32_t add_term(model *m, int block, const uint32_t *codes, uint64_t n) {
    if (block != CHARACTERS && block != SOUNDS) return add_words(m, block, codes, n);
    for (uint64_t i = 0; i < n; i++)
        if (codes[i] >= CODE_POINTS) return -1;
    if (block == CHARACTERS) {
        int32_t *term = &m->character[n == 1 ? codes[0] : 0];
        return n == 1 ? (*term ? *term : (*term = ++m->terms)) - 1 : -1;
    }
    if (n != 2 && n != 3) return -1;
    const uint64_t pair = (uint64_t)codes[0] << CODE_BITS | codes[1];
    return n == 2 ? named_in(m, &m->sounds2, pair) : named_in(m, &m->sounds3, pair << CODE_BITS | codes[2]);
}

EXPORT const char *harassclf_source_hash(void) { return SOURCE_HASH; }

EXPORT void harassclf_free(model *m) {
    if (!m) return;
    void *owned[] = {m->character, m->sound, m->single, m->fold, m->flags, m->debt, m->sounds2.slots, m->sounds3.slots,
                     m->pairs.slots, m->apart.slots, m->classes.slots, m->class_pairs.slots, m->classes_apart.slots, m->hidden.slots,
                     m->split.slots, m->words, m->pool, m};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* A model without terms. `joint` stands between messages, `separator` between words; both, where a message holds them,
 * are folded to `other`, which no term holds. NULL without memory. */
EXPORT model *harassclf_new(const uint32_t *single, const uint32_t *fold, const uint8_t *flags, const uint32_t *sound,
                            const uint32_t *debt, int64_t n_debt, const int64_t *hidden, int64_t n_hidden,
                            const int64_t *split, int64_t n_split, uint32_t joint, uint32_t separator, uint32_t other) {
    model *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->character = calloc(CODE_POINTS, sizeof(int32_t)), m->sound = calloc(CODE_POINTS, sizeof(uint32_t));
    m->single = calloc(CODE_POINTS, sizeof(uint32_t)), m->fold = calloc(CODE_POINTS, sizeof(uint32_t));
    m->flags = calloc(CODE_POINTS, 1), m->debt = calloc(CODE_POINTS, 1);
    if (!m->character || !m->sound || !m->single || !m->fold || !m->flags || !m->debt || !more_words(m) ||
        !grow(&m->sounds2, 1 << 12) || !grow(&m->sounds3, 1 << 12) || !grow(&m->pairs, 1 << 12) || !grow(&m->apart, 1 << 12) ||
        !grow(&m->classes, 1 << 10) || !grow(&m->class_pairs, 1 << 12) || !grow(&m->classes_apart, 1 << 12) ||
        !grow(&m->hidden, (uint64_t)n_hidden + 8) || !grow(&m->split, (uint64_t)n_split + 8)) {
        harassclf_free(m);
        return NULL;
    }
    for (uint32_t i = 0; i < CODE_POINTS; i++) {
        if (sound[i] != i) m->sound[i] = sound[i] - i;
        if (single[i] != i) m->single[i] = single[i] - i;
        if (fold[i] != i) m->fold[i] = fold[i] - i;
        if (flags[i]) m->flags[i] = flags[i];
    }
    for (int64_t i = 0; i < n_debt; i++) m->debt[debt[i]] = 1;
    for (int64_t i = 0; i < n_hidden; i++) put(&m->hidden, (uint64_t)hidden[i], 1);
    for (int64_t i = 0; i < n_split; i++) put(&m->split, (uint64_t)split[i], 1);
    m->joint = joint, m->separator = separator, m->other = other;
    m->fold[separator] = other - separator;
    return m;
}

/* Classes separated by line feeds, their words by blanks; the first one stands for all. Before harassclf_weights. Returns how
 * many words, -1 for an empty word or without memory. */
EXPORT int64_t harassclf_classes(model *m, const uint32_t *codes, int64_t n) {
    int64_t start = 0, found = 0;
    int32_t first = -1;
    for (int64_t i = 0; i <= n; i++) {
        if (i < n && codes[i] != '\n' && codes[i] != ' ') continue;
        word *there = add_word(m, codes + start, (uint64_t)(i - start));
        if (!there) return -1;
        if (first < 0) first = there->number;
        there->class = first, found++, start = i + 1;
        if (i < n && codes[i] == '\n') first = -1;
    }
    return found;
}

/* Terms separated by line feeds; `numbers` receives the number of each, in order of first appearance over all calls. */
EXPORT int64_t harassclf_terms(model *m, int32_t block, const uint32_t *codes, int64_t n, int32_t *numbers) {
    int64_t start = 0, found = 0;
    for (int64_t i = 0; i <= n; i++) {
        if (i < n && codes[i] != '\n') continue;
        if ((numbers[found++] = add_term(m, block, codes + start, (uint64_t)(i - start))) < 0) return -found;
        start = i + 1;
    }
    return found;
}

/* A row of weights a term, and behind them those that are added beside a word about debts. They stay the caller's. Returns the number
 * of terms. */
EXPORT int32_t harassclf_weights(model *m, int32_t parts, int32_t categories, const row *rows, const category_row *category_rows,
                                 const double *idf, const double *intercept) {
    if (parts != PARTS || categories != CATEGORIES) return -1;
    m->rows = rows, m->category_rows = category_rows, m->idf = idf, m->intercept = intercept;
    for (uint64_t i = 0; i <= m->word_mask; i++) {
        word *w = &m->words[i];
        if (w->length) w->class_term = get(&m->classes, (uint64_t)w->class, slot_of(&m->classes, (uint64_t)w->class));
    }
    return m->terms;
}

static int holds(const table *t, uint32_t left, uint32_t right) {
    const uint64_t key = (uint64_t)left << CODE_BITS | right;
    return get(t, key, slot_of(t, key)) >= 0;
}

/* Replaces code points one by one and folds them; `slow[i]` says whether more than that may change the text at i: a code point
 * that vanishes or stands for several, two that are one character split, the end of a gap of up to three separators inside
 * what may be a hidden word, a single character apart from its neighbours, a letter beside a Han character, a blank behind
 * another letter or the sixth of a word, which may spell Chinese, the first of two signs of a mask. May name too many, never too few. Returns how many it named. */
EXPORT int64_t harassclf_fold(const model *m, const uint32_t *codes, int64_t n, uint32_t *folded, uint8_t *slow) {
    int64_t found = 0;
    uint32_t left = 0, gap = 0; /* the last Han character, and how many separators stand after it */
    uint8_t apart = 0;          /* whether a separator of single characters stands before */
    uint32_t letters = 0;       /* of the word so far */
    uint8_t before = 0, second = 0; /* the flags of what stands before, and before that where there is a blank between */
    for (int64_t i = 0; i < n; i++) {
        const uint32_t raw = codes[i], code = stand_in(m->single, raw);
        const uint32_t next = i + 1 < n ? stand_in(m->single, codes[i + 1]) : 0;
        const uint8_t here = m->flags[code] | (m->flags[raw] & SLOW);
        const uint8_t after = (m->flags[next] & TIGHT) || next == ' ' || next == '\t';
        letters = here & LATIN ? letters + 1 : 0;
        slow[i] = (here & SLOW) || ((here & SPLIT) && holds(&m->split, code, next)) ||
                  ((here & HAN) && ((gap && gap <= 3 && holds(&m->hidden, left, code)) || (apart && after))) ||
                  ((here & LATIN) && (((before | m->flags[next]) & HAN) || (second & LATIN) || letters == SPELLED)) ||
                  (here & m->flags[next] & MASKING);
        found += slow[i];
        if ((here & HAN) && !(here & TIGHT)) /* 丨 and 丶 are Han characters, and stand as separators */
            left = code, gap = 0;
        else
            gap = left && (here & (TIGHT | LOOSE)) ? gap + 1 : (left = 0);
        second = code == ' ' ? before : 0, before = here;
        apart = (here & TIGHT) || code == ' ' || code == '\t';
        folded[i] = stand_in(m->fold, code);
    }
    return found;
}

typedef struct {
    int32_t first, last; /* its occurrences */
    int32_t start, length; /* its characters among those of all messages, joints counted */
    int32_t debt;
    int32_t characters; /* of it, blanks in a row counted as one */
} message;

static double scale_of(const message *of) { return HALVED / (of->characters + HALVED); }

/* Which terms of the message under way were seen, and where first. Slots of earlier messages count as empty. */
typedef struct {
    uint64_t key;
    int32_t at;
} seen;

typedef struct {
    seen *slots;
    uint64_t size;
} scratch;

static int room_for(scratch *s, uint64_t terms) {
    uint64_t wanted = 64;
    while (wanted < 2 * terms) wanted *= 2;
    if (wanted <= s->size) return 1;
    free(s->slots);
    s->slots = calloc(wanted, sizeof(seen)), s->size = s->slots ? wanted : 0;
    return s->slots != NULL;
}

static double times(int32_t count) { return count == 1 ? 1.0 : 1.0 + log(count); } /* sublinear_tf */

static inline void add_parts(const model *m, const row *r, double value, double *restrict sums) {
    const double times_idf = value * m->idf[r->idf];
    for (int k = 0; k < PARTS; k++) sums[k] += times_idf * r->coef[k];
}

static void add_categories(const model *m, int32_t at, double value, double *sums) {
    const double times_idf = value * m->idf[m->rows[at].idf];
    for (int k = 0; k < CATEGORIES; k++) sums[k] += times_idf * m->category_rows[at].coef[k];
}

/* Term frequencies of one message, and its parts. 0 without memory. */
static int add_up(const model *m, occurrence *found, message *of, uint64_t number, scratch *s, double *parts) {
    if (!room_for(s, (uint64_t)(of->last - of->first))) return 0;
    for (int32_t i = of->first; i < of->last; i++) {
        uint64_t key = (number + 1) << 32 | (uint32_t)found[i].term, at = (key * GOLDEN) >> 20;
        seen *there = &s->slots[at & (s->size - 1)];
        while (there->key != key && there->key >> 32 == number + 1) there = &s->slots[++at & (s->size - 1)];
        if (there->key != key) *there = (seen){key, i};
        found[i].first = there->at, found[i].count = 0;
        found[there->at].count++;
    }
    const double scale = scale_of(of);
    double sums[PARTS]; /* in registers: `parts` might be part of what is read */
    memcpy(sums, m->intercept, sizeof sums);
    for (int32_t i = of->first; i < of->last; i++) {
        if (!found[i].count) continue;
        const row *r = &m->rows[found[i].term];
        const double value = scale * times(found[i].count);
        add_parts(m, r, value, sums);
        if (of->debt && r->beside >= 0) add_parts(m, &m->rows[r->beside], value, sums);
    }
    memcpy(parts, sums, sizeof sums);
    return 1;
}

/* What one call needs of a message: its text, its words' ends, what its characters sound like where runs of blanks count as
 * one (as in scikit-learn's char analyzer), and which slots to look at. First all slots of a message are named to the
 * processor, then they are read: the tables do not fit its cache, and waiting for them one by one took twice the time. */
typedef struct {
    uint32_t *text, *sound;
    int32_t *ends, *at;
    uint64_t *two, *three;
} work;

static int make_work(work *w, int64_t n) {
    char *room = malloc(((size_t)n + 2) * (4 * sizeof(uint32_t) + 2 * sizeof(uint64_t)));
    if (!room) return 0;
    w->two = (uint64_t *)(void *)room, w->three = w->two + n + 2;
    w->text = (uint32_t *)(w->three + n + 2), w->sound = w->text + n + 2;
    w->ends = (int32_t *)(w->sound + n + 2), w->at = w->ends + n + 2;
    return 1;
}

typedef struct {
    occurrence *found;
    int32_t used, start; /* the message's first character among those of all */
} places;

static void met(const model *m, places *p, int32_t term, int32_t start, int32_t end) {
    if (term < 0) return;
    PREFETCH(&m->rows[term]);
    p->found[p->used] = (occurrence){term, p->start + start, p->start + end, p->used, 0};
    p->used++;
}

static int blank(const uint32_t *codes, int32_t n) {
    while (n && codes[n - 1] == ' ') n--;
    return !n;
}

/* The pair of the word numbers at i and, n words before it, at i - n; unknown words are -1. */
static int paired(const int64_t *numbers, int32_t i, int32_t n, uint64_t *key) {
    if (i < n || numbers[i] < 0 || numbers[i - n] < 0) return 0;
    *key = word_pair((uint64_t)numbers[i - n], numbers[i]);
    return 1;
}

static void of_words(const model *m, const work *w, int32_t words, places *p) {
    for (int32_t i = 0, start = 0; i < words; start = w->ends[i++]) {
        w->two[i] = hash_of(w->text + start, (uint64_t)(w->ends[i] - start));
        PREFETCH(&m->words[w->two[i] & m->word_mask]);
    }
    int64_t *numbers = (int64_t *)w->three, *classes = (int64_t *)w->two; /* the hashes that stood there are read before */
    int32_t kept = 0;
    uint64_t key;
    for (int32_t i = 0, start = 0, end; i < words; start = end, i++) {
        end = w->ends[i];
        if (blank(w->text + start, end - start)) continue;
        const word *there = find_word(m, (uint32_t)w->two[i], w->text + start, (uint64_t)(end - start));
        w->at[kept] = start, w->ends[kept] = end;
        numbers[kept] = classes[kept] = -1;
        if (there->length) {
            numbers[kept] = there->number, classes[kept] = there->class;
            met(m, p, there->term, start, end), met(m, p, there->class_term, start, end);
        }
        for (int32_t n = 1; n <= GAPS + 1; n++) {
            const table *t = n == 1 ? &m->pairs : &m->apart, *of_classes = n == 1 ? &m->class_pairs : &m->classes_apart;
            if (paired(numbers, kept, n, &key)) PREFETCH(&t->slots[slot_of(t, key)]);
            if (paired(classes, kept, n, &key)) PREFETCH(&of_classes->slots[slot_of(of_classes, key)]);
        }
        kept++;
    }
    for (int32_t i = 0; i < kept; i++)
        for (int32_t n = 1; n <= GAPS + 1; n++) {
            const table *t = n == 1 ? &m->pairs : &m->apart, *of_classes = n == 1 ? &m->class_pairs : &m->classes_apart;
            if (paired(numbers, i, n, &key)) met(m, p, get(t, key, slot_of(t, key)), w->at[i - n], w->ends[i]);
            if (paired(classes, i, n, &key))
                met(m, p, get(of_classes, key, slot_of(of_classes, key)), w->at[i - n], w->ends[i]);
        }
}

static uint64_t pair_key(const work *w, int32_t i) { return (uint64_t)w->sound[i - 1] << CODE_BITS | w->sound[i]; }

static uint64_t triple_key(const work *w, int32_t i) { return (uint64_t)w->sound[i - 2] << 2 * CODE_BITS | pair_key(w, i); }

static int32_t of_characters(const model *m, const work *w, int32_t length, places *p) {
    int32_t kept = 0;
    for (int32_t i = 0; i < length; i++) {
        if (i && w->text[i] == ' ' && w->text[i - 1] == ' ') continue;
        w->sound[kept] = stand_in(m->sound, w->text[i]), w->at[kept] = i;
        if (kept >= 1) w->two[kept] = slot_of(&m->sounds2, pair_key(w, kept)), PREFETCH(&m->sounds2.slots[w->two[kept]]);
        if (kept >= 2) w->three[kept] = slot_of(&m->sounds3, triple_key(w, kept)), PREFETCH(&m->sounds3.slots[w->three[kept]]);
        kept++;
    }
    for (int32_t i = 0; i < kept; i++) {
        const int32_t at = w->at[i];
        met(m, p, m->character[w->text[at]] - 1, at, at + 1);
        if (i >= 1) met(m, p, get(&m->sounds2, pair_key(w, i), w->two[i]), w->at[i - 1], at + 1);
        if (i >= 2) met(m, p, get(&m->sounds3, triple_key(w, i), w->three[i]), w->at[i - 2], at + 1);
    }
    return kept;
}

/* Scores messages whose folded text, between the marks of its start and end, is cut into words: words are separated by the
 * separator, and a joint, which is a word of its own, ends each message but the last. `found` has room for thirteen occurrences
 * a character, `parts` for a row a message. Returns how many messages there were, -1 without memory. */
EXPORT int64_t harassclf_score(const model *m, const uint32_t *codes, int64_t n, occurrence *found, message *messages,
                               double *parts) {
    work w;
    scratch s = {NULL, 0};
    places p = {found, 0, 0};
    int64_t rows = 0, i = 0;
    if (!make_work(&w, n)) return -1;
    do {
        int32_t length = 0, words = 0, debt = 0;
        for (; i < n && codes[i] != m->joint; i++) {
            if (codes[i] == m->separator) {
                w.ends[words] = length, words += !words || w.ends[words - 1] < length;
            } else {
                debt |= m->debt[codes[i]], w.text[length++] = codes[i];
            }
        }
        w.ends[words] = length, words += length && (!words || w.ends[words - 1] < length);
        message *of = &messages[rows];
        *of = (message){p.used, p.used, p.start, length, debt, 0};
        of_words(m, &w, words, &p);
        of->characters = of_characters(m, &w, length, &p);
        of->last = p.used, p.start += length + 1;
        if (!add_up(m, found, of, (uint64_t)rows, &s, parts + rows * PARTS)) rows = -2;
        i += 2; /* the joint, and the separator after it */
    } while (++rows > 0 && i <= n + 1);
    free(w.two), free(s.slots);
    return rows;
}

/* Decision values of the categories of some messages, shape (n, categories). */
EXPORT void harassclf_categories(const model *m, const occurrence *found, const message *messages, const int32_t *rows,
                                 int64_t n, double *decisions) {
    for (int64_t r = 0; r < n; r++) {
        const message *of = &messages[rows[r]];
        double *decision = decisions + r * CATEGORIES;
        const double scale = scale_of(of);
        memcpy(decision, m->intercept + PARTS, CATEGORIES * sizeof *decision);
        for (int32_t i = of->first; i < of->last; i++) {
            if (!found[i].count) continue;
            const int32_t beside = m->rows[found[i].term].beside;
            const double value = scale * times(found[i].count);
            add_categories(m, found[i].term, value, decision);
            if (of->debt && beside >= 0) add_categories(m, beside, value, decision);
        }
    }
}

/* What a term's value adds to a decision value that rises with each part as `slopes` say. */
static double along(const model *m, const row *r, int32_t debt, const double *slopes) {
    double sums[2] = {0.0, 0.0}; /* two, that need not wait for each other */
    for (int k = 0; k < PARTS; k++) sums[k & 1] += slopes[k] * r->coef[k];
    const double sum = (sums[0] + sums[1]) * m->idf[r->idf];
    return debt && r->beside >= 0 ? sum + along(m, &m->rows[r->beside], 0, slopes) : sum;
}

/* What each character of a message carries of such a decision value, by steps that are then summed up. */
static void carry(const model *m, const occurrence *found, const message *of, const double *slopes, double *weights) {
    const double scale = scale_of(of);
    memset(weights, 0, ((size_t)of->length + 1) * sizeof *weights);
    for (int32_t i = of->first; i < of->last; i++) {
        const int32_t count = found[found[i].first].count;
        const double step = scale * times(count) / count * along(m, &m->rows[found[i].term], of->debt, slopes) / (found[i].end - found[i].start);
        weights[found[i].start - of->start] += step;
        weights[found[i].end - of->start] -= step;
    }
    for (int32_t i = 1; i < of->length; i++) weights[i] += weights[i - 1];
}

/* evidence.spans: runs of characters that each carry at least a share of the strongest one's weight; a gap of one joins. */
static int32_t stretches(const double *weights, int32_t n, double share, span *out) {
    double strongest = 0.0;
    int32_t used = 0;
    for (int32_t i = 0; i < n; i++)
        if (weights[i] > strongest) strongest = weights[i];
    if (strongest <= NOTHING) return 0;
    for (int32_t i = 0; i < n; i++) {
        if (weights[i] < strongest * share - NOTHING) continue;
        if (used && i - out[used - 1].end <= 1)
            out[used - 1].end = i + 1, out[used - 1].weight += weights[i];
        else
            out[used++] = (span){i, i + 1, weights[i]};
    }
    return used;
}

/* The stretches of each message, without the marks of its start and end, on which a decision value rests that rises with the parts as
 * the row of `slopes` says, one message after another; wanted[i] is 0 where there shall be none. `out` has room for one a character, `counts` for a number a message. Returns how many in all,
 * -1 without memory. */
EXPORT int64_t harassclf_spans(const model *m, const occurrence *found, const message *messages, int64_t n,
                               const uint8_t *wanted, const double *slopes, double share, span *out, int32_t *counts) {
    int32_t longest = 0;
    int64_t used = 0;
    for (int64_t r = 0; r < n; r++)
        if (messages[r].length > longest) longest = messages[r].length;
    double *weights = malloc(((size_t)longest + 1) * sizeof *weights);
    if (!weights) return -1;
    for (int64_t r = 0; r < n; r++) {
        counts[r] = 0;
        if (!wanted[r]) continue;
        carry(m, found, &messages[r], slopes + r * PARTS, weights);
        used += counts[r] = stretches(weights + 1, messages[r].length - 2, share, out + used);
    }
    free(weights);
    return used;
}
