/** Every log of a whole stack followed by its next one, by commands: what was signed before and after verifies with the one trusted root. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseCheckpoint } from '@sigstack/checkpoint'
import { toBase64 } from '@sigstack/crypto'
import { parseSctList } from '@sigstack/ct'
import { createLogger } from '@sigstack/server'
import { readConfig, startStack } from '@sigstack/stack'
import { anyPorts } from '@sigstack/stack/testing'
import { embeddedScts } from '@sigstack/x509'
import t from 'tap'
import { parseEndpoints } from '../src/endpoints.ts'
import { selfCheck } from '../src/self-check.ts'
import { runCommand } from './support.ts'
import { startTestStack } from './test-stack.ts'

t.setTimeout(400_000)

const email = 'tester@example.org'

t.test('Rekor v1, Rekor v2 and CT are followed by logs with new keys, while all of them serve', async (t) => {
  const folder = t.testdir({ file: 'hello\n' })
  const data = join(folder, 'data')
  const settings = { SIGSTACK_DATA: data, TRUST_SIGNING_LOG: 'v2', TRUST_REFRESH_SECONDS: '1' }
  const logger = createLogger({ name: 'stack', level: 'silent' })
  const stack = await startTestStack(t, settings, logger)
  const run = (...words: readonly string[]) => runCommand(words, { SIGSTACK_DATA: data })
  const succeed = async (...words: readonly string[]) => {
    const { status, err, out } = await run(...words)
    t.equal(status, 0, `${words.join(' ')}: ${err}`)
    return out
  }
  const file = join(folder, 'file')
  const signed: { readonly bundle: string; readonly issuer: string }[] = []
  /** Who promised to keep the certificate of each. */
  const ctLogIds: string[] = []
  let { issuer } = stack.endpoints
  const sign = async (name: string) => {
    const bundle = join(folder, `${name}.json`)
    const token = (await succeed('token', '--email', email)).trim()
    await succeed('sign-blob', '--identity-token', token, '--bundle', bundle, file)
    signed.push({ bundle, issuer })
    const written = JSON.parse(readFileSync(bundle, 'utf8'))
    ctLogIds.push(ctLogIdOf(Buffer.from(written.verificationMaterial.certificate.rawBytes, 'base64')))
    return written.verificationMaterial.tlogEntries[0]
  }
  const verifyAll = async (root: string) => {
    for (const one of signed)
      await succeed('verify-blob', ...whose(one.issuer), '--trusted-root', root, '--bundle', one.bundle, file)
  }
  const whose = (by: string) => ['--certificate-identity', email, '--certificate-oidc-issuer', by]
  const originOf = (entry: { inclusionProof: { checkpoint: { envelope: string } } }) =>
    parseCheckpoint(entry.inclusionProof.checkpoint.envelope).origin
  const { rekor, 'rekor-v2': rekorV2 = '', ct = '', trust } = stack.endpoints.services
  const text = async (url: string) => (await fetch(url)).text()
  /** What `log rollover --commit` says until the published trust lists the key. */
  const commit = async (log: string) => {
    for (;;) {
      const done = await run('log', 'rollover', '--log', log, '--commit', '--json')
      if (done.status === 0) return JSON.parse(done.out)
      t.match(done.err, /does not list the new key yet/)
      await sleep(100)
    }
  }
  t.equal(originOf(await sign('before')), '127.0.0.1')

  // Names that the next log cannot have.
  for (const [words, err] of [
    [['rekor-v2'], /needs a host name of its own/],
    [['rekor-v2', '--host', 'https://localhost'], /is no host name/],
    [['rekor-v2', '--host', '127.0.0.1'], /is a log of this line already/],
    [['rekor-v2', '--prefix', '/2027'], /needs a host name of its own/],
    ...['2027', '/.', '/..', '/../2027', '/2027/..', '/.2027', '/'].map(
      (prefix) => [['ct', '--prefix', prefix], /is no path for a CT log/] as const,
    ),
    [['ct'], /needs a path of its own/],
    [['no-log', '--host', 'localhost'], /this database holds no log no-log/],
  ] as const)
    t.match(await run('log', 'rollover', '--prepare', '--log', ...words), { status: 1, err })
  t.match(await run('log', 'rollover', '--log', 'ct', '--commit'), {
    status: 1,
    err: /no log is prepared to follow ct/,
  })
  t.match(await run('log', 'rollover', '--log', 'ct', '--same-key'), {
    status: 1,
    err: /has a key of its own/,
  })
  t.match(await run('log', 'rollover', '--prepare', '--host', 'localhost'), {
    status: 1,
    err: /go with --log/,
  })

  await succeed('log', 'rollover', '--prepare')
  await succeed('log', 'rollover', '--prepare', '--log', 'rekor-v2', '--host', 'localhost')
  t.match(await run('log', 'rollover', '--prepare', '--log', 'rekor-v2', '--host', 'other'), {
    status: 1,
    err: /localhost is prepared to come next, and not other/,
  })
  await succeed('log', 'rollover', '--cancel', '--log', 'rekor-v2')
  await succeed('log', 'rollover', '--prepare', '--log', 'rekor-v2', '--host', 'localhost')
  await succeed('log', 'rollover', '--prepare', '--log', 'ct', '--prefix', '/2027')
  t.match(JSON.parse(await text(`${rekorV2}/api/v2/log/shards`)), {
    logs: [
      { origin: '127.0.0.1', state: 'open' },
      { origin: 'localhost', state: 'prepared' },
    ],
  })
  t.equal((await fetch(`${ct}/2027/checkpoint`)).status, 503, 'prepared, and not open yet')

  await commit('rekor-v1')
  t.match(await commit('rekor-v2'), {
    before: { name: 'rekor-v2', origin: '127.0.0.1' },
    next: { name: 'rekor-v2/1', origin: 'localhost' },
  })
  t.match(await commit('ct'), { next: { name: 'ct/2027' } })

  // The process opens them by itself, and the signing config sends clients there.
  const elsewhere = rekorV2.replace('127.0.0.1', 'localhost')
  const isMoved = async () => {
    const { rekorTlogUrls } = JSON.parse(await text(`${trust}/signing_config.v0.2.json`))
    return rekorTlogUrls[0].url === elsewhere ? rekorTlogUrls : undefined
  }
  let urls = await isMoved()
  while (urls === undefined) {
    await sleep(50)
    urls = await isMoved()
  }
  t.match(urls, [
    { url: elsewhere, majorApiVersion: 2 },
    { url: rekorV2, majorApiVersion: 2 },
    { url: rekor, majorApiVersion: 1 },
  ])
  t.equal(urls[0].validFor.start, urls[1].validFor.end, 'one of them is valid at any time')
  while (
    (await fetch(`${elsewhere}/checkpoint`).then(async (answer) => (await answer.text()).split('\n')[0])) !==
    'localhost'
  )
    await sleep(50)
  while ((await fetch(`${ct}/2027/checkpoint`)).status !== 200) await sleep(50)
  const published = JSON.parse(await text(`${trust}/trusted_root.json`))
  t.equal(published.tlogs.length, 4)
  t.equal(published.ctlogs.length, 2)
  t.same(
    published.ctlogs.map(({ baseUrl }: { baseUrl: string }) => baseUrl),
    [ct, `${ct}/2027`],
  )
  t.equal(originOf(await sign('after')), 'localhost')
  const idsOfCtLogs = published.ctlogs.map(({ logId }: { logId: { keyId: string } }) => logId.keyId)
  t.same(ctLogIds, idsOfCtLogs, 'the CA goes to the next CT log by itself')
  // Whichever of them is closed meanwhile, the other takes the certificates.
  for (const [log, other] of [
    ['ct/2027', 0],
    ['ct', 1],
  ] as const) {
    const signing = [sign(`while-${other}-a`), sign(`while-${other}-b`)]
    await succeed('log', 'mode', 'read-only', '--log', log)
    await Promise.all(signing)
    await sign(`without-${other}`)
    t.equal(ctLogIds.at(-1), idsOfCtLogs[other])
    await succeed('log', 'mode', 'open', '--log', log)
  }

  // Both read sides are served, whatever the way to them; the one before is ended when nobody writes to it any more.
  const origins = async (...at: readonly string[]) =>
    Promise.all(at.map(async (url) => (await text(`${url}/checkpoint`)).split('\n')[0]))
  t.same(
    await origins(
      rekorV2,
      elsewhere,
      `${elsewhere}/api/v2`,
      `${rekorV2}/shards/localhost`,
      `${elsewhere}/shards/127.0.0.1`,
    ),
    ['127.0.0.1', 'localhost', 'localhost', 'localhost', '127.0.0.1'],
  )
  t.equal((await fetch(`${rekorV2}/shards/nobody/checkpoint`)).status, 404)
  t.not(await text(`${rekorV2}/publicKey`), await text(`${elsewhere}/publicKey`))
  const tiles = [await text(`${rekorV2}/tile/0/000.p/1`), await text(`${elsewhere}/tile/0/000.p/1`)]
  t.not(tiles[0], tiles[1])
  await succeed('log', 'freeze', '--log', 'rekor-v2', '--yes')
  const refused = await fetch(`${rekorV2}/api/v2/log/entries`, {
    method: 'POST',
    body: requestOf(signed[0]?.bundle ?? ''),
  })
  t.equal(refused.status, 405)
  t.match(await text(`${rekorV2}/checkpoint`), /^127\.0\.0\.1\n[0-9]+\n.+\nLog frozen — /)
  t.equal(await selfCheck(parseEndpoints(JSON.stringify(stack.endpoints))), undefined, 'in the newest')

  for (const log of ['rekor-v1', 'rekor-v2', 'rekor-v2/1', 'ct', 'ct/2027'])
    t.match(JSON.parse(await succeed('log', 'audit', '--log', log, '--quiet', '--json')), {
      verdict: 'sound',
    })
  const backup = join(folder, 'backup')
  for (const log of ['rekor-v2', 'rekor-v2/1', 'ct/2027'])
    await succeed('log', 'backup', '--log', log, '--quiet', backup)
  await succeed('log', 'reindex', '--log', 'rekor-v2/1', '--quiet')
  const found = JSON.parse(await text(`${rekor}/api/v1/search?email=${encodeURIComponent(email)}`))
  t.same(
    found.entries.map((entry: { log: string; origin: string }) => [entry.log, entry.origin]),
    [...signed.slice(1).map(() => ['rekor-v2/1', 'localhost']), ['rekor-v2', '127.0.0.1']],
    'newest first',
  )

  // So does the CA of a process that starts with both.
  await succeed('log', 'mode', 'read-only', '--log', 'ct')
  await stack.stop()
  const again = await startStack(readConfig({ ...anyPorts, ...settings }), { logger })
  issuer = again.endpoints.issuer
  t.teardown(() => again.stop())
  t.equal(originOf(await sign('later')), 'localhost')
  const root = join(folder, 'trusted_root.json')
  await succeed('trust', 'export', '--out', folder)
  await verifyAll(root)
  await again.stop()
  await verifyAll(root)
})

/** Log ID of the only SCT of a certificate, base64. */
function ctLogIdOf(certificate: Uint8Array): string {
  const [sct, ...more] = parseSctList(embeddedScts(certificate) ?? new Uint8Array())
  if (sct === undefined || more.length > 0) throw new Error('the certificate has not one SCT')
  return toBase64(sct.logId)
}

/** The entry of a bundle, sent once more. */
function requestOf(bundle: string): string {
  const { verificationMaterial, messageSignature } = JSON.parse(readFileSync(bundle, 'utf8'))
  return JSON.stringify({
    hashedRekordRequestV002: {
      digest: messageSignature.messageDigest.digest,
      signature: {
        content: messageSignature.signature,
        verifier: {
          x509Certificate: verificationMaterial.certificate,
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        },
      },
    },
  })
}
