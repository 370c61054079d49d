import type * as z from 'zod';
import { branchesOf, type JsonSchema, jsonSchemaOf, merged } from './json-schema.ts';
import { numbers } from './numbers.ts';
import { drawBelow, saltOf } from './random.ts';
import { SimulatorRefusal } from './refusal.ts';
import { texts } from './texts.ts';

/** Gives the value of a field, or a whole record, for an index from 0: always the same for the same index. */
export type Maker = (index: number) => unknown;

export type Recipe = {
  /** What the records' keys are called after. */
  readonly label: string;
  readonly seed: number;
  /** How many records there are: so many keys must differ. */
  readonly count: number;
  /** Fields (`id`, `meta/name`) that are never left out and rise from record to record, so that no two are the same. */
  readonly keys: readonly string[];
  /** A field with a maker of its own: its path (`/meta/changed`), and what makes it. */
  readonly pin?: { readonly path: string; readonly maker: Maker };
  /** Whether every optional and nullable field has a value. Otherwise one in eight has none. */
  readonly complete?: boolean;
};

/** A place in the record. `rising`: no two records may have the same value there. `depth`: of the schema in itself. */
type Spot = { readonly path: string; readonly rising: boolean; readonly depth: number };

/** One value in so many is left out or null, where the schema allows it. */
const ONE_IN = 8;
/** How often a schema may contain itself. */
const DEEPEST = 2;
/** Values that need not differ are drawn from so many, or from fewer where the schema has no more. */
const VARIETY = [10_000, 100, 10, 1];
/** How many items an array has beyond those it must have. */
const MORE_ITEMS = 2;

/**
 * What makes the records of a schema. It is compiled once; a record costs the same whatever its index. Throws a
 * {@link SimulatorRefusal} that names the first field it cannot make. What is optional and cannot be made is left out.
 */
export function recordMaker(schema: z.ZodType, recipe: Recipe): Maker {
  const { label, seed, count, pin, complete = false } = recipe;
  const root = jsonSchemaOf(schema);
  const salt = (spot: Spot, purpose: string) => saltOf(seed, label, spot.path, purpose);
  const isPinned = ({ path }: Spot) => pin !== undefined && `${pin.path}/`.startsWith(`${path}/`);
  const holdsKey = ({ path }: Spot) => recipe.keys.some((key) => `/${key}`.startsWith(`${path}/`));
  const isCertain = (spot: Spot) => complete || spot.rising || isPinned(spot) || holdsKey(spot);

  function compile(given: JsonSchema | boolean, spot: Spot): Maker {
    if (pin?.path === spot.path) return pin.maker;
    if (given === false || (given !== true && given.not !== undefined)) throw refusal(spot, 'can have no value');
    const node = merged(given === true ? {} : given);
    if (node.$ref !== undefined) return compileReference(node.$ref, spot);
    const branches = branchesOf(node);
    if (branches !== undefined) return compileChoice(branches, spot);
    if (node.const !== undefined) return always(node.const);
    if (node.enum !== undefined) return oneOf(node.enum.map(always), spot);
    switch (node.type) {
      case 'object':
        return compileObject(node, spot);
      case 'array':
        return compileArray(node, spot);
      case 'boolean':
        return oneOf([always(true), always(false)], spot);
      case 'null':
        return always(null);
      default:
        return compileValue(node, spot);
    }
  }

  function compileReference(reference: string, spot: Spot): Maker {
    if (spot.depth >= DEEPEST) throw refusal(spot, 'contains itself without end');
    const target = reference === '#' ? root : root.$defs?.[reference.replace('#/$defs/', '')];
    return compile(target ?? false, { ...spot, depth: spot.depth + 1 });
  }

  function compileChoice(branches: readonly JsonSchema[], spot: Spot): Maker {
    const values = branches.filter((branch) => branch.type !== 'null');
    const mayBeNull = values.length < branches.length;
    const makers = workable(values, mayBeNull, (branch) => compile(branch, spot));
    const [first = always(null)] = makers;
    if (isCertain(spot) || makers.length === 0) return first;
    const value = oneOf(makers, spot);
    const absent = salt(spot, 'null');
    return mayBeNull ? (index) => (drawBelow(ONE_IN, absent, index) === 0 ? null : value(index)) : value;
  }

  function compileObject(node: JsonSchema, spot: Spot): Maker {
    const required = new Set(node.required);
    const names = new Set([...Object.keys(node.properties ?? {}), ...required, ...freeNames(node)]);
    const fields = [...names].flatMap((name) => {
      const path = `${spot.path}/${name}`;
      const at = { ...spot, path, rising: spot.rising || recipe.keys.includes(path.slice(1)) };
      const property = node.properties?.[name] ?? node.additionalProperties ?? true;
      const isSure = required.has(name) || isCertain(at);
      const makers = workable([property], !isSure, () => compile(property, at));
      return makers.map((make) => ({ name, make, absent: isSure ? undefined : salt(at, 'absent') }));
    });
    return (index) => {
      const made: Record<string, unknown> = {};
      for (const { name, make, absent } of fields) {
        if (absent === undefined || drawBelow(ONE_IN, absent, index) !== 0) made[name] = make(index);
      }
      return made;
    };
  }

  function compileArray(node: JsonSchema, spot: Spot): Maker {
    const { prefixItems = [], minItems = 0, maxItems = Infinity } = node;
    const longest = Math.min(maxItems, Math.max(minItems, prefixItems.length) + MORE_ITEMS);
    const schemas = Array.from({ length: longest }, (_, at) => prefixItems[at] ?? itemsOf(node));
    const least = Math.max(minItems, prefixItems.length);
    const makers = schemas.flatMap((schema, at) =>
      workable([schema], at >= least, () => compile(schema, { ...spot, path: `${spot.path}/${at}` })),
    );
    const more = salt(spot, 'length');
    return (index) => {
      const length = least + drawBelow(makers.length - least + 1, more, index);
      return makers.slice(0, length).map((make) => make(index));
    };
  }

  function compileValue(node: JsonSchema, spot: Spot): Maker {
    const values = node.type === 'number' || node.type === 'integer' ? numbers : texts;
    const which = salt(spot, 'value');
    for (const amount of spot.rising ? [count] : VARIETY) {
      const value = values(node, amount, { label, rising: spot.rising });
      if (value !== undefined) return spot.rising ? value : (index) => value(drawBelow(amount, which, index));
    }
    const needed = spot.rising && count > 1 ? `${count} different values` : 'a value';
    throw refusal(spot, `needs ${needed} that the simulator cannot make (${JSON.stringify(node)})`);
  }

  function oneOf(makers: readonly Maker[], spot: Spot): Maker {
    const which = salt(spot, 'which');
    return (index) => makers[drawBelow(makers.length, which, index)]?.(index);
  }

  return compile(root, { path: '', rising: false, depth: 0 });
}

const always = (value: unknown) => () => value;
const refusal = ({ path }: Spot, reason: string) => new SimulatorRefusal(`field "${path.slice(1)}" ${reason}.`);

/** Names for an object that may hold any, each with a value of one schema. */
function freeNames({ properties, required, propertyNames, additionalProperties }: JsonSchema): readonly string[] {
  const isMap = typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0;
  const isFree = JSON.stringify(propertyNames) === '{"type":"string"}';
  return isMap && isFree && properties === undefined && required === undefined ? ['first', 'second'] : [];
}

const itemsOf = ({ items = true }: JsonSchema): JsonSchema | boolean => (Array.isArray(items) ? true : items);

/** Makers of the candidates that can be made. Unless all may be missing, the refusal of the first one is thrown when none can. */
function workable<T>(candidates: readonly T[], mayBeMissing: boolean, make: (candidate: T) => Maker): Maker[] {
  let first: SimulatorRefusal | undefined;
  const makers = candidates.flatMap((candidate) => {
    try {
      return [make(candidate)];
    } catch (error) {
      if (!(error instanceof SimulatorRefusal)) throw error;
      first ??= error;
      return [];
    }
  });
  if (makers.length === 0 && first !== undefined && !mayBeMissing) throw first;
  return makers;
}
