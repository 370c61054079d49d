import assert from 'node:assert/strict';
import { it } from 'node:test';
import { html } from '../../../bin/cli/html.ts';

it('what is put into HTML is text, unless it is HTML itself', () => {
  const [evil, escaped] = [`<b>"&'`, '&#60;b&#62;&#34;&#38;&#39;'];
  assert.equal(html`<p title="${evil}">${evil}</p>`.text, `<p title="${escaped}">${escaped}</p>`);
  assert.equal(
    html`<ul>${[html`<li>${1}</li>`, html`<li>${'<'}</li>`]}</ul>`.text,
    '<ul><li>1</li><li>&#60;</li></ul>',
  );
});
