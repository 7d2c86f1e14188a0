import { readFileSync } from 'node:fs'
import type { Service, SigningConfig } from '@sigstack/trust-root'
import * as fc from 'fast-check'
import t from 'tap'
import {
  CliError,
  howToLines,
  parseEndpoints,
  readBundle,
  selectServices,
  serviceTable,
} from '../src/index.ts'
import { demandVerifier } from '../src/verification/entry-binding.ts'
import { parseIdentityPolicy } from '../src/verification/identity-policy.ts'
import { verifyBundle } from '../src/verification/verify-bundle.ts'

const read = (name: string) => readFileSync(new URL(`./vectors/${name}`, import.meta.url))
const goodBundle = read('conformance/happy-path-v0.3-new-mediaType/bundle.sigstore.json').toString()

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

t.test('services are chosen by window, version, age and operator', async (t) => {
  const now = new Date('2026-01-15T00:00:00Z')
  const service = (url: string, start: string, more: Partial<Service> = {}): Service => ({
    url,
    majorApiVersion: 1,
    validFor: { start: new Date(start) },
    ...more,
  })
  const config: SigningConfig = {
    caUrls: [service('old', '2025-01-01'), service('new', '2026-01-01'), service('future', '2027-01-01')],
    oidcUrls: [],
    rekorTlogUrls: [
      service('v2', '2026-01-10', { majorApiVersion: 2 }),
      service('ended', '2026-01-05', {
        validFor: { start: new Date('2025-01-01'), end: new Date('2026-01-14') },
      }),
      service('a', '2025-01-01', { operator: 'a' }),
      service('a again', '2024-01-01', { operator: 'a' }),
      service('b', '2025-06-01', { operator: 'b' }),
    ],
    tsaUrls: [service('tsa', '2025-01-01')],
    rekorTlogConfig: { selector: 'ANY' },
  }
  t.same(selectServices(config, now), { caUrl: 'new', rekorUrls: ['b'], tsaUrls: [] })
  const all = selectServices(
    { ...config, rekorTlogConfig: { selector: 'ALL' }, tsaConfig: { selector: 'ANY' } },
    now,
  )
  t.same(all, { caUrl: 'new', rekorUrls: ['b', 'a'], tsaUrls: ['tsa'] })
  const exact = (count: number) =>
    selectServices({ ...config, rekorTlogConfig: { selector: 'EXACT', count } }, now)
  t.same(exact(2).rekorUrls, ['b', 'a'])
  t.throws(() => exact(3), { code: 'bad_trust', message: /demands 3.*only 2/ })
  t.throws(() => selectServices({ ...config, caUrls: [] }, now), { code: 'bad_trust' })
  t.throws(() => selectServices({ ...config, rekorTlogUrls: [] }, now), { code: 'bad_trust' })
  const atTheEnd = { start: new Date('2025-01-01'), end: now }
  t.equal(selectServices({ ...config, caUrls: [service('x', '', { validFor: atTheEnd })] }, now).caUrl, 'x')
})

t.test('a bundle with a member that nobody knows is refused by its name', async (t) => {
  const change = (edit: (bundle: Record<string, unknown>) => void) => {
    const bundle: Record<string, unknown> = JSON.parse(goodBundle)
    edit(bundle)
    return () => readBundle(JSON.stringify(bundle))
  }
  t.doesNotThrow(change(() => {}))
  t.throws(
    change((b) => Object.assign(b, { extra: 1 })),
    { code: 'bad_bundle', message: /extra is not a known member/ },
  )
  t.throws(
    change((b) => Object.assign(b['verificationMaterial'] as object, { certificatte: { rawBytes: 'AA==' } })),
    { message: /verificationMaterial.certificatte/ },
  )
  const digest = { length: 1e9 }
  t.throws(
    change((b) => Object.assign(b, { messageSignature: { messageDigest: { digest }, signature: '' } })),
    { code: 'bad_bundle', message: /length is not a known member/ },
    'nobody has a gigabyte made by a few bytes',
  )
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        readBundle(text)
        return false
      } catch (error) {
        return error instanceof CliError
      }
    }),
    { seed: 5 },
  )
})

t.test('no change of one character lets a bundle verify', async (t) => {
  const policy = parseIdentityPolicy({ certificateIdentityRegexp: '.*', certificateOidcIssuerRegexp: '.*' })
  const artifact = { bytes: read('conformance/a.txt') }
  const trustedRoot = read('roots/public-good.trusted_root.json').toString()
  // A Rekor v1 log may sign its checkpoints under any name.
  const contentOf = (bundle: unknown) => JSON.stringify(bundle).replace(/— \S+ /, '— ')
  const original = contentOf(readBundle(goodBundle))
  await fc.assert(
    fc.asyncProperty(
      fc.nat(goodBundle.length - 1),
      fc.constantFrom('0', 'A', 'z', '"', '{'),
      async (at, character) => {
        const text = goodBundle.slice(0, at) + character + goodBundle.slice(at + 1)
        try {
          const bundle = readBundle(text)
          await verifyBundle({ bundle, artifact, trustedRoot, signer: { policy } })
          // White space, or bits that base64 does not use: the same bundle as before. The top-level index alone is
          // bound by the promise of the log.
          return contentOf(bundle) === original
        } catch (error) {
          return error instanceof CliError
        }
      },
    ),
    { seed: 11, numRuns: 250 },
  )
  t.pass()
})

t.test('a log entry for another certificate is refused', async (t) => {
  const { verificationMaterial } = readBundle(goodBundle)
  const [entry] = verificationMaterial.tlogEntries
  if (entry === undefined || verificationMaterial.content.$case !== 'certificate')
    throw new Error('not this vector')
  const { rawBytes } = verificationMaterial.content.certificate
  t.doesNotThrow(() => demandVerifier(entry, rawBytes))
  t.throws(() => demandVerifier(entry, rawBytes.subarray(1)), {
    code: 'not_verified',
    message: /another certificate/,
  })
  const unknown = { ...entry, canonicalizedBody: Buffer.from('{"kind":"rekord","apiVersion":"0.0.1"}') }
  t.throws(() => demandVerifier(unknown, rawBytes), {
    code: 'not_verified',
    message: /rekord 0.0.1 are not supported/,
  })
})

t.test('the table has a line for each service', async (t) => {
  t.equal(
    serviceTable({ ca: 'http://127.0.0.1:5555', something: 'http://[::1]:1' }),
    '  SERVICE    URL\n' +
      '  ca         http://127.0.0.1:5555  certificate authority (Fulcio API)\n' +
      '  something  http://[::1]:1\n',
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
