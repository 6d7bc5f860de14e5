// Positions from the server count Unicode code points; JavaScript strings count UTF-16 units. An emoji is one and two.

/** The most characters of one message, as the server wrote it into the page. */
export const limit = () => Number(document.documentElement.dataset.limit);

/** The length of a text as the server counts it. */
export function points(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Cut a text at the borders of spans that may overlap: [{text, spans}], where spans are those that cover the piece.
 * Each span has start and end in code points.
 */
export function pieces(text, spans) {
  const all = Array.from(text);
  const inside = spans.filter((span) => span.start < span.end && span.end <= all.length);
  const borders = new Set([0, all.length, ...inside.flatMap((span) => [span.start, span.end])]);
  const cuts = [...borders].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((start, i) => ({
    text: all.slice(start, cuts[i + 1]).join(""),
    spans: inside.filter((span) => span.start <= start && span.end >= cuts[i + 1]),
  }));
}
