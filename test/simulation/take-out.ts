import { stripTypeScriptTypes } from 'node:module';
import { type AnyNode, parse } from 'acorn';

/**
 * How a rule is taken out at its mark. A mark is a comment, `// R17` or `// R17, R18`, at the end of a line of lib, or alone on the line
 * before. The marked node is the outermost one that begins the line.
 * `remove`: a statement, an element of a list, an argument, a property or an operand goes. `later`: a statement moves past so many that
 * follow it. `when`: the condition of an `if` or of a conditional expression becomes this. `is`: the value of a declaration, an assignment,
 * a return, an argument or a property becomes this. In both `it` stands for what was there.
 */
export type Mutation =
  | { readonly remove: true }
  | { readonly later: number }
  | { readonly when: string }
  | { readonly is: string };

const MARK = /^(.*?)\/\/ (R\d+(?:, R\d+)*)$/;

/** Positions in a source at which a rule's marked lines begin, by the rule's id. */
export function marksIn(source: string): ReadonlyMap<string, readonly number[]> {
  const marks = new Map<string, number[]>();
  let start = 0;
  for (const line of source.split('\n')) {
    const [, before = '', ids] = line.includes('// R') ? (MARK.exec(line) ?? []) : [];
    const marked = before.trim() === '' ? start + line.length + 1 : start;
    for (const id of ids?.split(', ') ?? []) marks.set(id, [...(marks.get(id) ?? []), firstOf(source, marked)]);
    start += line.length + 1;
  }
  return marks;
}

/** The first character at which a node may begin: after spaces, and after what separates the branches of a conditional expression. */
const firstOf = (source: string, from: number): number => from + (/^[\s?:]*/.exec(source.slice(from))?.[0].length ?? 0);

/** A source of TypeScript as JavaScript without the rule at its marks, `mutations` in the order of the marks. Throws if one does not fit its mark. */
export function takeOut(source: string, id: string, mutations: readonly Mutation[]): string {
  const marks = marksIn(source).get(id) ?? [];
  if (marks.length !== mutations.length)
    throw new Error(`${id} has ${marks.length} marks, and ${mutations.length} mutations.`);
  const code = stripTypeScriptTypes(source);
  const edits = marks.flatMap((at, index) => {
    const mutation = mutations[index];
    return mutation === undefined ? [] : editsOf(code, at, mutation);
  });
  return edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((text, { from, to, text: instead }) => text.slice(0, from) + instead + text.slice(to), code);
}

type Edit = { readonly from: number; readonly to: number; readonly text: string };

function editsOf(code: string, at: number, mutation: Mutation): readonly Edit[] {
  const [node, parent] = nodeAt(code, at);
  if ('remove' in mutation) return [removal(code, node, parent)];
  if ('later' in mutation) {
    const last = siblings(parent).at(siblings(parent).indexOf(node) + mutation.later);
    if (last === undefined) throw new Error(`Fewer than ${mutation.later} statements follow.`);
    const moved = code.slice(node.start, node.end);
    return [removal(code, node, parent), { from: last.end, to: last.end, text: `\n${moved}` }];
  }
  const [old, text] = 'when' in mutation ? [conditionNode(node), mutation.when] : [valueNode(node), mutation.is];
  if (old === undefined || old === null) throw new Error(`A ${node.type} has nothing to replace.`);
  const was = `(${code.slice(old.start, old.end)})`;
  return [{ from: old.start, to: old.end, text: `(${text.replace(/\bit\b/g, () => was)})` }];
}

/** The outermost node that begins here, and the one that holds it. */
function nodeAt(code: string, at: number): readonly [AnyNode, AnyNode] {
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
  const found = outermost(program, at);
  if (found === undefined) throw new Error(`Nothing begins at the mark: ${code.slice(at, at + 60)}`);
  return found;
}

function outermost(parent: AnyNode, at: number): readonly [AnyNode, AnyNode] | undefined {
  for (const child of childrenOf(parent)) {
    if (child.start > at || at >= child.end) continue;
    // A declaration that is exported is marked where `export` begins.
    if (child.type === 'ExportNamedDeclaration' && child.start === at && child.declaration)
      return [child.declaration, child];
    return child.start === at ? [child, parent] : outermost(child, at);
  }
  return undefined;
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value;

const childrenOf = (node: AnyNode): readonly AnyNode[] => Object.values(node).flat().filter(isNode);

/** The statements among which one stands. */
const siblings = (parent: AnyNode): readonly AnyNode[] =>
  parent.type === 'BlockStatement' || parent.type === 'Program' ? parent.body : [];

function removal(code: string, node: AnyNode, parent: AnyNode): Edit {
  const { start, end } = node;
  if (parent.type === 'LogicalExpression') return { from: parent.left.end, to: end, text: '' };
  const comma = /^\s*,/.exec(code.slice(end))?.[0].length ?? 0;
  return { from: start, to: end + comma, text: node.type.endsWith('Statement') ? ';' : '' };
}

function conditionNode(node: AnyNode): AnyNode | undefined {
  if (node.type === 'IfStatement' || node.type === 'ConditionalExpression') return node.test;
  const value = valueNode(node);
  return value?.type === 'ConditionalExpression' ? value.test : undefined;
}

function valueNode(node: AnyNode): AnyNode | null | undefined {
  switch (node.type) {
    case 'VariableDeclaration':
      return bodyOf(node.declarations[0]?.init);
    case 'IfStatement':
      return valueNode(node.consequent);
    case 'ReturnStatement':
      return node.argument;
    case 'ExpressionStatement':
      return node.expression.type === 'AssignmentExpression' ? node.expression.right : node.expression;
    case 'Property':
      return node.value;
    case 'SpreadElement':
      return node.argument;
    default:
      return node;
  }
}

/** The value of a function that is one expression is what it gives. */
const bodyOf = (value: AnyNode | null | undefined): AnyNode | null | undefined =>
  value?.type === 'ArrowFunctionExpression' ? value.body : value;
