import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Names, resolve } from '../../lib/local/intrinsics.ts';

const names: Names = {
  reference: (name) => `ref(${name})`,
  attribute: (resource, attribute) => `att(${resource},${attribute})`,
  imported: (name) => `import(${name})`,
  output: (stack, name) => `output(${stack},${name})`,
};

describe('resolve', () => {
  const cases: readonly [title: string, value: unknown, resolved: unknown][] = [
    ['leaves plain values alone', { a: [1, true, null, 'x'] }, { a: [1, true, null, 'x'] }],
    ['Ref', { Ref: 'Queue' }, 'ref(Queue)'],
    ['Fn::GetAtt as a list', { 'Fn::GetAtt': ['Queue', 'Arn'] }, 'att(Queue,Arn)'],
    ['Fn::GetAtt as text', { 'Fn::GetAtt': 'Queue.Arn' }, 'att(Queue,Arn)'],
    ['Fn::ImportValue', { 'Fn::ImportValue': { 'Fn::Join': ['', ['a', 'b']] } }, 'import(ab)'],
    [
      'Fn::GetStackOutput',
      { 'Fn::GetStackOutput': { StackName: 'state', OutputName: { Ref: 'X' }, Region: { Ref: 'AWS::Region' } } },
      'output(state,ref(X))',
    ],
    ['Fn::Join', { 'Fn::Join': ['/', ['a', { Ref: 'B' }, 3]] }, 'a/ref(B)/3'],
    ['Fn::Split and Fn::Select', { 'Fn::Select': [1, { 'Fn::Split': ['(', { Ref: 'B' }] }] }, 'B)'],
    ['Fn::Select by a text index', { 'Fn::Select': ['0', ['a', 'b']] }, 'a'],
    ['Fn::Sub', { 'Fn::Sub': `\${A}-\${B.Arn}-\${!C}-$D` }, `ref(A)-att(B,Arn)-\${C}-$D`],
    ['Fn::Sub with variables', { 'Fn::Sub': [`\${x}\${Y}`, { x: { Ref: 'Z' } }] }, 'ref(Z)ref(Y)'],
    ['deep inside', { a: [{ b: { Ref: 'C' } }] }, { a: [{ b: 'ref(C)' }] }],
    ['AWS::NoValue removes', { a: { Ref: 'AWS::NoValue' }, b: [{ Ref: 'AWS::NoValue' }, 1] }, { b: [1] }],
    ['an object that only has a member named Ref', { Ref: 'x', other: 1 }, { Ref: 'x', other: 1 }],
  ];
  for (const [title, value, resolved] of cases) it(title, () => assert.deepEqual(resolve(value, names), resolved));

  for (const name of ['Fn::If', 'Fn::FindInMap', 'Fn::GetAZs', 'Fn::Transform']) {
    it(`refuses ${name}, however deep`, () => {
      assert.throws(() => resolve({ a: [{ [name]: [] }] }, names), {
        message: `the embedded run does not know the intrinsic function ${name}.`,
      });
    });
  }

  it('refuses to select what is not there', () => {
    assert.throws(() => resolve({ 'Fn::Select': [2, ['a']] }, names), /no element 2/);
  });
});
