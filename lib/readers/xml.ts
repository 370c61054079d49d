import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';
import type { BodyReader } from '../core/response/body.ts';

export type XmlOptions = {
  /** Names of elements that may come more than once: each is a list, also where it comes once. */
  lists: readonly string[];
};

/**
 * XML. The body is an object with the root element: an element with nothing but text is that text; attributes are fields named `@…`, the text
 * beside them is `#text`. Nothing is taken for a number. Namespace prefixes stay. A document type, and with it any entity of its own, is refused.
 */
export function xml({ lists }: XmlOptions): BodyReader {
  const names = new Set(lists);
  const parser = new XMLParser({
    ...ATTRIBUTES,
    parseTagValue: false,
    parseAttributeValue: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    htmlEntities: true,
    isArray: (name) => names.has(name),
  });
  const builder = new XMLBuilder({ ...ATTRIBUTES });
  const read = (body: string): unknown => {
    if (/<!DOCTYPE/i.test(body)) throw new Error('XML must have no document type');
    const valid = XMLValidator.validate(body);
    if (valid !== true)
      throw new Error(`the XML breaks at line ${valid.err.line}, column ${valid.err.col}: ${valid.err.msg}`);
    return parser.parse(body);
  };
  return Object.assign(read, { write: (body: unknown) => builder.build(body) });
}

const ATTRIBUTES = { ignoreAttributes: false, attributeNamePrefix: '@' } as const;
