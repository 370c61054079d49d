import * as z from 'zod';

/**
 * The type of a column, the same word for every database. `integer`: 64 bits. `{ decimal }`: exact, 38 digits, so many of them after the
 * point. `json`: anything nested, or of several types.
 */
export type ColumnType =
  | 'boolean'
  | 'integer'
  | 'double'
  | 'text'
  | 'date'
  | 'timestamp'
  | 'uuid'
  | 'json'
  | { readonly decimal: number };

export type Column = { readonly name: string; readonly type: ColumnType };

/** Names of Headgate's own columns, tables and indexes begin so. */
export const RESERVED = '_headgate_';

/** PostgreSQL cuts a longer name (bytes of UTF-8): https://www.postgresql.org/docs/current/limits.html */
const LONGEST_NAME = 63;
/** PostgreSQL has 1,600 columns in a table at most, fewer where they are wide. */
const MOST_COLUMNS = 1_000;

/**
 * The columns of a stream's table, from its schema's output, in the order of its fields. A field without a column of its own is kept in the
 * rest: one whose name is too long or reserved, or differs from an earlier one by case alone, which DuckDB does not tell apart.
 */
export function columnsOf(schema: z.ZodType): Column[] {
  const fields = new Map<string, ColumnType>();
  for (const shape of objectsOf(describe(schema)))
    for (const [name, field] of Object.entries(shape.properties ?? {})) {
      const before = fields.get(name);
      const type = typeOf(field);
      fields.set(name, before === undefined || isSameType(before, type) ? type : 'json');
    }
  return chooseNames([...fields].map(([name, type]) => ({ name, type })));
}

/** Leaves out columns that a database cannot have. `taken`: names that are columns already. */
export function chooseNames(columns: readonly Column[], taken: readonly string[] = []): Column[] {
  const seen = new Set(taken.map((name) => name.toLowerCase()));
  const chosen: Column[] = [];
  for (const column of columns) {
    const name = column.name.toLowerCase();
    if (seen.has(name) || !isName(column.name) || taken.length + chosen.length >= MOST_COLUMNS) continue;
    seen.add(name);
    chosen.push(column);
  }
  return chosen;
}

const isName = (name: string): boolean =>
  name !== '' &&
  !name.includes('\0') &&
  name.isWellFormed() &&
  Buffer.byteLength(name) <= LONGEST_NAME &&
  !name.toLowerCase().startsWith(RESERVED);

export const isSameType = (a: ColumnType, b: ColumnType): boolean => typeName(a) === typeName(b);

/** A column's type in one word, for reports. */
export const typeName = (type: ColumnType): string =>
  typeof type === 'string' ? type : `decimal with ${type.decimal} places`;

/** A field of a JSON Schema, as far as it decides on a column. */
const fieldSchema = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  format: z.string().optional(),
  multipleOf: z.number().optional(),
  get anyOf() {
    return z.array(fieldSchema).optional();
  },
  get oneOf() {
    return z.array(fieldSchema).optional();
  },
  get allOf() {
    return z.array(fieldSchema).optional();
  },
  get properties() {
    return z.record(z.string(), fieldSchema).optional();
  },
});
type Field = z.output<typeof fieldSchema>;

/** The output of a schema as JSON Schema; types that JSON has no word for are named as zod names them. */
function describe(schema: z.ZodType): Field {
  const described = z.toJSONSchema(schema, {
    io: 'output',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const { type } = zodSchema._zod.def;
      if (type === 'bigint') Object.assign(jsonSchema, { type: 'integer', format: 'bigint' });
      // A Date is written as ISO 8601 in UTC.
      if (type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
    },
  });
  return fieldSchema.parse(described);
}

/** The objects that a record may be. */
function objectsOf(field: Field): Field[] {
  const inside = [...(field.anyOf ?? []), ...(field.oneOf ?? []), ...(field.allOf ?? [])];
  return [...(field.properties === undefined ? [] : [field]), ...inside.flatMap(objectsOf)];
}

function typeOf(field: Field): ColumnType {
  const choices = [...(field.anyOf ?? []), ...(field.oneOf ?? [])].filter(({ type }) => type !== 'null');
  const [first = 'json', ...others] = choices.map(typeOf);
  if (choices.length > 0) return others.reduce(eitherType, first);
  const types = [field.type ?? []].flat().filter((type) => type !== 'null');
  return types.length === 1 ? scalarType(field, types[0]) : 'json';
}

/** The type that holds the values of both. */
function eitherType(a: ColumnType, b: ColumnType): ColumnType {
  if (isSameType(a, b)) return a;
  const both = [a, b];
  if (both.includes('integer') && both.some(isWholeDecimal)) return { decimal: 0 };
  return both.includes('integer') && both.includes('double') ? 'double' : 'json';
}

const isWholeDecimal = (type: ColumnType): boolean => typeof type === 'object' && type.decimal === 0;

function scalarType({ format, multipleOf }: Field, type: string | undefined): ColumnType {
  if (type === 'boolean') return 'boolean';
  if (type === 'integer') return format === 'bigint' ? { decimal: 0 } : 'integer';
  if (type === 'number') return numberType(multipleOf);
  if (type !== 'string') return 'json';
  if (format === 'date-time') return 'timestamp';
  return format === 'date' || format === 'uuid' ? format : 'text';
}

/** `multipleOf(0.01)` promises two decimal places. */
function numberType(multipleOf: number | undefined): ColumnType {
  const places = multipleOf === undefined ? Number.NaN : Math.round(-Math.log10(multipleOf));
  return places >= 0 && places <= 15 && multipleOf === Number(`1e-${places}`) ? { decimal: places } : 'double';
}
