import * as z from 'zod';

/** What the names in one stack's template stand for. Each function throws for a name it does not know. */
export type Names = {
  /** What `Ref` gives: of a resource its physical id; of a pseudo parameter its value. */
  reference(name: string): string;
  attribute(resource: string, attribute: string): string;
  imported(exportName: string): unknown;
  /** An output of another stack. */
  output(stack: string, output: string): unknown;
};

type Intrinsic = (argument: unknown, names: Names) => unknown;

const textSchema = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const text = (value: unknown, names: Names): string => textSchema.parse(resolve(value, names));
const list = (value: unknown, names: Names): unknown[] => z.array(z.unknown()).parse(resolve(value, names));

const INTRINSICS: ReadonlyMap<string, Intrinsic> = new Map<string, Intrinsic>([
  ['Ref', (argument, names) => names.reference(text(argument, names))],
  ['Fn::GetAtt', (argument, names) => names.attribute(...attributePath(resolve(argument, names)))],
  ['Fn::GetStackOutput', output],
  ['Fn::ImportValue', (argument, names) => names.imported(text(argument, names))],
  ['Fn::Join', join],
  ['Fn::Select', select],
  ['Fn::Split', split],
  ['Fn::Sub', substitute],
]);

/** The removal mark of CloudFormation: a property with this value is as good as absent. */
const NO_VALUE = 'AWS::NoValue';

/** A value with every intrinsic function in it replaced by what it stands for. Throws on an intrinsic it does not know. */
export function resolve(value: unknown, names: Names): unknown {
  if (Array.isArray(value)) return value.filter(isPresent).map((element) => resolve(element, names));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, element]) => isPresent(element));
  const [[name = '', argument] = []] = entries;
  if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) {
    const intrinsic = INTRINSICS.get(name);
    if (!intrinsic) throw new Error(`the embedded run does not know the intrinsic function ${name}.`);
    return intrinsic(argument, names);
  }
  return Object.fromEntries(entries.map(([key, element]) => [key, resolve(element, names)]));
}

const isPresent = (value: unknown): boolean =>
  !(typeof value === 'object' && value !== null && 'Ref' in value && value.Ref === NO_VALUE);

/** Of a stack of the same account and region: there is no other here. */
function output(argument: unknown, names: Names): unknown {
  const { StackName, OutputName } = z.object({ StackName: z.unknown(), OutputName: z.unknown() }).parse(argument);
  return names.output(text(StackName, names), text(OutputName, names));
}

function join(argument: unknown, names: Names): string {
  const [separator, parts] = z.tuple([z.string(), z.unknown()]).parse(argument);
  return list(parts, names)
    .map((part) => text(part, names))
    .join(separator);
}

function select(argument: unknown, names: Names): unknown {
  const [index, options] = z.tuple([z.coerce.number(), z.unknown()]).parse(argument);
  const selected = list(options, names)[index];
  if (selected === undefined) throw new Error(`Fn::Select has no element ${index} to select.`);
  return selected;
}

function split(argument: unknown, names: Names): string[] {
  const [separator, source] = z.tuple([z.string(), z.unknown()]).parse(argument);
  return text(source, names).split(separator);
}

const substituteSchema = z.tuple([z.string(), z.record(z.string(), z.unknown())]);

/** `${Name}` and `${Resource.Attribute}`, or a variable of its own; `${!Name}` is the text `${Name}`. */
function substitute(argument: unknown, names: Names): string {
  const [template, variables] = substituteSchema.parse(typeof argument === 'string' ? [argument, {}] : argument);
  return template.replace(/\$\{([^}]+)\}/g, (_whole, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    if (Object.hasOwn(variables, name)) return text(variables[name], names);
    return name.includes('.') ? names.attribute(...attributePath(name)) : names.reference(name);
  });
}

function attributePath(path: unknown): [resource: string, attribute: string] {
  if (typeof path !== 'string') return z.tuple([z.string(), z.string()]).parse(path);
  const dot = path.indexOf('.');
  return [path.slice(0, dot), path.slice(dot + 1)];
}
