import type { Answer, Received } from './exchange.ts';

/** The faults of a simulated API: one switch for each. */
export type Trouble = {
  /** The faults concern this stream alone; by default all. */
  readonly stream?: string;
  /**
   * The page with this index, from 0, of each listing has no records, or only half of its records. A chain continues after what it has shown; of
   * a numbered listing the rest is lost.
   */
  readonly empty?: number;
  readonly short?: number;
  /** The cursor of the page with this index has expired: this comes instead. */
  readonly expired?: { readonly page: number; readonly answer: Answer };
  /** Only for the first requests of the same page, this many. Default: always. */
  readonly times?: number;
  /** No page has more records, whatever is asked for. */
  readonly cap?: number;
  /** At most this many records of one listing can be read: after them comes 400, or nothing. */
  readonly limit?: { readonly records: number; readonly by: '400' | 'end' };
  /** The page with this index leads back to the one with index 1. */
  readonly loop?: number;
  /** How many records it says there are, in a page or when it is asked. */
  readonly total?: (honest: number, asked: number) => number | undefined;
  /** Whether the record with this index is not there, at its request number `asked`, from 1. */
  readonly absent?: (index: number, asked: number) => boolean;
  /** Parents whose children are no longer listed, and what comes instead. */
  readonly vanished?: { readonly parent: (index: number) => boolean; readonly answer: Answer };
  /** Every so many requests this comes instead. */
  readonly every?: { readonly requests: number; readonly answer: Answer };
  /** Each page comes with the status of this, and with what stands in its body. */
  readonly dressed?: Answer;
  /** A job is not ready. */
  readonly waits?: boolean;
  /** At its request with this number it revokes all tokens that it has issued. */
  readonly revokes?: number;
};

/** What it does to one answer. */
export type Twist = Pick<Trouble, 'cap' | 'limit' | 'vanished' | 'dressed'> & {
  readonly total?: ((honest: number) => number | undefined) | undefined;
  readonly absent?: ((index: number) => boolean) | undefined;
  readonly waits?: boolean | undefined;
  /** To the page with this index. */
  readonly page?: ((index: number) => PageTwist) | undefined;
};

/** `instead`: this is answered. `back`: the next page is the one with index 1. */
export type PageTwist = {
  readonly instead?: Answer | undefined;
  readonly shows?: 'nothing' | 'half' | undefined;
  readonly back?: boolean;
};

/** What becomes of one request. `instead`: this is answered, whatever was asked. `revoked`: tokens given out before, epoch milliseconds, are not taken. */
export type Fate = {
  readonly instead?: Answer | undefined;
  readonly twist: Twist;
  readonly revoked?: number | undefined;
};

/** Decides what becomes of a request. `stream`: the one that is asked for, if any. */
export type Troubled = (stream: string | undefined, request: Received) => Fate;

export const honest: Troubled = () => ({ twist: {} });

/** An API that does this. It counts what it is asked: it is one API's, from its beginning. */
export function troubled(trouble: Trouble): Troubled {
  const { every, times = Number.POSITIVE_INFINITY } = trouble;
  const before = new Map<string, number>();
  let asked = 0;
  let revoked: number | undefined;
  return (stream, { url, body, now }) => {
    if (trouble.stream !== undefined && stream !== trouble.stream) return { twist: {} };
    asked += 1;
    if (asked === trouble.revokes) revoked = now;
    const same = before.get(url.href + body) ?? 0;
    before.set(url.href + body, same + 1);
    const instead = every !== undefined && asked % every.requests === 0 && same < times ? every.answer : undefined;
    return { twist: twistOf(trouble, asked, same < times), revoked, instead };
  };
}

/** `asked`: requests so far. `isOn`: whether this one has not been done to often enough. */
function twistOf(trouble: Trouble, asked: number, isOn: boolean): Twist {
  const { total, absent, empty, short, expired, loop, waits, ...always } = trouble;
  return {
    ...always,
    total: total && ((honest) => total(honest, asked)),
    absent: absent && ((index) => absent(index, asked)),
    waits: waits === true && isOn,
    page: (index) => ({
      ...(isOn && empty === index ? { shows: 'nothing' } : isOn && short === index ? { shows: 'half' } : {}),
      instead: isOn && expired?.page === index ? expired.answer : undefined,
      back: loop === index,
    }),
  };
}
