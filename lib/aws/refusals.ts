import type { Change, Clause, Item, Value } from '../pipeline/ports.ts';

/**
 * What no table takes. Each is a bug of the caller, refused before anything is sent: AWS would refuse most of it, the
 * emulators let some of it pass, and a name with a dot would silently become an attribute of that name.
 */

/**
 * DynamoDB takes 300 operators and 4 KB per expression; so many clauses, and what joins them, stay below both
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
 */
const MAX_CLAUSES = 120;

export function assertItem(item: Item): void {
  for (const [name, value] of Object.entries(item)) {
    refuseAttribute(name);
    refuseValue(name, value);
  }
}

export function assertChange({ set = {}, remove = [], add = {}, delete: taken = {} }: Change): void {
  for (const values of [set, add, taken]) assertItem(values);
  for (const name of remove) refuseAttribute(name);
  const names = [...Object.keys(set), ...remove, ...Object.keys(add), ...Object.keys(taken)];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`One change cannot touch the attribute "${twice}" twice.`);
}

export function refuseClauses(clauses: readonly Clause[]): void {
  const leaves = clauses.flatMap(leavesOf);
  if (leaves.length > MAX_CLAUSES) {
    throw new Error(`A condition has at most ${MAX_CLAUSES} clauses, not ${leaves.length}.`);
  }
}

function leavesOf(clause: Clause): readonly Clause[] {
  if (!('either' in clause)) {
    for (const subject of Object.values(clause)) refusePath(typeof subject === 'string' ? subject : subject[0]);
    return [clause];
  }
  if (clause.either.length === 0) throw new Error('A choice between no clauses can never hold.');
  return clause.either.flatMap(leavesOf);
}

/** The attribute by which a table knows its own writes: the id of the last one. */
export const WRITE_ID = 'writeId';

function refuseAttribute(name: string): void {
  refusePath(name);
  if (name === WRITE_ID) throw new Error(`"${name}" is the table's own attribute.`);
  if (name === 'pk' || name === 'sk') throw new Error(`"${name}" is the key: it is given apart and never changes.`);
}

function refusePath(name: string): void {
  if (name === '' || /[.[\]]/.test(name)) throw new Error(`"${name}" is no attribute's name: items have no nesting.`);
}

function refuseValue(name: string, value: Value): void {
  if (value instanceof Set && value.size === 0) throw new Error(`"${name}": an empty set does not exist.`);
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
    throw new Error(`"${name}": ${value} is no number a table keeps exactly.`);
  }
}
