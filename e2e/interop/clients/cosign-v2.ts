import type { Client } from '../client.ts'
import { keyFileVariables } from '../trust-material.ts'
import {
  attestBlob,
  type Cosign,
  cosignMirrorCheck,
  identityFlags,
  predicateFlags,
  signBlob,
  urlFlags,
  verifyBlob,
  verifyBlobAttestation,
  versionIn,
} from './cosign-commands.ts'
import { fileAttester, fileSigner, fileVerifiers } from './cosign-files.ts'
import { type KeyTool, keySigners, keyVerifiers } from './key-files.ts'

export const cosignV2: Client = {
  name: 'cosign-v2',
  install: async ({ goInstall, run, versionOf }) => {
    const program = await goInstall({
      name: 'cosign-v2',
      module: 'github.com/sigstore/cosign/v2/cmd/cosign',
      version: versionOf('cosign-v2', 'v2.6.5'),
    })
    const cosign: Cosign = { program, bundleFlags: ['--new-bundle-format'] }
    const keys: KeyTool = {
      words: [program],
      signFlags: (job, session) => [
        ...cosign.bundleFlags,
        ...urlFlags(session, []),
        '--trusted-root',
        job.trust.trustedRoot,
      ],
      verifyFlags: cosign.bundleFlags,
    }
    const withFiles = { program, signFlags: [], verifyFlags: [] }
    return {
      version: versionIn((await run(program, ['version'])).stdout),
      signers: [
        { kind: 'bundle', sign: (session, job) => signBlob(cosign, session, job, urlFlags(session, [])) },
        {
          kind: 'attestation',
          sign: async (session, job) =>
            attestBlob(cosign, session, job, await predicateFlags(session), urlFlags(session, [])),
        },
        {
          kind: 'cosign legacy',
          way: 'legacy bundle, key files',
          sign: async (session, job) => {
            await session.run(
              program,
              [
                'sign-blob',
                '--yes',
                ...urlFlags(session, []),
                '--identity-token',
                await session.token(),
                '--bundle',
                job.bundle,
                job.file,
              ],
              { environment: keyFileVariables(job.trust) },
            )
          },
        },
        ...keySigners(keys),
        fileSigner(withFiles),
        fileAttester(withFiles, 'attest without a bundle'),
        fileAttester(withFiles, 'attest without a bundle, intoto', ['--rekor-entry-type', 'intoto']),
      ],
      verifiers: [
        { kinds: ['bundle'], verify: (session, job) => verifyBlob(cosign, session, job) },
        { kinds: ['attestation'], verify: (session, job) => verifyBlobAttestation(cosign, session, job) },
        {
          kinds: ['cosign legacy'],
          way: 'legacy bundle, key files',
          verify: async (session, job) => {
            await session.run(
              program,
              [
                'verify-blob',
                '--rekor-url',
                `${session.endpoints.services.rekor}`,
                '--bundle',
                job.bundle,
                ...identityFlags(job),
                job.file,
              ],
              { environment: keyFileVariables(job.trust) },
            )
          },
        },
        ...keyVerifiers(keys),
        ...fileVerifiers(withFiles),
      ],
      checks: [cosignMirrorCheck(cosign, (session) => urlFlags(session, []))],
    }
  },
}
