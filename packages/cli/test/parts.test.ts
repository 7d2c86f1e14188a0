import { readFileSync } from 'node:fs'
import { parseTrustedRoot } from '@sigstack/trust-root'
import * as fc from 'fast-check'
import t from 'tap'
import { parseEndpoints } from '../src/endpoints.ts'
import { CliError } from '../src/errors.ts'
import { describeTrust } from '../src/presentation/describe-trust.ts'
import { howToLines } from '../src/presentation/how-to.ts'
import { serviceTable } from '../src/presentation/service-table.ts'

const read = (name: string) =>
  readFileSync(new URL(`../../verification/test/vectors/${name}`, import.meta.url))

const endpoints = {
  services: { ca: 'http://127.0.0.1:5555', trust: 'http://127.0.0.1:5559' },
  issuer: 'http://127.0.0.1:5556',
  trust: {
    trustedRoot: '/data/trusted_root.json',
    signingConfig: '/data/s.json',
    clientTrustConfig: '/data/t.json',
  },
}

t.test('endpoints.json is read, and what is not it is refused by the name of the member', async (t) => {
  t.same(parseEndpoints(JSON.stringify({ ...endpoints, more: 1 })), endpoints)
  const wrong: readonly [text: string, complaint: RegExp][] = [
    ['', /is not JSON/],
    ['[]', /the file must be an object/],
    [JSON.stringify({ ...endpoints, issuer: 5 }), /issuer must be a URL or a path/],
    [JSON.stringify({ ...endpoints, services: { ca: null } }), /services.ca must be/],
    [JSON.stringify({ ...endpoints, trust: { trustedRoot: '/x' } }), /trust.signingConfig must be/],
    [' '.repeat(70_000), /too large/],
  ]
  for (const [text, message] of wrong)
    t.throws(() => parseEndpoints(text), { code: 'bad_endpoints', message })
  const names = fc.array(fc.tuple(fc.string(), fc.string({ minLength: 1 })), { minLength: 65, maxLength: 65 })
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        parseEndpoints(text)
      } catch (error) {
        if (!(error instanceof CliError)) throw error
      }
    }),
    { seed: 3 },
  )
  fc.assert(
    fc.property(names, (entries) => {
      const services = Object.fromEntries(entries.map(([name, url], i) => [`${i}${name}`, url]))
      try {
        parseEndpoints(JSON.stringify({ ...endpoints, services }))
        return false
      } catch {
        return true
      }
    }),
    { seed: 3, numRuns: 5 },
  )
})

t.test('names in a trusted root bring no lines of their own', async (t) => {
  const root = parseTrustedRoot(read('roots/public-good.trusted_root.json').toString())
  const [log] = root.tlogs
  if (log === undefined) throw new Error('not this vector')
  const hostile = { ...log, baseUrl: 'https://a.example\n\u001b[2KNothing is trusted.' }
  const text = describeTrust({ ...root, tlogs: [hostile] })
  t.match(text, 'Transparency log https://a.example\\u000a\\u001b[2KNothing is trusted.\n')
})

t.test('the table has a line for each service', async (t) => {
  t.equal(
    serviceTable({ ca: 'http://127.0.0.1:5555', something: 'http://[::1]:1' }),
    '  SERVICE    URL\n' +
      '  ca         http://127.0.0.1:5555  certificate authority (Fulcio API)\n' +
      '  something  http://[::1]:1\n' +
      '  Each but the console and a trial issuer shows its interface at /docs, as http://127.0.0.1:5555/docs\n',
  )
})

t.test('the lines to copy are quoted for the shell and name what they need', async (t) => {
  const options = {
    self: ['/opt/node', "/it's/main.ts"],
    dataFolder: '/var/my data',
    trustUrl: 'http://127.0.0.1:5559',
    caUrl: 'http://127.0.0.1:5555',
    rekorUrl: 'http://127.0.0.1:3000',
    issuer: 'http://127.0.0.1:5556',
    email: 'you@example.org',
  }
  const lines = howToLines({ ...options, ctLog: true })
  t.match(lines, `sigstack() { SIGSTACK_DATA='/var/my data' /opt/node '/it'\\''s/main.ts' "$@"; }\n`)
  t.match(
    lines,
    'sigstack token --email you@example.org > token.jwt\ncurl -fsSO http://127.0.0.1:5559/trusted_root.json\n',
  )
  t.match(lines, '--certificate-oidc-issuer http://127.0.0.1:5556 hello.txt\n')
  t.match(lines, 'cosign initialize --mirror http://127.0.0.1:5559/tuf --root root.json\n')
  t.match(lines, 'subjectAlternativeName: "^you@example\\\\.org$"')
  t.notMatch(lines, /ignore-sct|ctlogThreshold/)

  const without = howToLines({ ...options, ctLog: false })
  t.equal(without.match(/verify-blob --insecure-ignore-sct /g)?.length, 2)
  t.match(without, 'new Verifier(toTrustMaterial(root), { ctlogThreshold: 0 })')
  t.notMatch(without, /sigstore-python/, 'which does not work without an SCT')
})
