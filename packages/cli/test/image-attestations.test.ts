/** What is attested of images and attached to them, with keys: no stack, one registry or two. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startRegistry } from './registries.ts'
import { quickKey, runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/${name}`, import.meta.url))
const privateKey = await quickKey(t, 'cosign-3.1.3-p256.key')
const publicKey = key('cosign-3.1.3-p256.pub')
const type = 'https://example.org/t'
const predicate = join(t.testdir({ 'p.json': '{"a":1}' }), 'p.json')

const run = (...words: readonly string[]) =>
  runCommand(words, { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' })
const byKey = ['--key', publicKey, '--insecure-ignore-tlog']
const attest = (...words: readonly string[]) =>
  run('attest', '--key', privateKey, '--tlog-upload=false', '--predicate', predicate, ...words)
const sign = (...words: readonly string[]) =>
  run('sign', '--key', privateKey, '--tlog-upload=false', ...words)

t.test('an attestation verifies by its type alone, in each form, and is no signature', async (t) => {
  for (const referrersApi of [true, false])
    for (const format of ['bundle', 'legacy']) {
      const registry = await startRegistry(t, { referrersApi })
      const { pinned, digest } = await registry.push('app')
      const attested = await attest('--format', format, '--type', type, pinned)
      t.equal(attested.status, 0, attested.err)
      t.same([attested.out, attested.err], ['', `Using payload from: ${predicate}\nSigning artifact...\n`])
      const verified = await run('verify-attestation', ...byKey, '--type', type, pinned)
      t.equal(verified.status, 0, verified.err)
      t.match(verified.err, /The cosign claims were validated/)
      t.match(
        verified.out,
        /^\{"payload":"[^"]+","payloadType":"application\/vnd.in-toto\+json","signatures":\[.*\]\}\n$/,
      )
      const { payload } = JSON.parse(verified.out) as { payload: string }
      t.equal(
        Buffer.from(payload, 'base64').toString(),
        `{"_type":"https://in-toto.io/Statement/v0.1","subject":[{"name":"${registry.host}/app","digest":{"sha256":"${digest.slice(7)}"}}],"predicateType":"${type}","predicate":{"a":1}}`,
      )
      const other = await run('verify-attestation', ...byKey, pinned)
      t.equal(other.status, 12)
      t.match(
        other.err,
        `Error: none of the attestations matched the predicate type: custom, found: ${type}\n`,
      )
      const signature = await run('verify', ...byKey, pinned)
      t.equal(signature.status, format === 'bundle' ? 12 : 10, signature.err)
      if (format === 'bundle') {
        t.match(
          signature.err,
          /invalid predicate type, expected "https:\/\/sigstore.dev\/cosign\/sign\/v1" got/,
        )
        t.equal((await run('verify', '--allow-any-statement', ...byKey, pinned)).status, 0)
      }
    }
})

t.test('an attestation of another image, and none at all, are refused', async (t) => {
  const registry = await startRegistry(t)
  const one = await registry.push('one')
  const two = await registry.push('two')
  t.equal((await run('verify-attestation', ...byKey, one.pinned)).status, 10)
  t.equal((await attest('--format', 'legacy', '--type', type, one.pinned)).status, 0)
  const tagOf = (digest: string) => `${digest.replace(':', '-')}.att`
  registry.tags.set(tagOf(two.digest), registry.tags.get(tagOf(one.digest)) ?? '')
  const copied = await run('verify-attestation', ...byKey, '--type', type, two.pinned)
  t.equal(copied.status, 12)
  t.match(copied.err, /no subject of the statement has the digest/)
})

t.test('tree lists tags and referrers, download prints them, and triangulate names the tag', async (t) => {
  const registry = await startRegistry(t)
  const { tag, pinned, digest } = await registry.push('app')
  const none = await run('tree', tag)
  t.match(none.out, `No Supply Chain Security Related Artifacts found for image ${tag}`)
  t.equal((await run('download', 'signature', tag)).status, 1)
  t.match(await run('download', 'attestation', tag), { status: 0, out: '', err: /no attestations found/ })
  t.equal((await run('download', 'attestation', '--predicate-type', type, tag)).status, 1)
  t.equal((await sign('--format', 'both', pinned)).status, 0)
  t.equal((await attest('--format', 'both', '--type', type, pinned)).status, 0)
  const old = `${registry.host}/app:${digest.replace(':', '-')}`
  const lines = (await run('tree', tag)).out.replaceAll(/sha256:[0-9a-f]{64}/g, 'D').split('\n')
  t.same(lines[0], `📦 Supply Chain Security Related artifacts for an image: ${tag}`)
  t.same(
    lines.filter((line) => line.startsWith('└──')).toSorted(),
    [
      `└── 🔐 Signatures for an image tag: ${old}.sig`,
      `└── 💾 Attestations for an image tag: ${old}.att`,
      `└── 🔗 ${type} artifacts via OCI referrer: ${registry.host}/app@D`,
      `└── 🔗 https://sigstore.dev/cosign/sign/v1 artifacts via OCI referrer: ${registry.host}/app@D`,
    ].toSorted(),
  )
  t.equal(lines.filter((line) => line === '   └── 🍒 D').length, 4)
  t.equal((await run('triangulate', tag)).out, `${old}.sig\n`)
  t.equal((await run('triangulate', '--type', 'attestation', tag)).out, `${old}.att\n`)
  t.equal((await run('triangulate', '--type', 'digest', tag)).out, `${pinned}\n`)
  const signatures = (await run('download', 'signature', tag)).out.trim().split('\n')
  t.match(
    signatures.map((line) => Object.keys(JSON.parse(line) as object)[0]),
    ['mediaType', 'Base64Signature'],
  )
  const attestations = (await run('download', 'attestation', '--predicate-type', type, tag)).out
  t.match(
    attestations
      .trim()
      .split('\n')
      .map((line) => Object.keys(JSON.parse(line) as object)[0]),
    ['mediaType', 'payload'],
  )
})

t.test('a copy has the image, its old tags and its referrers, and all of them verify', async (t) => {
  for (const referrersApi of [true, false]) {
    const [from, to] = [await startRegistry(t), await startRegistry(t, { referrersApi })]
    const { tag, pinned, digest } = await from.push('app')
    t.equal((await sign('--format', 'both', pinned)).status, 0)
    t.equal((await attest('--format', 'both', '--type', type, pinned)).status, 0)
    const target = `${to.host}/inside/app:v1`
    const copied = await run('copy', tag, target)
    t.equal(copied.status, 0, copied.err)
    t.match(copied.err, `Copying ${tag} to ${target}...\n`)
    for (const tagged of ['v1', `${digest.replace(':', '-')}.sig`, `${digest.replace(':', '-')}.att`])
      t.equal(to.tags.get(tagged), from.tags.get(tagged), tagged)
    t.equal((await run('verify', ...byKey, target)).status, 0)
    t.equal((await run('verify-attestation', ...byKey, '--type', type, target)).status, 0)
    t.equal((await run('copy', tag, target)).status, 0, 'again, with nothing to do')

    const other = await from.push('other')
    const refused = await run('copy', other.pinned, target)
    t.equal(refused.status, 1)
    t.match(refused.err, /already exists. Use `-f` to overwrite/)
    t.equal((await run('copy', '-f', other.pinned, target)).status, 0)
    t.equal(to.tags.get('v1'), other.digest)
  }
})
