import type { Delivery } from './deliveries.ts';

/** What happens between an API and its tables. */
export type Step =
  | { readonly kind: 'put'; readonly id: number }
  | { readonly kind: 'remove'; readonly id: number }
  /** `outcome`: `quarantined`: the record of this number does not fit. `moved`: UNKNOWN, but the watermark moved. Both are mended by a later revision. */
  | {
      readonly kind: 'sync';
      readonly mode: 'full' | 'incremental';
      readonly outcome: 'complete' | 'incomplete' | 'moved' | 'quarantined';
      readonly nth: number;
    }
  /** The oldest sync that can be mended gets its second revision. */
  | { readonly kind: 'mend' }
  /** `crashAt`: the statement before which the loader dies. */
  | { readonly kind: 'load'; readonly crashAt: number };

type Version = { readonly version: number; readonly at: number; readonly deleted: boolean };
export type Snapshot = ReadonlyMap<number, number>;

/** An API with tombstones, and the syncs that Headgate would make of it. Time is a counter. */
export class History {
  readonly #records = new Map<number, Version>();
  readonly #mends: Delivery[] = [];
  /** Sync → id → version: what the API had when the sync started. */
  readonly snapshots = new Map<string, Snapshot>();
  /** The id whose record a sync could not read, until its second revision. */
  readonly quarantined = new Map<string, number>();
  #now = 0;
  #watermark: number | undefined;

  /** Changes the API, or gives the delivery that a step makes. */
  take(step: Exclude<Step, { kind: 'load' }>): Delivery | undefined {
    this.#now += 1;
    if (step.kind === 'put') this.#records.set(step.id, { version: this.#now, at: this.#now, deleted: false });
    if (step.kind === 'remove' && this.#records.get(step.id)?.deleted === false)
      this.#records.set(step.id, { version: this.#now, at: this.#now, deleted: true });
    if (step.kind === 'mend') return this.#mend();
    return step.kind === 'sync' ? this.#sync(step) : undefined;
  }

  /** Every sync that still can be mended. */
  *mendAll(): Generator<Delivery> {
    for (let mended = this.#mend(); mended !== undefined; mended = this.#mend()) yield mended;
  }

  #mend(): Delivery | undefined {
    return this.#mends.shift();
  }

  #sync({ mode: asked, outcome, nth }: Extract<Step, { kind: 'sync' }>): Delivery {
    const before = this.#watermark;
    const mode = before === undefined ? 'full' : asked;
    const sync = `2026${String(this.#now).padStart(6, '0')}Z`;
    this.snapshots.set(
      sync,
      new Map([...this.#records].flatMap(([key, { version, deleted }]) => (deleted ? [] : [[key, version]]))),
    );
    const found = [...this.#records].filter(([, { at, deleted }]) =>
      mode === 'full' ? !deleted : before !== undefined && at > before,
    );
    const records = found.map(([key, { version, deleted }]) =>
      deleted ? { id: key, name: 'gone', _deleted: true } : { id: key, name: `v${version}` },
    );
    const after = outcome === 'incomplete' ? before : this.#now;
    this.#watermark = after;
    const watermark = { before: dateOf(before), after: dateOf(after) };
    const whole: Delivery = { sync, mode, watermark, records };
    if (outcome === 'complete') return whole;
    if (outcome === 'quarantined') {
      const one = records.filter((record) => !('_deleted' in record)).at(nth);
      if (one === undefined) return whole;
      this.quarantined.set(sync, one.id);
      this.#mends.push({ ...whole, revision: 2 });
      return { ...whole, records: records.filter((record) => record !== one), quarantined: [{ id: one.id, name: 5 }] };
    }
    if (outcome === 'moved') this.#mends.push({ ...whole, revision: 2 });
    const verdict = outcome === 'moved' ? 'UNKNOWN' : 'INCOMPLETE';
    return { ...whole, verdict, records: records.slice(1) };
  }
}

const dateOf = (at: number | undefined): string | null =>
  at === undefined ? null : new Date(Date.UTC(2026, 0, 1) + at * 1_000).toISOString();
