/** Images and what is attached to them, kept elsewhere, brought back, and cleaned. One registry a test, no stack. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRegistryClient, encodeIndex, mediaTypes, parseReference } from '@sigstack/oci'
import t, { type Test } from 'tap'
import { fail } from '../../oci/test/fake-registry.ts'
import { attachment, pushImage } from '../../oci/test/images.ts'
import { type ImageRegistry, startRegistry } from './registries.ts'
import { runCommand } from './support.ts'

t.setTimeout(300_000)

const key = (name: string): string =>
  fileURLToPath(new URL(`../../signing/test/vectors/keys/cosign-3.1.3-p256.${name}`, import.meta.url))
const environment = { COSIGN_PASSWORD: 'secret', SIGSTACK_DATA: '/nowhere', DOCKER_CONFIG: '/nowhere' }
const run = (...words: readonly string[]) => runCommand(words, environment)
const runWith = (more: Readonly<Record<string, string>>, ...words: readonly string[]) =>
  runCommand(words, { ...environment, ...more })
const verify = (...words: readonly string[]) =>
  run('verify', '--key', key('pub'), '--insecure-ignore-tlog', ...words)
const verifyAttestation = (...words: readonly string[]) =>
  run('verify-attestation', '--key', key('pub'), '--insecure-ignore-tlog', ...words)

/** Both forms of a signature, both of an attestation, and something that is no signature. */
async function attachAll(t: Test, reference: string, more: Readonly<Record<string, string>> = {}) {
  const predicate = path.join(t.testdir({ 'p.txt': 'tested' }), 'p.txt')
  const signing = ['--key', key('key'), '--tlog-upload=false', '--format', 'both']
  for (const words of [
    ['sign', ...signing, reference],
    ['attest', ...signing, '--predicate', predicate, reference],
  ]) {
    const { status, err } = await runWith(more, ...words)
    t.equal(status, 0, err)
  }
}

type Layout = { readonly manifests: readonly object[] }

/** Digests of all that is there for an image, in any order. */
async function attachedTo(registry: ImageRegistry, name: string): Promise<readonly string[]> {
  const { out } = await run('tree', '--json', `${registry.host}/${name}`)
  const { attached } = JSON.parse(out) as {
    attached: readonly { place: string; layers: readonly string[] }[]
  }
  const prefix = `${registry.host}/${name.split(/[:@]/)[0]}`
  return attached.flatMap(({ place, layers }) => [place.replace(prefix, ''), ...layers]).toSorted()
}

t.test(
  'an image is saved in a folder and loaded elsewhere with all that is attached, digest for digest',
  async (t) => {
    for (const referrersApi of [true, false]) {
      const [from, to] = [await startRegistry(t, { referrersApi }), await startRegistry(t, { referrersApi })]
      const { tag, digest } = await from.push('app')
      await attachAll(t, tag)
      const folder = path.join(t.testdir(), 'saved')
      const saved = await run('save', '--dir', folder, tag)
      t.equal(saved.status, 0, saved.err)
      if (existsSync('/proc/self'))
        t.match(await run('save', '--dir', '/proc/none/saved', tag), {
          status: 1,
          err: /^Error: cannot make the folder \/proc\/none\/saved \(ENOENT\)\n$/,
        })
      t.equal(saved.out, '', 'nothing on standard output')
      const { manifests } = JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8')) as {
        manifests: readonly { digest: string; annotations: Record<string, string> }[]
      }
      t.same(
        manifests.map(({ annotations }) => annotations.kind),
        ['image', 'sigs', 'atts'].map((kind) => `dev.cosignproject.cosign/${kind}`),
        'as stock cosign tells entries apart',
      )
      const loaded = await run('load', '--dir', folder, `${to.host}/other:v2`)
      t.equal(loaded.status, 0, loaded.err)
      t.equal(to.tags.get('v2'), digest)
      t.same(await attachedTo(to, 'other:v2'), await attachedTo(from, 'app:v1'))
      const puts = to.lines().filter((line) => line.startsWith('PUT') && line.includes('/manifests/'))
      t.match(puts.at(-1), /\/v2$/, 'the tag comes last')
      t.equal((await verify(`${to.host}/other:v2`)).status, 0)
      t.equal((await verifyAttestation(`${to.host}/other:v2`)).status, 0)
    }
  },
)

t.test('a saved image verifies in its folder, and there as strictly as in a registry', async (t) => {
  const registry = await startRegistry(t)
  const [one, other] = [await registry.push('one'), await registry.push('other')]
  await attachAll(t, one.pinned)
  const folder = t.testdir()
  const at = (name: string): string => path.join(folder, name)
  t.equal((await run('save', '--dir', at('both'), one.pinned)).status, 0)
  t.equal((await run('save', '--dir', at('none'), other.pinned)).status, 0)
  t.equal((await run('clean', '-f', '--type', 'referrer', one.pinned)).status, 0)
  t.equal((await run('save', '--dir', at('old'), one.pinned)).status, 0)
  const before = registry.lines().length
  for (const name of ['both', 'old']) {
    const verified = await verify('--local-image', at(name))
    t.equal(verified.status, 0, verified.err)
    t.match(verified.err, `Verification for ${at(name)} --`)
    t.match(verified.out, one.digest)
    t.equal((await verifyAttestation('--local-image', at(name))).status, 0)
  }
  t.equal((await verify('--local-image', at('none'))).status, 10)
  t.equal((await verifyAttestation('--local-image', at('none'))).status, 10)
  t.match((await verify('--local-image', at('missing'))).err, /is no OCI layout/)
  t.equal((await verify('--local-image', '--attachment', 'sbom', at('both'))).status, 1)
  t.equal(registry.lines().length, before, 'nobody is asked')
  const stranger = ['verify', '--key', key('pub').replace('p256', 'p384'), '--insecure-ignore-tlog']
  t.equal((await run(...stranger, '--local-image', at('both'))).status, 12)
  // The layers of what is signed now are listed as the image.
  const index = path.join(at('both'), 'index.json')
  const [image] = (JSON.parse(readFileSync(path.join(at('none'), 'index.json'), 'utf8')) as Layout).manifests
  const { manifests, ...rest } = JSON.parse(readFileSync(index, 'utf8')) as Layout
  writeFileSync(index, JSON.stringify({ ...rest, manifests: [image, ...manifests.slice(1)] }))
  t.equal((await verify('--local-image', at('both'))).status, 12, 'another image in its place')
})

t.test('a saved image becomes no other digest, and a folder that is no layout is refused', async (t) => {
  const registry = await startRegistry(t)
  const { tag, digest } = await registry.push('app')
  const folder = path.join(t.testdir({ empty: {} }), 'saved')
  t.equal((await run('save', '--dir', folder, tag)).status, 0)
  const other = `${registry.host}/app@sha256:${'00'.repeat(32)}`
  const refused = await run('load', '--dir', folder, other)
  t.equal(refused.status, 1)
  t.match(refused.err, `holds ${digest}, which cannot become ${other}`)
  const empty = await run('load', '--dir', path.join(folder, '..', 'empty'), tag)
  t.equal(empty.status, 1)
  t.match(empty.err, /is no OCI layout/)
  t.match((await run('save', tag)).err, /--dir/)
})

t.test(
  'what another repository keeps of an image is saved, copied, loaded and cleaned with it',
  async (t) => {
    const registry = await startRegistry(t, { referrersApi: true })
    const { tag } = await registry.push('app')
    const kept = { COSIGN_REPOSITORY: `${registry.host}/signatures` }
    await attachAll(t, tag, kept)
    const before = registry.lines().length
    const folder = path.join(t.testdir(), 'saved')
    t.equal((await runWith(kept, 'save', '--dir', folder, tag)).status, 0)
    const reads = registry.lines().slice(before)
    t.ok(reads.some((line) => line.startsWith('GET /v2/signatures/referrers/')))
    t.notOk(reads.some((line) => line.startsWith('GET /v2/app/referrers/')))
    const copied = await startRegistry(t, { referrersApi: true })
    t.equal((await runWith(kept, 'copy', tag, `${copied.host}/app:v1`)).status, 0)
    t.equal((await verify(`${copied.host}/app:v1`)).status, 0, 'beside the copy')
    const loaded = await startRegistry(t, { referrersApi: true })
    const apart = { COSIGN_REPOSITORY: `${loaded.host}/other` }
    t.equal((await runWith(apart, 'load', '--dir', folder, `${loaded.host}/app:v1`)).status, 0)
    const puts = loaded.lines().filter((line) => line.startsWith('PUT') && line.includes('/manifests/'))
    t.same(
      new Set(puts.map((line) => line.split('/')[2])),
      new Set(['app', 'other']),
      'what is attached goes into the repository for it',
    )
    t.equal(puts.filter((line) => line.includes('/app/')).length, 2, 'the image, and its tag')
    t.equal((await runWith(kept, 'clean', '-f', tag)).status, 0)
    t.same(registry.attachedTags(), [])
  },
)

t.test('cleaning removes what its type names, and neither the image nor what is no bundle', async (t) => {
  for (const referrersApi of [true, false]) {
    const registry = await startRegistry(t, { referrersApi })
    const { tag, digest } = await registry.push('app')
    await attachAll(t, tag)
    const repository = createRegistryClient().repository(parseReference(tag))
    const bytes = Buffer.from(await attachment(repository, await repository.resolve('v1'), 'a report'))
    const other = Buffer.from(
      bytes.toString().replaceAll('application/vnd.dev.sigstore.bundle.v0.3+json', 'text/report'),
    )
    const { digest: report } = await repository.pushReferrer(other)
    const whole = await attachedTo(registry, 'app:v1')

    const declined = await runCommand(['clean', tag], environment, Buffer.from('n\n'))
    t.equal(declined.status, 1)
    t.match(
      declined.err,
      /^WARNING: this will remove all signatures, SBOMs and attestations from the image\n/,
    )
    t.match(declined.err, /Error: user declined the prompt\n/)
    t.same(await attachedTo(registry, 'app:v1'), whole, 'nothing is removed')

    const tags = () => registry.attachedTags().filter((each) => each.includes('.'))
    const short = digest.replace(':', '-')
    const ofSignatures = await run('clean', '-f', '--type', 'signature', tag)
    t.equal(ofSignatures.status, 0, ofSignatures.err)
    t.match(ofSignatures.err, `Removed ${registry.host}/app:${short}.sig from ${tag}\n`)
    t.match(ofSignatures.err, '--type referrer', 'bundles are told of')
    t.same(tags(), [`${short}.att`])
    t.equal(
      (await runCommand(['clean', '--type', 'referrer', tag], environment, Buffer.from('y\n'))).status,
      0,
    )
    t.same(tags(), [`${short}.att`])
    t.equal((await run('clean', '--force', tag)).status, 0)
    t.same(tags(), [])
    t.same(
      (await repository.listReferrers(digest)).map((each) => each.digest),
      [report],
      'what is no bundle stays, in the list too',
    )
    t.equal(registry.tags.get('v1'), digest)
    t.equal((await verify(tag)).status, 10)
    t.equal((await run('clean', '-f', tag)).status, 0, 'there may be nothing')
  }
})

t.test('a registry that deletes nothing makes cleaning fail', async (t) => {
  const registry = await startRegistry(t, {
    intercept: (request, response) => {
      if (request.method !== 'DELETE') return false
      fail(response, 405, 'UNSUPPORTED')
      return true
    },
  })
  const { tag } = await registry.push('app')
  await attachAll(t, tag)
  const { status, err } = await run('clean', '-f', tag)
  t.equal(status, 1)
  t.match(err, /still has something attached: could not delete /)
})

t.test('one platform of an index is copied alone', async (t) => {
  const registry = await startRegistry(t, { referrersApi: true })
  const tag = `${registry.host}/app:v1`
  const repository = createRegistryClient().repository(parseReference(tag))
  const [amd64, arm] = [await pushImage(repository, 'amd64'), await pushImage(repository, 'arm')]
  const entries = [
    { ...amd64, platform: { os: 'linux', architecture: 'amd64' } },
    { ...arm, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
  ]
  await repository.pushManifest(encodeIndex(entries), mediaTypes.ociIndex, 'v1')
  await attachAll(t, `${registry.host}/app@${arm.digest}`)
  const target = await startRegistry(t, { referrersApi: true })
  const copied = await run('copy', '--platform', 'linux/arm64', tag, `${target.host}/app:arm`)
  t.equal(copied.status, 0, copied.err)
  t.equal(target.tags.get('arm'), arm.digest)
  t.notOk(target.manifests.has(amd64.digest))
  t.equal((await verify(`${target.host}/app:arm`)).status, 0)
  const none = await run('copy', '--platform', 'windows/amd64', tag, `${target.host}/app:none`)
  t.equal(none.status, 1)
  t.match(none.err, 'it has "linux/amd64, linux/arm64/v8"')
  const single = await run(
    'copy',
    '--platform',
    'linux/arm64',
    `${target.host}/app:arm`,
    `${target.host}/b:v1`,
  )
  t.equal(single.status, 1)
  t.match(single.err, /is no index/)
})

t.test('of what is attached the kinds that are named are copied, in each form, and no image', async (t) => {
  const registry = await startRegistry(t, { referrersApi: true })
  const { pinned, digest } = await registry.push('app')
  await attachAll(t, pinned)
  const sbom = path.join(t.testdir({ sbom: 'x' }), 'sbom')
  t.equal((await run('attach', 'sbom', '--sbom', sbom, pinned)).status, 0)
  const short = digest.replace(':', '-')
  for (const [words, tags, bundles] of [
    [['--only', 'sig'], ['sig'], 1],
    [['--only=att'], ['att'], 1],
    [['--only', 'sig,att'], ['att', 'sig'], 2],
    [['--only', 'sig', '--only', 'sbom'], ['sbom', 'sig'], 1],
    [['--only', 'sbom'], ['sbom'], 0],
    [['--sig-only'], ['sig'], 1],
  ] as const) {
    const target = await startRegistry(t, { referrersApi: true })
    // Whatever the tag there means, it stays.
    const { digest: other } = await target.push('other')
    const copied = await run('copy', ...words, pinned, `${target.host}/app:v1`)
    t.equal(copied.status, 0, copied.err)
    t.same(
      target.attachedTags().toSorted(),
      tags.map((kind) => `${short}.${kind}`),
      words.join(' '),
    )
    t.equal(target.documents().filter((document) => document['subject'] !== undefined).length, bundles)
    t.equal(target.tags.get('v1'), other)
    t.notOk(target.manifests.has(digest))
  }
  t.match((await run('copy', '--only', 'sig,x', pinned, pinned)).err, /invalid value for --only/)
})
