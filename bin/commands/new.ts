import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../cli/errors.ts';

/** `headgate new`: a connector file that runs, to begin from. */
export function newConnector(program: Command): void {
  program
    .command('new')
    .description('Write a connector file that runs, to begin from.')
    .argument('<file>', 'where it is written, such as ./shop.ts; its name becomes the name of the connector')
    .action((file: string) => {
      const name = nameOf(file);
      if (existsSync(file)) throw new UsageError(`"${file}" is there already. Give another name.`);
      writeFileSync(file, template(name), { flag: 'wx' });
      process.stdout.write(
        `${file} is written. Try it with: npx headgate run ${file} --param url=https://api.example.com\n`,
      );
    });
}

function nameOf(file: string): string {
  const name = basename(file).replace(/\.ts$/, '');
  if (basename(file) === name) throw new UsageError(`"${file}" must end in .ts.`);
  if (/^[a-z][a-z0-9-]{0,29}$/.test(name)) return name;
  throw new UsageError(
    `"${name}" cannot name a connector: it is lower case letters, digits and "-", at most 30, and begins with a letter.`,
  );
}

const template = (name: string): string => `import { defineConnector, none, pages } from 'headgate/connector';
import * as z from 'zod';

/** One record as the API sends it. What is not listed here is not delivered; z.looseObject delivers it. */
const Item = z.object({
  id: z.int(),
  name: z.string(),
  updated_at: z.iso.datetime(),
});

export default defineConnector({
  name: '${name}',
  docs: 'https://docs.example.com/api',
  // What differs from account to account and is no secret: --param url=…
  params: z.object({ url: z.url() }),
  baseUrl: ({ params }) => params.url,
  // bearer(), basic(), apiKey({ header: 'x-api-key' }), …: docs/connectors.md
  auth: none(),
  // For example [{ requests: 100, per: '1 minute' }]
  limits: [],
  schedule: '1 hour',
  streams: (stream) => ({
    items: stream({
      // How one page is asked for. Every request must differ by its page.
      request: ({ page, window }) => ({
        path: '/items',
        query: { page: page.number, per_page: page.size, updated_since: window.from.iso },
      }),
      paging: pages({ size: 100 }),
      // Where the records are, and how many there are in all: with a total a receipt can say COMPLETE.
      records: (body) => body.items,
      total: (reply) => reply.body.total,
      schema: Item,
      key: 'id',
      // From the second sync on, ask only for what changed.
      since: { field: (item) => item.updated_at, lookback: '5 minutes' },
    }),
  }),
});
`;
