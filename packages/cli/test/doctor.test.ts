/** What the doctor finds, and what it says to do. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import { join } from 'node:path'
import {
  encodeSigningConfig,
  parseSigningConfig,
  parseTrustedRoot,
  type TrustedRoot,
} from '@sigstack/trust-root'
import t, { type Test } from 'tap'
import { caCertificate, serveHttps } from '../../../services/oidc-proxy/test/servers.ts'
import { checkPieces, checkTrustedRoot } from '../src/doctor/check-trust.ts'
import type { Finding } from '../src/doctor/finding.ts'
import { startRegistry } from './registries.ts'
import { runCommand } from './support.ts'

t.setTimeout(300_000)

const vector = (name: string): string =>
  readFileSync(new URL(`../../verification/test/vectors/roots/${name}`, import.meta.url), 'utf8')
const publicRoot = vector('public-good.trusted_root.json')
const root = parseTrustedRoot(publicRoot)
const config = parseSigningConfig(vector('public-good.signing_config.v0.2.json'))
const now = new Date('2026-06-01T00:00:00Z')

const found = (findings: readonly Finding[], status: string): string =>
  findings.flatMap((each) => (each.status === status ? `${each.found}: ${each.advice}` : [])).join('\n')

t.test('trust that suffices is well, and what is missing or has ended is named', (t) => {
  t.equal(found(checkTrustedRoot(root, now), 'failed'), '')
  t.match(
    found(checkTrustedRoot(root, now), 'ok'),
    /transparency log "https:\/\/rekor.sigstore.dev", key PKIX_ECDSA/,
  )
  const nothing: TrustedRoot = { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] }
  t.match(found(checkTrustedRoot(nothing, now), 'failed'), /no certificate authority/)
  t.match(
    found(checkTrustedRoot(nothing, now), 'warning'),
    /no transparency log: --insecure-ignore-tlog[^]*no certificate log/,
  )
  const later = new Date('2040-01-01T00:00:00Z')
  t.match(found(checkTrustedRoot(root, later), 'failed'), /expired at 2031-.*ca rotate/)
  const [authority] = root.certificateAuthorities.filter(({ validFor }) => validFor.end === undefined)
  const soon = { ...nothing, certificateAuthorities: [authority!] }
  t.match(found(checkTrustedRoot(soon, new Date('2031-09-30T00:00:00Z')), 'warning'), /expires at 2031-10/)
  const ended = {
    ...root,
    tlogs: root.tlogs.map((log) => ({ ...log, validFor: { ...log.validFor, end: new Date(0) } })),
  }
  t.match(
    found(checkTrustedRoot(ended, now), 'failed'),
    /every transparency log of it has an end that has passed: .*refresh/,
  )
  t.match(
    found(checkTrustedRoot(root, new Date('2000-01-01T00:00:00Z')), 'warning'),
    /begins at .*clock of this machine/,
  )

  t.equal(found(checkPieces(root, config, now), 'warning'), '')
  const unlisted = { ...config, rekorTlogUrls: [{ url: 'https://log.example', majorApiVersion: 1 }] }
  t.match(
    found(checkPieces(root, unlisted, now), 'warning'),
    /the log "https:\/\/log.example" signs, and is not in the trusted root/,
  )
  t.match(
    found(checkPieces(root, { ...config, caUrls: [] }, now), 'warning'),
    /no certificate authority to sign with/,
  )
  t.end()
})

/** A profile whose services are all at `url`. */
function trusting(folder: string, url: string): void {
  const service = [{ url, majorApiVersion: 1 }]
  const text = encodeSigningConfig({
    caUrls: service,
    oidcUrls: service,
    rekorTlogUrls: service,
    tsaUrls: [],
  })
  writeFileSync(
    join(folder, 'config.json'),
    `{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json","trustedRoot":${publicRoot},"signingConfig":${text}}`,
  )
}

async function startService(t: Test, date?: Date) {
  const server = createServer((_, response) => {
    if (date !== undefined) response.setHeader('date', date.toUTCString())
    response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function examined(
  t: Test,
  url: string,
  environment: Record<string, string>,
  ...words: readonly string[]
) {
  const HOME = t.testdir()
  trusting(HOME, url)
  const kept = await runCommand(['init', '--yes', join(HOME, 'config.json')], { HOME })
  t.equal(kept.status, 0, kept.err)
  const { status, out } = await runCommand(['doctor', '--json', ...words], {
    HOME,
    DOCKER_CONFIG: '/nowhere',
    ...environment,
  })
  const told = JSON.parse(out) as { readonly ok: boolean; readonly findings: readonly Finding[] }
  t.equal(status, told.ok ? 0 : 1)
  return told
}

t.test('services, clock, proxy, own CA and token are looked at', async (t) => {
  const well = await examined(t, await startService(t), {})
  t.equal(well.ok, true, JSON.stringify(well))
  t.match(found(well.findings, 'ok'), /certificate authority .* answers, without TLS/)
  t.match(found(well.findings, 'ok'), /agrees with this machine's/)
  t.match(found(well.findings, 'skipped'), /SIGSTORE_ID_TOKEN is not set/)

  const late = await examined(t, await startService(t, new Date(Date.now() + 3_600_000)), {})
  t.match(found(late.findings, 'failed'), /this machine is \d{4} s behind 127.0.0.1:\d+: Set the clock/)

  // Who connects is sent away.
  const closed = createNetServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(closed, 'listening')
  t.teardown(() => closed.close())
  const gone = await examined(t, `http://127.0.0.1:${(closed.address() as AddressInfo).port}`, {})
  t.match(found(gone.findings, 'failed'), /transparency log .* does not answer: .*: .*proxy to be set/)

  const around = {
    HTTPS_PROXY: 'http://proxy.example:3128',
    NODE_EXTRA_CA_CERTS: '/nowhere.pem',
    SIGSTORE_ID_TOKEN: 'a.b.c',
  }
  const offline = await examined(t, 'https://ca.example', around, '--offline')
  t.match(found(offline.findings, 'ok'), /https:\/\/ca.example is asked through the proxy proxy.example:3128/)
  t.match(
    found(offline.findings, 'failed'),
    /NODE_EXTRA_CA_CERTS: cannot read[^]*the identity token: .*Web Token/,
  )
  t.match(found(offline.findings, 'skipped'), /no connections are to be made/)

  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 3600
  const claims = {
    iss: 'https://other.example',
    sub: 's',
    aud: 'elsewhere',
    exp,
    email: 'a@example.org',
    email_verified: true,
  }
  const token = `${part({ alg: 'RS256' })}.${part(claims)}.${part({})}`
  const other = await examined(t, 'https://ca.example', { SIGSTORE_ID_TOKEN: token }, '--offline')
  t.match(found(other.findings, 'failed'), /it is for "elsewhere", and the CA takes those for "sigstore"/)
  t.match(found(other.findings, 'warning'), /its issuer is not among those/)
})

t.test('who trusts nobody is told how to begin, in words and in a status', async (t) => {
  const environment = { HOME: t.testdir(), SIGSTACK_DATA: join(t.testdirName, 'none') }
  const { status, out, err } = await runCommand(['doctor'], environment)
  t.match({ status, err }, { status: 1, err: '' })
  t.match(out, /^trust\n {2}failed {3}no instance is trusted here.*\n {11}sigstack init URL trusts one/)
})

t.test('a registry is tried: pull, push, attach, list, delete', async (t) => {
  const url = await startService(t)
  for (const referrersApi of [true, false]) {
    const registry = await startRegistry(t, { referrersApi })
    const { tag } = await registry.push('app')
    const before = [registry.manifests.size, registry.tags.size]
    const told = await examined(t, url, {}, tag)
    t.equal(told.ok, true, JSON.stringify(told))
    const well = found(told.findings, 'ok')
    t.match(well, /pull: .* gives sha256:[^]*push: [^]*attach: what was attached is listed/)
    t.match(well, referrersApi ? /the registry lists them itself/ : /kept under tags like sha256-/)
    t.match(well, /delete: what was pushed is gone again/)
    t.same([registry.manifests.size, registry.tags.size], before, 'nothing stays')
    registry.asked.length = 0
    const read = await examined(t, url, {}, tag, '--no-push')
    t.match(found(read.findings, 'skipped'), /were not tried/)
    t.notOk(
      registry.lines().some((line) => !/^(GET|HEAD) /.test(line)),
      'it is only read',
    )
  }
})

t.test('what a registry does not allow is told with what to do', async (t) => {
  const url = await startService(t)
  const answers = { status: 200, matches: (line: string) => line === '', type: 'text/html' }
  const registry = await startRegistry(t, {
    referrersApi: true,
    intercept: (request, response) => {
      if (!answers.matches(`${request.method} ${request.url}`)) return false
      response
        .writeHead(answers.status, { 'content-type': answers.type })
        .end('{"schemaVersion":2,"manifests":[]}')
      return true
    },
  })
  const { tag } = await registry.push('app')
  const examine = async (matches: (line: string) => boolean, status: number) => {
    Object.assign(answers, { matches, status })
    return (await examined(t, url, {}, tag)).findings
  }
  const page = await examine((line) => line.startsWith('GET') && line.includes('/referrers/'), 200)
  t.match(
    found(page, 'warning'),
    /the list has the content type "text\/html", not .*: Tools pass over such a list/,
  )
  const noPush = await examine((line) => line.startsWith('POST'), 403)
  t.match(found(noPush, 'failed'), /^push: .* answers 403 .*: Signing needs the right to push/)
  const noPull = await examine((line) => line.includes('/manifests/'), 404)
  t.match(found(noPull, 'failed'), /^pull: .*404/)
  const noDelete = await examine((line) => line.startsWith('DELETE'), 405)
  t.match(
    found(noDelete, 'warning'),
    /^delete: .*405.*: clean will not work here, and what was pushed stays: .*app@sha256:/m,
  )
  t.match(found(noDelete, 'failed'), '', 'that fails nothing')
})

t.test(
  'the certificate of a registry that is from a private CA is named, and taken where the CA is given',
  async (t) => {
    const url = await startService(t)
    const port = await serveHttps(t, (_, response) => response.writeHead(404).end('{}'))
    const place = `127.0.0.1:${port}/app`
    const unknown = await examined(t, url, {}, place)
    t.match(
      found(unknown.findings, 'failed'),
      /^pull: .*if its certificate is from your own CA, give that with --registry-cacert/,
    )
    const ca = join(t.testdirName, '..', 'doctor-ca.pem')
    writeFileSync(ca, caCertificate)
    const known = await examined(t, url, {}, place, '--registry-cacert', ca)
    t.match(found(known.findings, 'ok'), /pull: there is no 127.0.0.1:\d+\/app yet/)
  },
)
