/** Text that is HTML already. */
export class HtmlText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type HtmlPart = string | number | HtmlText | readonly HtmlText[];

/** HTML by a template: what is put into it is text, and is escaped, unless it is HTML itself. */
export const html = (strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): HtmlText =>
  new HtmlText(strings.map((text, index) => text + written(parts[index] ?? '')).join(''));

function written(part: HtmlPart): string {
  if (part instanceof HtmlText) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return String(part).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
