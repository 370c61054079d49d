import { answer } from '../../lib/simulator/answer.ts';
import type { Model } from '../../lib/simulator/model.ts';
import { type Api, json } from '../pipeline/world.ts';

/** A simulated API without a server, for the pipeline over memory ports. */
export const wired =
  (model: Model): Api =>
  ({ method, url, headers, body = '' }) => {
    const answered = answer(model, { method, url: new URL(url), headers, body });
    return json(answered.body, answered.headers, answered.status);
  };
