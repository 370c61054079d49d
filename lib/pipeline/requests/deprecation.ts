import type { HttpAnswer } from '../../core/response/judge.ts';
import type { Invocation } from '../invocation.ts';
import { firstTimeOf } from '../invocation.ts';

const isNew = firstTimeOf(1_000);

/**
 * Notes that an API announces its end, or that what is asked for is going to change: `Sunset` (RFC 8594) and `Deprecation` (RFC 9745). Every
 * such answer is measured; what it says is logged once by each worker.
 */
export function reportDeprecation(invocation: Invocation, url: string, answer: HttpAnswer): void {
  if ('failed' in answer) return;
  const { sunset, deprecation } = answer.headers;
  if (sunset === undefined && deprecation === undefined) return;
  invocation.metrics.add('DeprecatedResponses', 1);
  const said = { sunset: shortened(sunset), deprecation: shortened(deprecation) };
  const { origin, pathname } = new URL(url);
  if (!isNew(invocation, JSON.stringify([said, origin]))) return;
  invocation.log.warn('the API announces an end', { ...said, origin, path: pathname.slice(0, 200) });
}

/** A header may be of any length. */
const shortened = (header: string | undefined): string => (header ?? '').slice(0, 100);
