import type { Model } from './model.ts';
import { isHeader, type Places } from './places.ts';

/** Names the declared request that is nearest to one that no stream makes, and where the two differ. */
export function notFoundMessage({ questions }: Model, sent: Places): string {
  const path = sent.get('path');
  const forms = questions.flatMap(({ stream: name, forms }) => forms.map(({ text }) => ({ name, text })));
  const near = forms
    .filter(({ text }) => matches(text.get('path') ?? '', path ?? ''))
    .map(({ name, text }) => ({ name, differences: differences(text, sent) }))
    .sort((a, b) => a.differences.length - b.differences.length);
  const [nearest] = near;
  if (nearest === undefined) {
    const known = new Set(forms.map(({ text }) => `"${text.get('path')}"`));
    return `No stream asks for "${path}". Paths asked for: ${[...known].join(', ')}.`;
  }
  const [difference = 'its page, its window or its parent cannot be read'] = nearest.differences;
  return `No stream makes this request. The nearest is that of stream "${nearest.name}", but ${difference}.`;
}

function differences(text: Places, sent: Places): string[] {
  const places = new Set([...text.keys(), ...[...sent.keys()].filter((place) => !isHeader(place))]);
  return [...places].flatMap((place) => {
    const [declared, found] = [text.get(place), sent.get(place)];
    if (declared === undefined) return [`${place} is not part of it`];
    if (found === undefined) return [`${place} is missing`];
    return matches(declared, found) ? [] : [`${place} is ${found} instead of ${declared}`];
  });
}

/** Whether the text could be the declared one, with anything in place of `{page}`, `{from}`, `{to}` and `{parents}`. */
function matches(declared: string, found: string): boolean {
  const fixed = declared.split(/\{(?:page|from|to|parents)\}/);
  return fixed.length === 1
    ? declared === found
    : found.startsWith(fixed[0] ?? '') && found.endsWith(fixed.at(-1) ?? '');
}
