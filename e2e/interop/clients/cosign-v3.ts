import type { Client } from '../client.ts'
import { writeStatement } from '../statement.ts'
import {
  attestBlob,
  type Cosign,
  cosignMirrorCheck,
  predicateFlags,
  signBlob,
  signingConfigFlags,
  urlFlags,
  verifyBlob,
  verifyBlobAttestation,
  versionIn,
} from './cosign-commands.ts'
import { fileAttester, fileSigner, fileVerifiers } from './cosign-files.ts'
import { type KeyTool, keySigners, keyVerifiers } from './key-files.ts'
import { sigstackWords } from './sigstack.ts'

export const cosignV3: Client = {
  name: 'cosign-v3',
  install: async ({ goInstall, run, versionOf }) => {
    const program = await goInstall({
      name: 'cosign-v3',
      module: 'github.com/sigstore/cosign/v3/cmd/cosign',
      version: versionOf('cosign-v3', 'v3.1.3'),
    })
    const cosign: Cosign = { program, bundleFlags: [] }
    const keys: KeyTool = {
      words: [program],
      signFlags: (job) => [...signingConfigFlags(job), '--trusted-root', job.trust.trustedRoot],
      verifyFlags: [],
    }
    const withFiles = {
      program,
      signFlags: ['--new-bundle-format=false', '--use-signing-config=false'],
      verifyFlags: ['--new-bundle-format=false'],
    }
    return {
      version: versionIn((await run(program, ['version'])).stdout),
      signers: [
        { kind: 'bundle', sign: (session, job) => signBlob(cosign, session, job, signingConfigFlags(job)) },
        {
          kind: 'bundle',
          way: 'by URLs, CA v1',
          sign: (session, job) =>
            signBlob(cosign, session, job, urlFlags(session, ['--use-signing-config=false'])),
        },
        {
          kind: 'attestation',
          sign: async (session, job) =>
            attestBlob(cosign, session, job, await predicateFlags(session), signingConfigFlags(job)),
        },
        {
          kind: 'attestation',
          way: 'a given statement',
          sign: async (session, job) => {
            const statement = ['--statement', await writeStatement(session.folder, job.file)]
            await attestBlob(cosign, session, job, statement, signingConfigFlags(job))
          },
        },
        ...keySigners(keys),
        ...keySigners(keys, { name: 'sigstack', words: sigstackWords }),
        fileSigner(withFiles),
        fileAttester(withFiles, 'attest without a bundle'),
      ],
      verifiers: [
        { kinds: ['bundle'], verify: (session, job) => verifyBlob(cosign, session, job) },
        { kinds: ['attestation'], verify: (session, job) => verifyBlobAttestation(cosign, session, job) },
        ...keyVerifiers(keys),
        ...fileVerifiers(withFiles),
      ],
      checks: [
        cosignMirrorCheck(cosign, () => []),
        {
          name: 'signs with a timestamp, and verifies by it',
          kind: 'bundle',
          run: async (session, entry) => {
            const job = { ...entry, bundle: `${entry.bundle}.stamped` }
            await signBlob(cosign, session, job, signingConfigFlags(job))
            await verifyBlob(cosign, session, job, ['--use-signed-timestamps'])
          },
        },
      ],
    }
  },
}
