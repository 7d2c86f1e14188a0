import { readFileSync } from 'node:fs'
import t from 'tap'
import { readProxyRules } from '../src/index.ts'

type Vectors = {
  readonly urls: readonly string[]
  readonly cases: readonly {
    readonly environment: Readonly<Record<string, string>>
    readonly proxy: string | null
    readonly proxied: readonly string[]
  }[]
}
const vectors = JSON.parse(readFileSync(new URL('vectors/go-proxy.json', import.meta.url), 'utf8')) as Vectors

t.test('every request goes the way that Go would send it', async (t) => {
  for (const { environment, proxy, proxied } of vectors.cases) {
    const rules = readProxyRules(environment)
    const through = (url: string) => rules.proxyFor(new URL(url))
    const name = JSON.stringify(environment)
    t.same(
      vectors.urls.filter((url) => through(url) !== undefined),
      proxied,
      name,
    )
    for (const url of proxied) t.equal(through(url), URL.parse(proxy ?? '')?.href, name)
  }
})

t.test('no spelling of this machine goes through a proxy', async (t) => {
  const rules = readProxyRules({ HTTP_PROXY: 'http://proxy.example', HTTPS_PROXY: 'proxy.example' })
  for (const host of [
    'localhost.',
    'LOCALHOST',
    'stack.localhost',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:0:0:1]',
    '0.0.0.0',
    '[::]',
  ])
    for (const scheme of ['http', 'https'])
      t.equal(rules.proxyFor(new URL(`${scheme}://${host}:1/`)), undefined, host)
  for (const host of ['localhost.example', 'notlocalhost', '128.0.0.1', '[::2]', '[2001:db8::1]'])
    t.ok(rules.proxyFor(new URL(`http://${host}/`)), host)
})

t.test('a value that names no proxy is complained of where it is needed, without its secrets', async (t) => {
  for (const value of ['ftp://u:secret@p', 'http://', 'u:secret@p:port', 'http://u:secret@']) {
    const rules = readProxyRules({ HTTPS_PROXY: value })
    t.equal(rules.proxyFor(new URL('https://127.0.0.1/')), undefined)
    t.equal(rules.proxyFor(new URL('http://rekor.example/')), undefined)
    t.throws(() => rules.proxyFor(new URL('https://rekor.example/')), {
      message:
        'HTTPS_PROXY must be the URL of a proxy (http, https or socks5), such as http://proxy.example.com:3128',
    })
  }
})
