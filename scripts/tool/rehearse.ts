/**
 * Runs the parts of the tool in a process of its own, doing what people do most often, and keeps what V8 has compiled for it:
 * `node rehearse.ts FOLDER PART...`. Nothing outside of this machine is asked.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Script } from 'node:vm'
import { startFakeRegistry } from '../../packages/oci/test/fake-registry.ts'

type Loader = {
  readonly load: (name: string) => { startCli(self: readonly string[]): Promise<void> }
  readonly parts: ReadonlyMap<string, { readonly script: Script }>
}

const [folder = '', ...names] = process.argv.slice(2)
const vectors = path.resolve(import.meta.dirname, '../../packages/verification/test/vectors')
const { load, parts } = createRequire(import.meta.url)(path.join(folder, 'rehearsal.cjs')) as Loader
const { startCli } = load('start.js')

const tool = async (...words: readonly string[]): Promise<void> => {
  process.argv = [process.execPath, 'sigstack', ...words]
  await startCli(['sigstack'])
  if (process.exitCode !== undefined) throw new Error(`sigstack ${words.join(' ')} failed`)
}

const own = mkdtempSync(path.join(tmpdir(), 'sigstack-rehearsal-'))
process.chdir(own)
Object.assign(process.env, { HOME: own, COSIGN_PASSWORD: '' })
const ends: (() => unknown)[] = [() => rmSync(own, { recursive: true, force: true })]
try {
  await tool('--version')
  await rehearseVerifying()
  await rehearseKeys()
  for (const name of names) {
    const script = parts.get(name)?.script
    if (script === undefined) throw new Error(`${name} was not loaded`)
    writeFileSync(path.join(folder, `${name}.code`), script.createCachedData())
  }
} finally {
  for (const end of ends.toReversed()) await end()
}

/** With certificates, logs of both kinds and stamps. */
async function rehearseVerifying(): Promise<void> {
  const who =
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main'
  const signer = [
    '--certificate-identity',
    who,
    '--certificate-oidc-issuer',
    'https://token.actions.githubusercontent.com',
  ]
  const roots = {
    'happy-path-v0.3-new-mediaType': 'roots/public-good.trusted_root.json',
    'rekor2-happy-path': 'conformance/rekor2-happy-path/trusted_root.json',
  }
  for (const [name, root] of Object.entries(roots)) {
    const bundle = path.join(vectors, 'conformance', name, 'bundle.sigstore.json')
    const words = ['--bundle', bundle, '--trusted-root', path.join(vectors, root), ...signer]
    await tool('verify-blob', ...words, path.join(vectors, 'conformance/a.txt'))
  }
}

/** A file and an image. */
async function rehearseKeys(): Promise<void> {
  const { host, manifests, blobs } = await startFakeRegistry(
    { teardown: (end) => ends.push(end) },
    { referrersApi: true },
  )
  const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const config = Buffer.from('{}')
  blobs.set(digestOf(config), config)
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const descriptor = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    size: config.length,
    digest: digestOf(config),
  }
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: type, config: descriptor, layers: [] }),
  )
  manifests.set(digestOf(bytes), { bytes, type })
  const image = `${host}/rehearsal@${digestOf(bytes)}`

  writeFileSync('file', 'what is signed\n')
  await tool('generate-key-pair')
  const bundle = ['--bundle', 'file.json', 'file']
  await tool('sign-blob', '--key', 'cosign.key', '--tlog-upload=false', '--yes', ...bundle)
  await tool('verify-blob', '--key', 'cosign.pub', '--insecure-ignore-tlog', ...bundle)
  await tool('sign', '--key', 'cosign.key', '--tlog-upload=false', '--yes', image)
  await tool('verify', '--key', 'cosign.pub', '--insecure-ignore-tlog', image)
}
