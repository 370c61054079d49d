import type { BodyReader } from '../core/response/body.ts';

/** The body is its text. */
export const text = (): BodyReader => Object.assign((body: string) => body, { write: String });
