import t from 'tap'
import { html, textOf } from '../src/html/html.ts'

const written = (...parts: Parameters<typeof html>) => textOf(html(...parts))

t.test('a text stays a text, wherever it stands', async (t) => {
  const bad = `"><script>alert(1)</script>'&`
  t.equal(written`<p>${bad}</p>`, '<p>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;</p>')
  t.equal(
    written`<p title="a ${bad}">`,
    '<p title="a &quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;">',
  )
})

t.test('what cannot be seen, or turns a text around, is seen; lines and tabs stay', async (t) => {
  t.equal(written`<b>${'a\u202eb'}</b>`, '<b>a<span class="odd">U+202E</span>b</b>')
  t.equal(written`<b title="${'a\u200bb\u0007'}">`, '<b title="aU+200BbU+0007">')
  t.equal(written`<pre>${'a\n\tb\ud800'}</pre>`, '<pre>a\n\tb<span class="odd">U+D800</span></pre>')
})

t.test('an address leads to this site or the web, or nowhere', async (t) => {
  for (const address of [
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'data:text/html,x',
    '//evil.example',
    '/\\evil.example',
    'x',
  ])
    t.equal(written`<a href="${address}">`, '<a href="#">', address)
  for (const address of [
    '/entry/1',
    '?q=1',
    '#main',
    'https://a.example/',
    'http://a.example/',
    'mailto:a@b.example',
  ])
    t.equal(written`<a href="${address}">`, `<a href="${address}">`, address)
  t.equal(written`<a href="/search?q=${'javascript:'}">`, '<a href="/search?q=javascript:">')
})

t.test('markup is put together, and nothing else is taken for it', async (t) => {
  t.equal(
    written`<ul>${[1, 2n].map((n) => html`<li>${n}</li>`)}${false}${undefined}</ul>`,
    '<ul><li>1</li><li>2</li></ul>',
  )
  t.equal(written`<details${html` open`}${false} class="${'a'}">`, '<details open class="a">')
  t.throws(() => textOf({} as ReturnType<typeof html>), /made by html alone/)
  t.throws(() => textOf({ ...html`<b>` }), /made by html alone/)
})

t.test('a hole where nothing can be escaped is a fault of the template', async (t) => {
  t.throws(() => html`<p class=${'a'}>`, /hole/)
  t.throws(() => html`<p onclick="${'a'}">`, /hole/)
  t.throws(() => html`<p style="${'a'}">`, /hole/)
  t.throws(() => html`<script>${'a'}</script>`, /hole/)
  t.throws(() => html`<p ${'a'}>`, /among attributes/)
  t.throws(() => html`<p title="${html`<b>`}">`, /attribute/)
})
