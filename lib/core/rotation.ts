import { DAY, type Span, span } from './time.ts';

/** How often a secret is to be replaced by a new one: after a span, or never. */
export type Rotation = Span | false;

/** Where neither the connector nor the stage says otherwise: as often as most rules of security ask for. */
const USUAL: Rotation = '90 days';

/** After how many milliseconds a secret is to be replaced; `undefined`: never. What the connector says goes before what the stage says. */
export function rotationOf(declared: Rotation | undefined, stage: Rotation | undefined): number | undefined {
  const rotation = declared ?? stage ?? USUAL;
  return rotation === false ? undefined : span(rotation);
}

/** A secret that is to be replaced: how old it is, and after how long that is to be done, in days. */
export type OverdueSecret = { readonly days: number; readonly every: number };

/** Whether a secret is to be replaced. `since`: when it was put, epoch milliseconds; `undefined`: not known. */
export function overdueSecret(
  since: number | undefined,
  every: number | undefined,
  now: number,
): OverdueSecret | undefined {
  if (since === undefined || every === undefined || now - since < every) return undefined;
  return { days: Math.floor((now - since) / DAY), every: Math.round(every / DAY) };
}
