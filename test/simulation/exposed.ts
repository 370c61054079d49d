import { HOUR } from '../../lib/core/time.ts';
import type { Random } from '../../lib/pipeline/ports.ts';
import { intercept } from '../memory/intercept.ts';
import { sendTwice } from '../memory/table.ts';
import type { Tally } from './tally.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Weather } from './weather.ts';

/** What any call to a service is exposed to: it is refused, its answer is lost, it is sent twice; whoever made it dies, or stands still for long. */

export type Exposure = {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly weather: Pick<Weather, 'crash' | 'refused' | 'repeated' | 'lostAnswer' | 'freeze'>;
  readonly chance: (rate: number) => boolean;
  readonly tally: Tally;
  readonly trace: (line: () => string) => void;
};

/** Whoever makes the call. */
export type Caller = { readonly alive: () => boolean; readonly die: (of: string) => void };

/** A port whose every call is exposed. `repeats`: its SDK sends a call again whose answer was lost. */
export const exposed = <T extends object>(
  exposure: Exposure,
  caller: Caller,
  port: T,
  name: string,
  repeats: boolean,
): T =>
  intercept(port, (method, input, call) =>
    exposedCall(
      exposure,
      caller,
      () => `${name}.${method} ${shorten(input)}`,
      async () => call(),
      repeats,
    ),
  );

export function exposedCall<T>(
  { time, random, weather, chance, tally, trace }: Exposure,
  { alive, die }: Caller,
  label: () => string,
  effect: () => Promise<T>,
  repeats = false,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (!alive()) return;
    const crash = chance(weather.crash);
    const crashBefore = crash && random.number() < 0.5;
    time.after(1 + random.number() * 20, () => {
      if (!alive()) return;
      if (crashBefore) return die('crashes');
      if (chance(weather.refused)) {
        tally.count('calls refused');
        return reject(new Error('throttled'));
      }
      const again = repeats && chance(weather.repeated);
      if (again) tally.count('calls repeated');
      const done = again ? sendTwice(effect) : effect();
      done.then((result) => {
        trace(() => `${label()} → ${shorten([result])}`);
        if (crash) return die('crashes');
        if (chance(weather.lostAnswer)) {
          tally.count('answers lost');
          return reject(new Error('the answer was lost'));
        }
        if (!chance(weather.freeze)) return alive() && resolve(result);
        tally.count('freezes');
        time.after(random.number() ** 3 * HOUR, () => alive() && resolve(result));
      }, reject);
    });
  });
}

/** What was handed over, as text. */
export const shorten = (input: unknown): string =>
  JSON.stringify(input, (_, value: unknown) =>
    value instanceof Set ? [...value] : value instanceof Uint8Array ? `${value.length} bytes` : value,
  ).slice(0, 240);
