import { extname, join } from 'node:path';
import type { Connector } from '../core/connector/connector.ts';
import github from './github.ts';
import hubspot from './hubspot.ts';
import jira from './jira.ts';
import practice from './practice.ts';
import stripe from './stripe.ts';

/** TypeScript in the repository, JavaScript in the package. */
const fileOf = (name: string) => join(import.meta.dirname, name + extname(import.meta.filename));

/** The connectors that come with Headgate, by name. `file` is the absolute path of a connector's file. */
export const connectors: Readonly<Record<string, { readonly connector: Connector; readonly file: string }>> = {
  practice: { connector: practice, file: fileOf('practice') },
  github: { connector: github, file: fileOf('github') },
  hubspot: { connector: hubspot, file: fileOf('hubspot') },
  jira: { connector: jira, file: fileOf('jira') },
  stripe: { connector: stripe, file: fileOf('stripe') },
};
