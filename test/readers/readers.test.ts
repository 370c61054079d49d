import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { csv, jsonLines, text, xml } from '../../lib/readers/index.ts';

describe('JSON lines', () => {
  const read = jsonLines();

  it('are one value each, with either line break, and all digits', () => {
    assert.deepEqual(read('{"id":1}\r\n{"id":12345678901234567890}\n\n'), [{ id: 1 }, { id: 12345678901234567890n }]);
    assert.deepEqual(read(''), []);
  });

  it('that break off, or have a name twice, cannot be read', () => {
    assert.throws(() => read('{"id":1}\n{"id":'), /line 2 is no JSON/);
    assert.throws(() => read('{"id":1,"id":2}'), /line 1 has "id" more than once/);
  });
});

describe('CSV', () => {
  const read = csv({ columns: ['id', 'note'] });

  it('is read as RFC 4180 has it', () => {
    assert.deepEqual(read('id,note,more\r\n01,"a, ""b""\r\nc",\r\n'), [{ id: '01', note: 'a, "b"\r\nc', more: '' }]);
    assert.deepEqual(read('id,note\n'), []);
    assert.deepEqual(read(''), []);
  });

  it('may be separated by tabs, and come without a header', () => {
    const bare = csv({ columns: ['id', 'note'], delimiter: '\t', header: false });
    assert.deepEqual(bare('1\ta\n2\tb'), [
      { id: '1', note: 'a' },
      { id: '2', note: 'b' },
    ]);
  });

  it('is not anything else: an error in JSON, a sentence, a file that is cut off', () => {
    for (const body of ['{"error":"quota"}', 'Please try again later', 'id,other\n1,2', 'id,note,id\n1,2,3'])
      assert.throws(() => read(body), /header must have|Quote/, body);
    assert.throws(() => read('id,note\n1,a\n2'), /line 3/);
    assert.throws(() => read('id,note\n1,"a'), /quote/i);
  });
});

describe('XML', () => {
  const read = xml({ lists: ['row'] });

  it('keeps texts as they are, and a list is one with a single element, too', () => {
    assert.deepEqual(
      read(
        '<?xml version="1.0"?><rows total="1"><row id="007"><n>1e3</n><t>a &amp; b&#233;<![CDATA[<c>]]></t></row></rows>',
      ),
      {
        rows: { '@total': '1', row: [{ '@id': '007', n: '1e3', t: 'a & bé<c>' }] },
      },
    );
  });

  it('that breaks off cannot be read, and the message says where', () => {
    assert.throws(() => read('<rows>\n<row><n>1</n>'), /breaks at line \d+, column \d+/);
    assert.throws(() => read(''), /XML/);
  });

  it('has no entities of its own', () => {
    const bomb = '<!DOCTYPE a [<!ENTITY x "xxxxxxxx">]><a>&x;</a>';
    assert.throws(() => read(bomb), /no document type/);
    assert.deepEqual(read('<a>&x;</a>'), { a: '&x;' });
  });
});

it('each writes what it reads, for an API that is simulated', () => {
  const rows = [{ id: '1', note: 'a "b", c\n' }];
  const bodies = [
    [jsonLines(), rows],
    [csv({ columns: ['id'] }), rows],
    [csv({ columns: ['id', 'note'], header: false, delimiter: ';' }), rows],
    [xml({ lists: ['row'] }), { rows: { row: [{ id: '1' }, { id: '2' }] } }],
    [text(), 'abc'],
  ] as const;
  for (const [reader, body] of bodies) assert.deepEqual(reader(reader.write?.(body) ?? assert.fail()), body);
});

it('a text is itself', () => assert.equal(text()('abc'), 'abc'));
