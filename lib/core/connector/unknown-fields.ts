// Not `z.core` of zod: a bundle would then hold all that zod exports, its texts in some fifty languages among it.
import * as core from 'zod/v4/core';

/** Tells of a field that a schema does not know, and would drop: its place, and its value. */
export type ReportField = (path: string, value: unknown) => void;
/** Looks for fields that a schema would drop. `path`: of the value. */
type Look = (value: unknown, path: string, report: ReportField) => void;

/**
 * Finds the fields that a schema would silently drop, at every depth: those that a `z.object` does not declare. `undefined`: it drops nothing.
 * A `z.looseObject` keeps unknown fields, and a `z.strictObject` refuses them. Made once for each schema.
 */
export function unknownFields(schema: core.$ZodType): Look | undefined {
  const found = made.get(schema);
  if (found !== undefined) return found.look;
  // A schema that holds itself is asked for while it is made: then what it will be is looked up when a value is there.
  const entry: { look: Look | undefined } = {
    look: (value, path, report) => made.get(schema)?.look?.(value, path, report),
  };
  made.set(schema, entry);
  entry.look = make(schema);
  return entry.look;
}

const made = new WeakMap<core.$ZodType, { readonly look: Look | undefined }>();

function make(schema: core.$ZodType): Look | undefined {
  if (schema instanceof core.$ZodObject) return inObject(schema._zod.def.shape, schema._zod.def.catchall);
  if (schema instanceof core.$ZodArray) return inEach(unknownFields(schema._zod.def.element), '[]');
  if (schema instanceof core.$ZodRecord) return inEach(unknownFields(schema._zod.def.valueType), '*');
  if (schema instanceof core.$ZodTuple) {
    const { items, rest } = schema._zod.def;
    return inTuple(items.map(unknownFields), rest === null ? undefined : unknownFields(rest));
  }
  if (schema instanceof core.$ZodUnion) return inOne(schema._zod.def.options);
  if (schema instanceof core.$ZodIntersection)
    return inBoth(unknownFields(schema._zod.def.left), unknownFields(schema._zod.def.right));
  // What a transformation makes of a value is no longer what came.
  if (schema instanceof core.$ZodPipe) return unknownFields(schema._zod.def.in);
  if (schema instanceof core.$ZodLazy)
    return (value, path, report) => unknownFields(schema._zod.def.getter())?.(value, path, report);
  if (isWrapper(schema)) return unknownFields(schema._zod.def.innerType);
  return undefined;
}

const isWrapper = (schema: core.$ZodType) =>
  schema instanceof core.$ZodOptional ||
  schema instanceof core.$ZodNullable ||
  schema instanceof core.$ZodNonOptional ||
  schema instanceof core.$ZodDefault ||
  schema instanceof core.$ZodPrefault ||
  schema instanceof core.$ZodCatch ||
  schema instanceof core.$ZodReadonly;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

function inObject(shape: core.$ZodShape, catchall: core.$ZodType | undefined): Look | undefined {
  const known = new Map(Object.entries(shape).map(([name, field]) => [name, unknownFields(field)]));
  const drops = catchall === undefined;
  const rest = catchall && unknownFields(catchall);
  if (!drops && rest === undefined && [...known.values()].every((look) => look === undefined)) return undefined;
  return (value, path, report) => {
    if (!isObject(value)) return;
    for (const name of Object.keys(value)) {
      const look = known.get(name);
      if (look !== undefined) look(value[name], below(path, name), report);
      else if (known.has(name)) continue;
      else if (drops) report(below(path, name), value[name]);
      else rest?.(value[name], below(path, '*'), report);
    }
  };
}

const inEach = (look: Look | undefined, step: '[]' | '*'): Look | undefined =>
  look &&
  ((value, path, report) => {
    if (typeof value !== 'object' || value === null) return;
    for (const each of Object.values(value)) look(each, below(path, step), report);
  });

function inTuple(items: readonly (Look | undefined)[], rest: Look | undefined): Look | undefined {
  if (rest === undefined && items.every((look) => look === undefined)) return undefined;
  return (value, path, report) => {
    if (!Array.isArray(value)) return;
    for (const [index, each] of value.entries())
      (index < items.length ? items[index] : rest)?.(each, below(path, '[]'), report);
  };
}

/** Of several schemas the first that takes a value decides, as it does for zod. */
function inOne(options: readonly core.$ZodType[]): Look | undefined {
  const looks = options.map((option) => ({ option, look: unknownFields(option) }));
  const [first, ...others] = looks.filter(({ look }) => look !== undefined);
  if (first === undefined) return undefined;
  return (value, path, report) => {
    if (typeof value !== 'object' || value === null) return;
    const taken =
      others.length === 0 && looks.every(({ option, look }) => look !== undefined || isScalar(option))
        ? first
        : looks.find(({ option }) => core.safeParse(option, value).success);
    taken?.look?.(value, path, report);
  };
}

const SCALARS: ReadonlySet<string> = new Set([
  'string',
  'number',
  'boolean',
  'null',
  'undefined',
  'bigint',
  'literal',
  'enum',
]);
const isScalar = (schema: core.$ZodType): boolean => SCALARS.has(schema._zod.def.type);

/** Only what both drop is dropped. */
function inBoth(left: Look | undefined, right: Look | undefined): Look | undefined {
  if (left === undefined || right === undefined) return undefined;
  return (value, path, report) => {
    const dropped = new Set<string>();
    left(value, path, (each) => dropped.add(each));
    right(value, path, (each, found) => {
      if (dropped.has(each)) report(each, found);
    });
  };
}
