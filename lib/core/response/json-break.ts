/** A longer text is not searched, in characters. */
const LONGEST_SEARCHED = 2 ** 20;
/** What the engine says of JSON that would be right if it went on. */
const ENDS_TOO_SOON = /Unexpected end|Unterminated|No number after|Exponent part|Bad Unicode/;

/**
 * The offset at which JSON that cannot be parsed breaks; its length where it ends too soon. The engine tells the place of some faults only: of others it is
 * found by halves, since each longer beginning of the text is wrong as well. `undefined`: the text is too long to search.
 */
export function findJsonBreak(text: string): number | undefined {
  const told = breakTold(text);
  if (told !== undefined) return told;
  if (text.length > LONGEST_SEARCHED) return undefined;
  let [right, wrong] = [0, text.length];
  while (wrong - right > 1) {
    const middle = Math.floor((right + wrong) / 2);
    if (breakTold(text.slice(0, middle)) === middle) right = middle;
    else wrong = middle;
  }
  return right;
}

/** What the engine tells of the place; the length of a text that is right as far as it goes. */
function breakTold(text: string): number | undefined {
  try {
    JSON.parse(text);
    return text.length;
  } catch (error) {
    const complaint = error instanceof Error ? error.message : '';
    if (ENDS_TOO_SOON.test(complaint)) return text.length;
    const [, told] = /at position (\d+)/.exec(complaint) ?? [];
    return told === undefined ? undefined : Number(told);
  }
}
