/** Every kind of entry and every format of keys, by rekor-cli: uploaded, read, verified, and found by its key and file. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { InteropError } from '../../support/interop-error.ts'
import { type Check } from '../client.ts'
import { createTufRoot } from '../tuf-root.ts'
import { expect, expectFound, type RekorCli } from './rekor-cli-command.ts'

/** Files of upstream's own tests; their origins are in the README beside them. */
const inputs = fileURLToPath(new URL('../../../packages/rekor-entries/test/vectors/inputs/', import.meta.url))

type KindCase = {
  readonly name: string
  readonly type: string
  readonly artifact: string
  readonly signature?: string
  readonly key?: string
  /** Of the key, where entries can be searched by it. */
  readonly format?: string
  readonly more?: readonly string[]
  /** Whether the digest of the artifact is in the entry. */
  readonly isFoundByFile?: boolean
  /** What rekor-cli calls such an entry. */
  readonly objectName: string
}

const cases: readonly KindCase[] = [
  {
    name: 'rekord, x509',
    type: 'rekord',
    artifact: 'x509/hello_world.txt',
    signature: 'x509/hello_world.txt.sig',
    key: 'x509/ec.pub',
    format: 'x509',
    isFoundByFile: true,
    objectName: 'RekordObj',
  },
  {
    name: 'rekord, pgp',
    type: 'rekord',
    artifact: 'pgp/hello_world.txt',
    signature: 'pgp/hello_world.txt.asc.sig',
    key: 'pgp/valid_armored_public.pgp',
    format: 'pgp',
    isFoundByFile: true,
    objectName: 'RekordObj',
  },
  {
    name: 'rekord, minisign',
    type: 'rekord',
    artifact: 'minisign/hello_world.txt',
    signature: 'minisign/hello_world.txt.minisig',
    key: 'minisign/minisign.pub',
    format: 'minisign',
    isFoundByFile: true,
    objectName: 'RekordObj',
  },
  {
    name: 'rekord, ssh',
    type: 'rekord',
    artifact: 'ssh/hello_world.txt',
    signature: 'ssh/hello_world.txt.sig',
    key: 'ssh/id_rsa.pub',
    format: 'ssh',
    isFoundByFile: true,
    objectName: 'RekordObj',
  },
  {
    name: 'intoto 0.0.1',
    type: 'intoto:0.0.1',
    artifact: 'intoto/envelope.json',
    key: 'intoto/key.pem',
    format: 'x509',
    objectName: 'IntotoObj',
  },
  {
    name: 'intoto 0.0.2',
    type: 'intoto:0.0.2',
    artifact: 'intoto/envelope.json',
    key: 'intoto/key.pem',
    format: 'x509',
    objectName: 'IntotoObj',
  },
  {
    name: 'dsse',
    type: 'dsse',
    artifact: 'intoto/envelope.json',
    key: 'intoto/key.pem',
    format: 'x509',
    objectName: 'DSSEObj',
  },
  {
    name: 'cose',
    type: 'cose',
    artifact: 'cose/message.cbor',
    key: 'cose/key.pub',
    format: 'x509',
    more: ['--aad', Buffer.from('test aad').toString('base64')],
    isFoundByFile: true,
    objectName: 'CoseObj',
  },
  {
    name: 'rfc3161',
    type: 'rfc3161',
    artifact: 'rfc3161/test.tsr',
    isFoundByFile: true,
    objectName: 'Rfc3161Obj',
  },
  {
    name: 'alpine',
    type: 'alpine',
    artifact: 'alpine/test.apk',
    key: 'alpine/key.pub',
    format: 'x509',
    isFoundByFile: true,
    objectName: 'AlpineModel',
  },
  {
    name: 'helm',
    type: 'helm',
    artifact: 'helm/test-0.1.0.tgz.prov',
    key: 'helm/key.asc',
    format: 'pgp',
    objectName: 'HelmObj',
  },
  { name: 'jar', type: 'jar', artifact: 'jar/test.jar', isFoundByFile: true, objectName: 'JARModel' },
  {
    name: 'rpm',
    type: 'rpm',
    artifact: 'rpm/test.rpm',
    key: 'rpm/key.asc',
    format: 'pgp',
    isFoundByFile: true,
    objectName: 'RPMModel',
  },
]

export function kindChecks(rekor: RekorCli): readonly Check[] {
  const check = (name: string, prepare: (folder: string) => Promise<Omit<KindCase, 'name'>>): Check => ({
    kind: 'bundle',
    name: `${name}: upload, get, verify, search`,
    run: async (session, entry) => {
      const { type, artifact, signature, key, format, more = [], ...expected } = await prepare(session.folder)
      const at = (file: string) => path.resolve(inputs, file)
      const flags = [
        '--type',
        type,
        '--artifact',
        at(artifact),
        ...(signature === undefined ? [] : ['--signature', at(signature)]),
        ...(key === undefined ? [] : ['--public-key', at(key)]),
        ...(format === undefined ? [] : ['--pki-format', format]),
        ...more,
      ]
      const uploaded = await rekor(session, entry, ['upload', ...flags])
      const uuid = /\/entries\/([0-9a-f]{80})/.exec(uploaded)?.[1]
      if (!uploaded.includes('Created entry') || uuid === undefined)
        throw new InteropError('failed', `upload answered ${uploaded.slice(0, 200)}`)
      expect(await rekor(session, entry, ['get', '--uuid', uuid]), expected.objectName, 'get')
      expect(await rekor(session, entry, ['verify', ...flags]), 'Inclusion Proof', 'verify')
      expect(await rekor(session, entry, ['upload', ...flags]), 'already exists', 'a second upload')
      if (key !== undefined && format !== undefined) {
        const byKey = ['search', '--public-key', at(key), '--pki-format', format]
        await expectFound(() => rekor(session, entry, byKey), uuid, 'search by key')
      }
      if (expected.isFoundByFile === true) {
        const byFile = ['search', '--artifact', at(artifact)]
        await expectFound(() => rekor(session, entry, byFile), uuid, 'search by file')
      }
    },
  })
  return [
    ...cases.map(({ name, ...theCase }) => check(name, async () => theCase)),
    check('tuf', async (folder) => {
      const root = path.join(folder, 'root.json')
      await writeFile(root, createTufRoot(new Date()))
      return { type: 'tuf', artifact: root, key: root, format: 'tuf', objectName: 'TufObj' }
    }),
  ]
}
