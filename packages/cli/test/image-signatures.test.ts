/** Images signed and verified with keys: no stack, one registry. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { utf8 } from '@sigstack/crypto'
import { createRegistryClient, digestOf, encodeManifest, parseReference } from '@sigstack/oci'
import t from 'tap'
import { startRegistry } from './registries.ts'
import { program, quickKey, runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/${name}`, import.meta.url))
const privateKey = await quickKey(t, 'cosign-3.1.3-p256.key')
const publicKey = key('cosign-3.1.3-p256.pub')
const otherKey = await quickKey(t, 'cosign-3.1.3-p384.key')
const otherPublicKey = key('cosign-3.1.3-p384.pub')
const predicateType = 'https://sigstore.dev/cosign/sign/v1'
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'

const run = (...words: readonly string[]) =>
  runCommand(words, { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' })
const sign = (...words: readonly string[]) =>
  run('sign', '--key', privateKey, '--tlog-upload=false', ...words)
const verify = (...words: readonly string[]) =>
  run('verify', '--key', publicKey, '--insecure-ignore-tlog', ...words)

t.test(
  'an image is signed in each form, and verifies where the registry lists referrers and where it does not',
  async (t) => {
    for (const referrersApi of [true, false])
      for (const format of ['bundle', 'legacy', 'both']) {
        const name = `${format}, ${referrersApi ? 'with' : 'without'} a list of referrers`
        const registry = await startRegistry(t, { referrersApi })
        const { pinned, tag, digest } = await registry.push('app')
        const signed = await sign('--format', format, '-a', 'team=blue=1', pinned)
        t.equal(signed.status, 0, signed.err)
        t.equal(signed.out, '', `${name}: nothing on standard output`)
        t.equal(signed.err, `Signing artifact...\nPushing signature to: ${registry.host}/app\n`, name)
        const verified = await verify('-a', 'team=blue=1', tag)
        t.equal(verified.status, 0, verified.err)
        t.equal(
          verified.err.replace(/^WARNING.*\n/, ''),
          `\nVerification for ${tag} --\nThe following checks were performed on each of these signatures:\n` +
            '  - The specified annotations were verified.\n  - The cosign claims were validated\n' +
            '  - The signatures were verified against the specified public key\n',
        )
        const isLegacy = format === 'legacy'
        t.same(JSON.parse(verified.out), [
          {
            critical: {
              identity: { 'docker-reference': isLegacy ? `${registry.host}/app` : tag },
              image: { 'docker-manifest-digest': digest },
              type: isLegacy ? 'cosign container image signature' : predicateType,
            },
            optional: { team: 'blue=1' },
          },
        ])
        t.match(verified.out, /^\n\[.*\]\n$/)
        t.same(
          registry.attachedTags().toSorted(),
          [
            ...(format !== 'legacy' && !referrersApi ? [digest.replace(':', '-')] : []),
            ...(format !== 'bundle' ? [`${digest.replace(':', '-')}.sig`] : []),
          ],
          name,
        )
      }
  },
)

t.test('a bundle is stored member for member as stock cosign stores it', async (t) => {
  const registry = await startRegistry(t, { referrersApi: true })
  const { pinned, digest } = await registry.push('app')
  t.equal((await sign(pinned)).status, 0)
  const [stored] = [...registry.manifests.values()].filter(({ bytes }) => bytes.includes('"subject"'))
  const text = stored?.bytes.toString() ?? ''
  const layer = /"layers":\[\{"mediaType":"[^"]+","size":(\d+),"digest":"([^"]+)"/.exec(text)
  const created = /"org.opencontainers.image.created":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"/.exec(text)
  const image = registry.manifests.get(digest)
  t.equal(
    text,
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",' +
      '"config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,' +
      '"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",' +
      `"artifactType":"${bundleType}"},` +
      `"layers":[{"mediaType":"${bundleType}","size":${layer?.[1]},"digest":"${layer?.[2]}"}],` +
      '"annotations":{"dev.sigstore.bundle.content":"dsse-envelope",' +
      `"dev.sigstore.bundle.predicateType":"${predicateType}","org.opencontainers.image.created":"${created?.[1]}"},` +
      `"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":${image?.bytes.length},"digest":"${digest}"},` +
      `"artifactType":"${bundleType}"}`,
  )
  const bundle = JSON.parse(registry.blobs.get(layer?.[2] ?? '')?.toString() ?? '') as {
    dsseEnvelope: { payload: string }
  }
  t.equal(
    Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString(),
    `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"${digest.slice(7)}"}}],"predicateType":"${predicateType}","predicate":{}}`,
  )
})

t.test('who signs by tag is warned of what the tag means now', async (t) => {
  const registry = await startRegistry(t)
  const { tag, pinned, digest } = await registry.push('app')
  const byTag = await sign(tag)
  t.match(
    byTag.err,
    `WARNING: Image reference ${tag} uses a tag, not a digest, to identify the image to sign.`,
  )
  t.match(byTag.err, digest)
  t.notMatch((await sign(pinned)).err, /WARNING/)
})

t.test(
  'exit codes tell no signature, no tag, none that matches, and none with a certificate apart',
  async (t) => {
    const registry = await startRegistry(t)
    const { tag, pinned } = await registry.push('app')
    const identity = ['--certificate-identity', 'a', '--certificate-oidc-issuer', 'b']
    const root = fileURLToPath(
      new URL('../../verification/test/vectors/roots/public-good.trusted_root.json', import.meta.url),
    )
    const none = await verify(tag)
    t.same([none.status, none.out], [10, ''])
    t.match(none.err, /Error: no signatures found\n$/)
    const noTag = await verify(tag.replace(':v1', ':v2'))
    t.equal(noTag.status, 11)
    t.match(noTag.err, /^Error: image tag not found: /m)

    t.equal((await sign('--format', 'legacy', pinned)).status, 0)
    const keyless = await run('verify', ...identity, '--trusted-root', root, pinned)
    t.equal(keyless.status, 13)
    t.match(keyless.err, /^Error: no certificate found on signature: layer sha256:[0-9a-f]{64} of /m)

    t.equal((await sign(pinned)).status, 0)
    const byOther = await run('verify', '--key', otherPublicKey, '--insecure-ignore-tlog', pinned)
    t.equal(byOther.status, 12)
    t.match(
      byOther.err,
      /^Error: no matching signatures: bundle sha256:[0-9a-f]{64}: the signature is not by .*\nlayer sha256:[0-9a-f]{64} of .*\.sig: the signature is not by .*\n$/m,
      'each reason on a line',
    )
    const json = await run('verify', '--json', '--key', otherPublicKey, '--insecure-ignore-tlog', pinned)
    t.match(JSON.parse(json.out), { error: { code: 'not_verified', reasons: [/^bundle/, /^layer/] } })

    t.equal((await verify()).status, 1)
    const both = await run('verify', '--key', publicKey, ...identity, pinned)
    t.equal(both.status, 1)
    const neither = await run('verify', pinned)
    t.match(neither.err, '--certificate-identity or --certificate-identity-regexp is required')
  },
)

t.test(
  'a tag that moved, another annotation, and a signature that was copied from another image are refused',
  async (t) => {
    for (const format of ['bundle', 'legacy']) {
      const registry = await startRegistry(t)
      const one = await registry.push('one')
      const two = await registry.push('two')
      t.equal((await sign('--format', format, '-a', 'k=v', one.pinned)).status, 0)
      t.equal((await verify(one.pinned)).status, 0)
      const annotated = await verify('-a', 'k=w', one.pinned)
      t.equal(annotated.status, 12)
      t.match(annotated.err, /the annotation "k" is "v", expected "w"/)
      t.match((await verify('-a', 'l=v', one.pinned)).err, /the annotation "l" is missing, expected "v"/)

      // The tag of the one now means the other.
      registry.tags.set('v1', two.digest)
      t.equal((await verify(one.tag)).status, 10, 'it has no signature')

      const suffix = format === 'legacy' ? '.sig' : ''
      const tagOf = (digest: string) => digest.replace(':', '-') + suffix
      const moved = registry.tags.get(tagOf(one.digest)) ?? ''
      registry.tags.set(tagOf(two.digest), moved)
      const copied = await verify(two.pinned)
      t.equal(copied.status, 12, copied.err)
      t.match(
        copied.err,
        format === 'legacy' ? /digest in claim: the signature is for "sha256:/ : /is attached to another/,
      )
      t.equal((await verify('--check-claims=false', two.pinned)).status, format === 'legacy' ? 0 : 12)
    }
  },
)

t.test('a bundle whose manifest was written for another image is refused by its statement', async (t) => {
  const registry = await startRegistry(t, { referrersApi: true })
  const one = await registry.push('one')
  const two = await registry.push('two')
  t.equal((await sign(one.pinned)).status, 0)
  const stored = [...registry.manifests.values()].find(({ bytes }) => bytes.includes('"subject"'))
  const forged = Buffer.from(stored?.bytes.toString().replace(one.digest, two.digest) ?? '')
  await createRegistryClient().repository(parseReference(two.pinned)).pushReferrer(forged)
  const refused = await verify(two.pinned)
  t.equal(refused.status, 12)
  t.match(refused.err, /no subject of the statement has the digest of this artifact/)
})

t.test('a log that fails leaves no signature in the registry', async (t) => {
  const log = createServer((_, response) => response.writeHead(500).end('{"message":"the log is ill"}'))
  log.listen(0, '127.0.0.1')
  await once(log, 'listening')
  t.teardown(() => log.close().closeAllConnections())
  const url = `http://127.0.0.1:${(log.address() as AddressInfo).port}`
  const registry = await startRegistry(t)
  const { pinned } = await registry.push('app')
  registry.asked.length = 0
  const before = [registry.manifests.size, registry.blobs.size, registry.tags.size]
  for (const format of ['bundle', 'legacy', 'both']) {
    const words = ['--format', format, '--use-signing-config=false', '--rekor-url', url, pinned]
    const refused = await run('sign', '--key', privateKey, ...words)
    t.equal(refused.status, 1)
    t.match(refused.err, /the log is ill/)
    t.same([registry.manifests.size, registry.blobs.size, registry.tags.size], before, format)
  }
  t.notOk(
    registry.lines().some((line) => line.startsWith('POST')),
    'no upload was begun',
  )
})

t.test('a registry that dies in the middle shows nothing, and signing again completes it', async (t) => {
  for (const format of ['bundle', 'legacy']) {
    let isDead = false
    const registry = await startRegistry(t, {
      intercept: (request, response) => {
        if (!isDead || request.method !== 'PUT' || !request.url?.includes('/manifests/')) return false
        response.writeHead(403).end('{}')
        return true
      },
    })
    const { pinned } = await registry.push('app')
    isDead = true
    t.equal((await sign('--format', format, pinned)).status, 1)
    t.same(registry.attachedTags(), [])
    t.equal((await verify(pinned)).status, 10)
    isDead = false
    t.equal((await sign('--format', format, pinned)).status, 0)
    t.equal((await verify(pinned)).status, 0)
  }
})

t.test('whoever is interrupted leaves nothing to be seen, and signs again', async (t) => {
  for (const format of ['bundle', 'legacy']) {
    const { promise: reached, resolve } = Promise.withResolvers<void>()
    let isHeld = false
    const registry = await startRegistry(t, {
      intercept: (request) => {
        if (!isHeld || request.method !== 'PUT' || !request.url?.includes('/manifests/')) return false
        resolve()
        // It never answers.
        return true
      },
    })
    const { pinned } = await registry.push('app')
    isHeld = true
    const slowKey = key('cosign-3.1.3-p256.key')
    const words = ['sign', '--key', slowKey, '--tlog-upload=false', '--format', format, pinned]
    const child = spawn(process.execPath, [...program, ...words], {
      env: { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' },
      stdio: 'ignore',
    })
    const ended = once(child, 'exit')
    await Promise.race([reached, ended])
    child.kill('SIGINT')
    t.same(await ended, [null, 'SIGINT'])
    isHeld = false
    t.same(registry.attachedTags(), [])
    t.equal((await verify(pinned)).status, 10)
    t.equal((await sign('--format', format, pinned)).status, 0)
    t.equal((await verify(pinned)).status, 0)
  }
})

t.test('of two who sign one image at once both signatures stay', async (t) => {
  for (const format of ['bundle', 'legacy']) {
    const registry = await startRegistry(t)
    const { pinned } = await registry.push('app')
    const signed = await Promise.all(
      [privateKey, otherKey].map((each) =>
        run('sign', '--key', each, '--tlog-upload=false', '--format', format, pinned),
      ),
    )
    t.same(
      signed.map(({ status }) => status),
      [0, 0],
      format,
    )
    for (const each of [publicKey, otherPublicKey])
      t.equal((await run('verify', '--key', each, '--insecure-ignore-tlog', pinned)).status, 0, format)
  }
})

t.test('with --recursive each image of an index is signed, and each verifies', async (t) => {
  const registry = await startRegistry(t)
  const children = [await registry.push('app'), await registry.push('other')]
  const index = await pushIndexOf(
    registry.host,
    children.map(({ digest }) => digest),
  )
  const plain = await sign(index)
  t.equal(plain.status, 0, plain.err)
  for (const { digest } of children)
    t.equal((await verify(`${registry.host}/app@${digest}`)).status, 10, 'not without the option')
  t.equal((await sign('-r', index)).status, 0)
  for (const { digest } of children) t.equal((await verify(`${registry.host}/app@${digest}`)).status, 0)
})

async function pushIndexOf(host: string, digests: readonly string[]): Promise<string> {
  const repository = createRegistryClient().repository(parseReference(`${host}/app`))
  const type = 'application/vnd.oci.image.index.v1+json'
  const manifests = await Promise.all(digests.map((digest) => repository.resolve(digest)))
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests }))
  return `${host}/app@${(await repository.pushManifest(bytes, type)).digest}`
}

t.test('nothing is stored with --upload=false, and the bundle goes to its file', async (t) => {
  const registry = await startRegistry(t)
  const { pinned } = await registry.push('app')
  const file = join(t.testdir(), 'bundle.json')
  const nowhere = await sign('--upload=false', pinned)
  t.match(nowhere.err, 'must enable upload to the OCI registry or specify a local --bundle path')
  const signed = await sign('--upload=false', '--bundle', file, pinned)
  t.equal(signed.err, `Signing artifact...\nWrote bundle to file ${file}\n`)
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal((await verify(pinned)).status, 10)
})

t.test('text of strangers reaches no terminal as it is', async (t) => {
  const registry = await startRegistry(t)
  const { pinned } = await registry.push('app')
  const hostile = '\u001b[31mred\u202e\u0007'
  t.equal((await sign('--format', 'both', '-a', `k=${hostile}`, pinned)).status, 0)
  for (const words of [[], ['-o', 'text'], ['--json'], ['-a', 'k=v'], ['-a', `${hostile}=v`]]) {
    const { out, err } = await verify(...words, pinned)
    t.ok((out + err).includes('\\u001b[31mred\\u202e\\u0007'), words.join(' '))
    // oxlint-disable-next-line no-control-regex -- none may be there
    t.notMatch(out + err, /[\u0000-\u0009\u000b-\u001f\u202e]/)
  }
})

t.test('signatures are kept where COSIGN_REPOSITORY says', async (t) => {
  const registry = await startRegistry(t)
  const { pinned } = await registry.push('app')
  const environment = {
    COSIGN_PASSWORD: 'secret',
    SIGSTACK_DATA: '/nowhere',
    COSIGN_REPOSITORY: `${registry.host}/signatures`,
  }
  const words = ['--key', privateKey, '--tlog-upload=false', pinned]
  const signed = await runCommand(['sign', '--format', 'both', ...words], environment)
  t.match(signed.err, `Pushing signature to: ${registry.host}/signatures\n`)
  t.ok(registry.lines().some((line) => line.startsWith('PUT /v2/signatures/manifests/sha256-')))
  t.notOk(registry.lines().some((line) => line.startsWith('PUT /v2/app/manifests/sha256')))
  t.equal(
    (await runCommand(['verify', '--key', publicKey, '--insecure-ignore-tlog', pinned], environment)).status,
    0,
  )
})

t.test('of large parts one is read at a time, however many are attached', async (t) => {
  let open = 0
  let most = 0
  const asked: string[] = []
  const registry = await startRegistry(t, {
    referrersApi: true,
    intercept: (request, response) => {
      const digest = (request.url ?? '').split('/').at(-1) ?? ''
      if (request.method !== 'GET' || (registry.blobs.get(digest)?.length ?? 0) <= 1 << 20) return false
      asked.push(digest)
      most = Math.max(most, ++open)
      response.on('finish', () => open--)
      return false
    },
  })
  const image = await registry.push('app')
  const repository = createRegistryClient().repository(parseReference(image.pinned))
  const subject = await repository.resolve(image.digest)
  for (const letter of ['a', 'b', 'c']) {
    const bytes = Buffer.alloc((1 << 20) + 1, letter)
    const layer = { mediaType: bundleType, size: bytes.length, digest: digestOf(bytes) }
    await repository.pushBlob(layer, () => bytes)
    const config = { mediaType: 'application/vnd.oci.empty.v1+json', size: 2, digest: digestOf(utf8('{}')) }
    await repository.pushReferrer(
      encodeManifest({ config, layers: [layer], subject, artifactType: bundleType }),
    )
  }
  const { status, err } = await verify(image.pinned)
  t.equal(status, 12)
  t.equal(err.match(/it is not JSON/g)?.length, 3, err)
  t.equal(new Set(asked).size, 3)
  t.equal(most, 1)
})
