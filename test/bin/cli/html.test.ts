import assert from 'node:assert/strict';
import { it } from 'node:test';
import { html } from '../../../bin/cli/html.ts';

it('what is put into HTML is text, unless it is HTML itself', () => {
  const evil = `<script>"&'`;
  assert.equal(html`<p title="${evil}">${evil}</p>`.text.match(/[<>"'&](?!#\d+;|\/?p)/g)?.join(''), `">`);
  assert.equal(
    html`<ul>${[html`<li>${1}</li>`, html`<li>${'<'}</li>`]}</ul>`.text,
    '<ul><li>1</li><li>&#60;</li></ul>',
  );
});
