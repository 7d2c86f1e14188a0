/** The verdict over the page, for the bundle of an entry that a console made itself. */
import { sha256Hex, utf8 } from '@sigstack/crypto'
import t from 'tap'
import { openConsole, openLog, signedEntry } from './workshop.ts'

t.test('a verdict says who signed, and is no approval where nobody was expected', async (t) => {
  const { body, root } = await signedEntry('alice!example.org')
  const log = await openLog(t, [{ body }, { body: { kind: 'rekord', apiVersion: '0.0.1', spec: {} } }], {
    roots: [root],
  })
  const { url } = await openConsole(t, log)
  const bundle = await (await fetch(`${url}/entry/0/bundle`)).text()
  const digest = sha256Hex(utf8('what is signed\n'))
  const ask = async (more: Record<string, string>) => {
    const answer = await fetch(`${url}/verify`, {
      method: 'POST',
      headers: { accept: 'text/html' },
      body: new URLSearchParams({ bundle, digest, identity: '', issuer: '', key: '', ...more }),
    })
    const text = await answer.text()
    t.equal(answer.status, 200)
    return { state: /class="verdict (\w+)"/.exec(text)?.[1], text }
  }
  const expected = { identity: 'alice!example.org', issuer: 'https://issuer.example' }
  const good = await ask(expected)
  t.equal(good.state, 'verified')
  t.match(good.text, /data-check="inclusion"><td><span class="state verified"/)
  const nobody = await ask({})
  t.equal(nobody.state, 'signed')
  t.match(nobody.text, 'anybody can sign')
  t.equal((await ask({ ...expected, identity: 'bob!example.org' })).state, 'failed')
  t.equal((await ask({ ...expected, issuer: '' })).state, 'failed', 'half of an expectation is none')
  t.equal((await ask({ ...expected, digest: sha256Hex('other') })).state, 'failed')
  t.equal((await ask({ ...expected, digest: 'x' })).state, 'failed')
  t.equal((await ask({ ...expected, bundle: '<script>' })).state, 'failed')
  t.equal((await ask({ ...expected, key: 'no key' })).state, 'failed')

  const changed = JSON.parse(bundle)
  const [entry] = changed.verificationMaterial.tlogEntries
  entry.integratedTime = String(Number(entry.integratedTime) + 1)
  const other = await ask({ ...expected, bundle: JSON.stringify(changed) })
  t.equal(other.state, 'failed')
  t.match(other.text, /data-check="promise"><td><span class="state failed"/)
  t.match(other.text, /data-check="inclusion"><td><span class="state verified"/)
})

t.test("what is no form is nobody's fault but of who sent it", async (t) => {
  const { url } = await openConsole(t, await openLog(t, []))
  const send = async (body: string, type: string) =>
    (await fetch(`${url}/verify`, { method: 'POST', headers: { 'content-type': type }, body })).status
  t.equal(await send('{}', 'application/json'), 200)
  t.equal(await send('x', 'text/html'), 415)
  t.equal(await send('a&'.repeat(101), 'application/x-www-form-urlencoded'), 400, 'too many fields')
  t.equal(await send('a=%e4&&=&b=c=d+%zz', 'application/x-www-form-urlencoded'), 200)
  t.equal(await send(`bundle=${'x'.repeat(5 * 1024 * 1024)}`, 'application/x-www-form-urlencoded'), 413)
})
