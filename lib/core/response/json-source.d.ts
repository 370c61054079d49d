/** What TypeScript's own library does not know yet: https://github.com/tc39/proposal-json-parse-with-source. */
interface JSON {
  parse(
    text: string,
    reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): ReturnType<JSON['parse']>;
  /** A value that `stringify` writes as this text, which must be a JSON primitive. */
  rawJSON(text: string): object;
}
