import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { InteropError } from '../../support/interop-error.ts'
import { type Check, type Client, type Kind, type Session, type VerifyJob } from '../client.ts'
import { expect, expectFound, type RekorCli } from './rekor-cli-command.ts'
import { kindChecks } from './rekor-cli-kinds.ts'

export const rekorCli: Client = {
  name: 'rekor-cli',
  install: async ({ goInstall, run, versionOf }) => {
    const program = await goInstall({
      name: 'rekor-cli',
      module: 'github.com/sigstore/rekor/cmd/rekor-cli',
      // The last one that Go 1.26 builds.
      version: versionOf('rekor-cli', 'v1.5.4'),
    })
    const rekor: RekorCli = async (session, { trust }, args) => {
      const environment = { REKOR_REKOR_SERVER_PUBLIC_KEY: await readFile(trust.rekorKey, 'utf8') }
      const server = ['--rekor_server', `${session.endpoints.services.rekor}`]
      return (await session.run(program, [...args, ...server], { environment })).stdout
    }
    const { stdout } = await run(program, ['version'])
    return {
      version: /GitVersion:\s*(\S+)/.exec(stdout)?.[1] ?? 'unknown',
      signers: [],
      verifiers: [
        {
          way: 'the entry in the log',
          kinds: ['bundle'],
          checksCertificate: false,
          verify: async (session, job) => {
            await rekor(session, job, ['verify', ...(await entryFlags(session, job))])
          },
        },
      ],
      checks: checks(rekor),
    }
  },
}

function checks(rekor: RekorCli): readonly Check[] {
  return [
    {
      kind: 'bundle',
      // It keeps the tree it saw, and verifies that the next one extends it.
      name: 'loginfo, upload with a key of its own, loginfo again',
      run: async (session, entry) => {
        const before = await treeOf(rekor, session, entry)
        const answer = await rekor(session, entry, ['upload', ...(await keyedFlags(session))])
        expect(answer, 'Created entry', 'upload')
        const after = await treeOf(rekor, session, entry)
        if (after.ActiveTreeSize <= before.ActiveTreeSize)
          throw new InteropError('failed', 'the tree did not grow')
        expect(await rekor(session, entry, ['loginfo']), 'Verification Successful', 'loginfo')
      },
    },
    {
      kind: 'bundle',
      name: 'logproof from size 1',
      run: async (session, entry) => {
        const { ActiveTreeSize: size, RootHash: rootHash } = await treeOf(rekor, session, entry)
        const flags = ['--first-size', '1', '--last-size', `${size}`]
        expect(await rekor(session, entry, ['logproof', ...flags]), rootHash, 'logproof')
      },
    },
    ...entryChecks(rekor, 'bundle', 'HashedRekordObj', 'a signature'),
    ...entryChecks(rekor, 'attestation', 'DSSEObj', 'an attestation'),
    ...kindChecks(rekor),
  ]
}

/** `objectName` is what it calls such an entry. */
function entryChecks(rekor: RekorCli, kind: Kind, objectName: string, what: string): readonly Check[] {
  const finds = async (session: Session, entry: VerifyJob, flags: readonly string[]) => {
    const uuid = await uuidOf(rekor, session, entry)
    await expectFound(() => rekor(session, entry, ['search', ...flags]), uuid, `search ${flags[0]}`)
  }
  const checks: Readonly<Record<string, Check['run']>> = {
    'get by log index': async (session, entry) => {
      const answer = await rekor(session, entry, ['get', '--log-index', await logIndexOf(entry)])
      expect(answer, objectName, 'get')
    },
    'get by UUID': async (session, entry) => {
      const uuid = await uuidOf(rekor, session, entry)
      expect(await rekor(session, entry, ['get', '--uuid', uuid]), objectName, 'get')
    },
    'verify by log index': async (session, entry) => {
      const answer = await rekor(session, entry, ['verify', '--log-index', await logIndexOf(entry)])
      expect(answer, 'Inclusion Proof', 'verify')
    },
    'search by digest': async (session, entry) =>
      finds(session, entry, ['--sha', await sha256Of(entry.file)]),
    'search by file': (session, entry) => finds(session, entry, ['--artifact', entry.file]),
    'search by e-mail': (session, entry) => finds(session, entry, ['--email', entry.identity.email]),
    'search by certificate': async (session, entry) =>
      finds(session, entry, ['--public-key', await writeCertificate(session, entry)]),
  }
  return Object.entries(checks).map(([name, run]) => ({ kind, name: `${what}: ${name}`, run }))
}

async function entryFlags(session: Session, job: VerifyJob): Promise<readonly string[]> {
  const signature = await writeSignature(session, job)
  const certificate = await writeCertificate(session, job)
  return [
    '--artifact',
    job.file,
    '--artifact-hash',
    await sha256Of(job.file),
    '--signature',
    signature,
    '--public-key',
    certificate,
    '--pki-format',
    'x509',
  ]
}

/** A file signed with a fresh key, in no certificate. */
async function keyedFlags({ folder }: Session): Promise<readonly string[]> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const content = Buffer.from(`uploaded at ${new Date().toISOString()}\n`)
  const [file, signature, key] = ['uploaded.txt', 'uploaded.sig', 'uploaded.pub'].map((name) =>
    path.join(folder, name),
  ) as [string, string, string]
  await writeFile(file, content)
  await writeFile(signature, sign('sha256', content, privateKey))
  await writeFile(key, publicKey.export({ type: 'spki', format: 'pem' }))
  return ['--artifact', file, '--signature', signature, '--public-key', key, '--pki-format', 'x509']
}

type Tree = { readonly ActiveTreeSize: number; readonly RootHash: string }

async function treeOf(rekor: RekorCli, session: Session, entry: VerifyJob): Promise<Tree> {
  return JSON.parse(await rekor(session, entry, ['loginfo', '--format', 'json'])) as Tree
}

async function uuidOf(rekor: RekorCli, session: Session, entry: VerifyJob): Promise<string> {
  const answer = await rekor(session, entry, [
    'get',
    '--log-index',
    await logIndexOf(entry),
    '--format',
    'json',
  ])
  const { UUID: uuid } = JSON.parse(answer) as { UUID: string }
  return uuid
}

type Certificate = { readonly rawBytes: string }

type Bundle = {
  readonly messageSignature?: { readonly signature: string }
  readonly verificationMaterial: {
    readonly certificate?: Certificate
    /** In bundles before version 0.3. */
    readonly x509CertificateChain?: { readonly certificates: readonly Certificate[] }
    readonly tlogEntries: readonly { readonly logIndex: string }[]
  }
}

async function readBundle({ bundle }: VerifyJob): Promise<Bundle> {
  return JSON.parse(await readFile(bundle, 'utf8')) as Bundle
}

async function logIndexOf(job: VerifyJob): Promise<string> {
  const index = (await readBundle(job)).verificationMaterial.tlogEntries[0]?.logIndex
  if (index === undefined) throw new InteropError('failed', 'the bundle names no log index')
  return index
}

async function writeSignature(session: Session, job: VerifyJob): Promise<string> {
  const { messageSignature } = await readBundle(job)
  if (messageSignature === undefined)
    throw new InteropError('failed', 'the bundle holds no signature of a file')
  const file = path.join(session.folder, `${path.basename(job.bundle)}.sig`)
  await writeFile(file, Buffer.from(messageSignature.signature, 'base64'))
  return file
}

async function writeCertificate(session: Session, job: VerifyJob): Promise<string> {
  const { certificate, x509CertificateChain } = (await readBundle(job)).verificationMaterial
  const leaf = certificate ?? x509CertificateChain?.certificates[0]
  if (leaf === undefined) throw new InteropError('failed', 'the bundle holds no certificate')
  const lines = leaf.rawBytes.match(/.{1,64}/g) ?? []
  const file = path.join(session.folder, `${path.basename(job.bundle)}.pem`)
  await writeFile(file, `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`)
  return file
}

async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}
