import type { Change, Clause, Value } from '../pipeline/ports.ts';

/** The parts of a DynamoDB request that say what to change and on which condition; absent where there is nothing to say. */
export type Expression = {
  readonly UpdateExpression: string | undefined;
  readonly ConditionExpression: string | undefined;
  readonly ExpressionAttributeNames: Record<string, string> | undefined;
  readonly ExpressionAttributeValues: Record<string, Value> | undefined;
};

/** An attribute, and the value that it must not have. It may be absent. */
export type Unequal = readonly [attribute: string, value: string];

/** Every name and value has an alias (`#0`, `:0`), so an attribute may be called `open` or `status`. */
export function expression(change: Change, when: readonly Clause[], unless: readonly Unequal[] = []): Expression {
  const aliases = makeAliases();
  const update = updateText(change, aliases);
  const condition = [
    ...when.map((clause) => clauseText(clause, aliases)),
    ...unless.map((each) => unequalText(each, aliases)),
  ].join(' AND ');
  return {
    UpdateExpression: update || undefined,
    ConditionExpression: condition || undefined,
    ...aliases.used(),
  };
}

type Aliases = {
  readonly name: (attribute: string) => string;
  readonly value: (value: Value) => string;
  readonly used: () => Pick<Expression, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'>;
};

function makeAliases(): Aliases {
  const names = new Map<string, string>();
  const values: Value[] = [];
  return {
    name(attribute) {
      const alias = names.get(attribute) ?? `#${names.size}`;
      names.set(attribute, alias);
      return alias;
    },
    value: (value) => `:${values.push(value) - 1}`,
    used: () => ({
      ExpressionAttributeNames: some([...names].map(([attribute, alias]) => [alias, attribute])),
      ExpressionAttributeValues: some(values.map((value, index) => [`:${index}`, value])),
    }),
  };
}

/** DynamoDB refuses an empty map of names or values. */
const some = <V>(entries: readonly (readonly [string, V])[]): Record<string, V> | undefined =>
  entries.length === 0 ? undefined : Object.fromEntries(entries);

function updateText(change: Change, { name, value }: Aliases): string {
  const pairs = (values: Readonly<Record<string, Value>> = {}, between = ' ') =>
    Object.entries(values).map(([attribute, operand]) => `${name(attribute)}${between}${value(operand)}`);
  const sections = [
    { verb: 'SET', terms: pairs(change.set, ' = ') },
    { verb: 'REMOVE', terms: (change.remove ?? []).map(name) },
    { verb: 'ADD', terms: pairs(change.add) },
    { verb: 'DELETE', terms: pairs(change.delete) },
  ];
  return sections
    .filter(({ terms }) => terms.length > 0)
    .map(({ verb, terms }) => `${verb} ${terms.join(', ')}`)
    .join(' ');
}

function unequalText([attribute, value]: Unequal, aliases: Aliases): string {
  const name = aliases.name(attribute);
  return `(attribute_not_exists(${name}) OR ${name} <> ${aliases.value(value)})`;
}

function clauseText(clause: Clause, aliases: Aliases): string {
  const { name, value } = aliases;
  if ('absent' in clause) return `attribute_not_exists(${name(clause.absent)})`;
  if ('present' in clause) return `attribute_exists(${name(clause.present)})`;
  if ('equal' in clause) return `${name(clause.equal[0])} = ${value(clause.equal[1])}`;
  if ('less' in clause) return `${name(clause.less[0])} < ${value(clause.less[1])}`;
  if ('greater' in clause) return `${name(clause.greater[0])} > ${value(clause.greater[1])}`;
  if ('contains' in clause) return `contains(${name(clause.contains[0])}, ${value(clause.contains[1])})`;
  return `(${clause.either.map((one) => clauseText(one, aliases)).join(' OR ')})`;
}
