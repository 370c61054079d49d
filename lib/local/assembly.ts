import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** What `cdk synth` wrote: the stacks' templates, and where their assets lie. */
export type Assembly = {
  readonly stacks: readonly Stack[];
  /** Folder of an asset, by the object key that a template names it with. */
  assetFolder(objectKey: string): string;
};

export type Stack = {
  readonly name: string;
  readonly resources: ReadonlyMap<string, Resource>;
  /** Export name → value, unresolved. */
  readonly exports: ReadonlyMap<string, unknown>;
  /** Logical id → value, unresolved. */
  readonly outputs: ReadonlyMap<string, unknown>;
};

export type Resource = {
  readonly type: string;
  /** Unresolved. */
  readonly properties: Readonly<Record<string, unknown>>;
};

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z.record(z.string(), z.unknown()).default({}),
      Condition: z.string().optional(),
    }),
  ),
  Outputs: z
    .record(z.string(), z.object({ Value: z.unknown(), Export: z.object({ Name: z.string() }).optional() }))
    .default({}),
});

const assetsSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string().optional(), packaging: z.string().optional() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

const TEMPLATE = '.template.json';

/** Reads the templates (`<stack>.template.json`) and asset manifests (`<stack>.assets.json`) of a folder. Throws if there are none. */
export function readAssembly(folder: string): Assembly {
  const files = readdirSync(folder).sort();
  const stacks = files.filter((file) => file.endsWith(TEMPLATE)).map((file) => readStack(folder, file));
  if (stacks.length === 0) throw new Error(`There is no synthesized template in ${folder}.`);
  const assets = new Map(
    files.filter((file) => file.endsWith('.assets.json')).flatMap((file) => readAssets(folder, file)),
  );
  return {
    stacks,
    assetFolder: (objectKey) => {
      const asset = assets.get(objectKey);
      if (asset === undefined) throw new Error(`${folder} holds no asset folder for ${objectKey}.`);
      return asset;
    },
  };
}

const readJson = (folder: string, file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'));

function readStack(folder: string, file: string): Stack {
  const name = file.slice(0, -TEMPLATE.length);
  const { Resources, Outputs } = templateSchema.parse(readJson(folder, file));
  const resources = Object.entries(Resources).map(([id, { Type: type, Properties: properties, Condition }]) => {
    // CDK puts its own usage report under a condition; nothing that runs may depend on one.
    if (Condition !== undefined && type !== 'AWS::CDK::Metadata') {
      throw new Error(`${name}/${id}: the embedded run does not know conditions.`);
    }
    return [id, { type, properties }] as const;
  });
  const exports = Object.values(Outputs).flatMap(({ Value, Export }) =>
    Export ? [[Export.Name, Value] as const] : [],
  );
  const outputs = Object.entries(Outputs).map(([id, { Value }]) => [id, Value] as const);
  return { name, resources: new Map(resources), exports: new Map(exports), outputs: new Map(outputs) };
}

function readAssets(folder: string, file: string): [objectKey: string, folder: string][] {
  const { files } = assetsSchema.parse(readJson(folder, file));
  return Object.values(files).flatMap(({ source, destinations }) =>
    source.packaging === 'zip' && source.path !== undefined
      ? Object.values(destinations).map(({ objectKey }): [string, string] => [
          objectKey,
          join(folder, source.path ?? ''),
        ])
      : [],
  );
}
