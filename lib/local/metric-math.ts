/**
 * As much of CloudWatch's metric math as the alarms use, for one period: numbers, ids, + - * / > <, IF, FILL, SUM and MAX over a list
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html). `undefined` is a period without data.
 */
export type Value = number | undefined;

/** Works an expression out. Throws on anything it does not know. */
export function calculate(expression: string, valueIn: (id: string) => Value): Value {
  const tokens = expression.match(/[A-Za-z_]\w*|\d+(?:\.\d+)?|[-+*/()[\],<>]|\S/g) ?? [];
  let at = 0;
  const take = (expected: string): void => {
    if (tokens[at] !== expected) throw unknown(expression, tokens[at]);
    at += 1;
  };
  const binary = (
    operators: Readonly<Record<string, (a: number, b: number) => number>>,
    operand: () => Value,
  ): Value => {
    let left = operand();
    for (let apply = operators[tokens[at] ?? '']; apply !== undefined; apply = operators[tokens[at] ?? '']) {
      at += 1;
      const right = operand();
      left = left === undefined || right === undefined ? undefined : apply(left, right);
    }
    return left;
  };
  const comparison = (): Value =>
    binary({ '>': (a, b) => Number(a > b), '<': (a, b) => Number(a < b) }, () =>
      binary({ '+': (a, b) => a + b, '-': (a, b) => a - b }, () =>
        binary({ '*': (a, b) => a * b, '/': (a, b) => a / b }, primary),
      ),
    );
  const list = (): Value[] => {
    take('[');
    const found = [comparison()];
    while (tokens[at] === ',') {
      at += 1;
      found.push(comparison());
    }
    take(']');
    return found;
  };
  const call = (name: string): Value => {
    take('(');
    let result: Value;
    if (name === 'SUM' || name === 'MAX') {
      const known = list().filter((value) => value !== undefined);
      if (known.length > 0) result = name === 'SUM' ? known.reduce((a, b) => a + b, 0) : Math.max(...known);
    } else {
      const first = comparison();
      take(',');
      const second = comparison();
      if (name === 'FILL') result = first ?? second;
      else if (name === 'IF') {
        take(',');
        const third = comparison();
        result = first === undefined ? undefined : first === 0 ? third : second;
      } else throw unknown(expression, name);
    }
    take(')');
    return result;
  };
  function primary(): Value {
    const token = tokens[at];
    at += 1;
    if (token === undefined) throw unknown(expression, token);
    if (/^\d/.test(token)) return Number(token);
    if (!/^\w/.test(token)) throw unknown(expression, token);
    return tokens[at] === '(' ? call(token) : valueIn(token);
  }

  const value = comparison();
  if (at !== tokens.length) throw unknown(expression, tokens[at]);
  return value;
}

const unknown = (expression: string, token: string | undefined): Error =>
  new Error(
    `The embedded run does not know ${token === undefined ? 'where this ends' : `"${token}"`} in: ${expression}`,
  );
