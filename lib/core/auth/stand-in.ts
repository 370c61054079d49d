import type { Request } from '../exchange.ts';

/**
 * Stand-ins for secrets. A connector's code says where a value goes, and never sees it: it gets a text in its place, which is replaced when
 * the request is built. The marks are characters of the private use area, which no API speaks.
 */
const OPEN = '\uE000';
const CLOSE = '\uE001';
const STAND_IN = /\uE000([^\uE000\uE001]*)\uE001/g;

export const standIn = (name: string): string => `${OPEN}${name}${CLOSE}`;

/** An object each of whose fields is the stand-in for the value of that name. */
export const standIns = (): Readonly<Record<string, string>> =>
  new Proxy<Record<string, string>>({}, { get: (_, name) => (typeof name === 'string' ? standIn(name) : undefined) });

/** Puts the values into a text. Throws on one that there is not. */
export const fillText = (given: string, values: Readonly<Record<string, unknown>>): string =>
  given.replace(STAND_IN, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`the secret has no field "${name}"`);
    return String(value);
  });

/** Puts the values into a request. Throws on one that there is not. */
export function fillIn(request: Request, values: Readonly<Record<string, unknown>>): Request {
  const text = (given: string): string => fillText(given, values);
  const deep = (given: unknown): unknown => {
    if (typeof given === 'string') return text(given);
    if (Array.isArray(given)) return given.map(deep);
    if (typeof given !== 'object' || given === null) return given;
    return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, deep(value)]));
  };
  const texts = (given: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(given).map(([name, value]) => [name, text(value)]));
  const { path, json, form, headers, ...rest } = request;
  return {
    ...rest,
    path: text(path),
    ...(json === undefined ? {} : { json: deep(json) }),
    ...(form === undefined ? {} : { form: texts(form) }),
    ...(headers === undefined ? {} : { headers: texts(headers) }),
  };
}
