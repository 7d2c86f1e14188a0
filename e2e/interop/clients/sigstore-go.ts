import { writeFile } from 'node:fs/promises'
import type { Client, Session, SignJob } from '../client.ts'
import { mirrorCheck } from '../mirror.ts'
import { writeStatement } from '../statement.ts'

const examples = 'github.com/sigstore/sigstore-go/examples'

/** A library; its two example programs are what there is to run, and they name no version. */
export const sigstoreGo: Client = {
  name: 'sigstore-go',
  install: async ({ goInstall, versionOf }) => {
    // The last one that Go 1.26 builds.
    const version = versionOf('sigstore-go', 'v1.3.0')
    const install = (name: string) => goInstall({ name, module: `${examples}/${name}`, version })
    const signing = await install('sigstore-go-signing')
    const verification = await install('sigstore-go-verification')

    /** It prints its key and other remarks, then the bundle on one line. */
    const sign = async (session: Session, { bundle, trust }: SignJob, what: readonly string[]) => {
      const { stdout } = await session.run(signing, [
        '-signing-config',
        trust.signingConfig,
        '-trusted-root',
        trust.trustedRoot,
        '-rekor',
        '-id-token',
        await session.token(),
        ...what,
      ])
      await writeFile(bundle, stdout.split('\n').find((line) => line.startsWith('{')) ?? '')
    }
    return {
      version,
      signers: [
        { kind: 'bundle', sign: (session, job) => sign(session, job, [job.file]) },
        {
          kind: 'attestation',
          sign: async (session, job) =>
            sign(session, job, ['-in-toto', await writeStatement(session.folder, job.file)]),
        },
      ],
      verifiers: [
        {
          kinds: ['bundle', 'attestation'],
          verify: async (session, { file, bundle, trust, identity }) => {
            await session.run(verification, [
              '-trustedrootJSONpath',
              trust.trustedRoot,
              '-expectedSAN',
              identity.email,
              '-expectedIssuer',
              identity.issuer,
              '-artifact',
              file,
              bundle,
            ])
          },
        },
      ],
      checks: [
        mirrorCheck({
          verify: async (session, { file, bundle, identity: { email, issuer } }, { url, root }) => {
            const trust = ['-tufRootURL', url, '-tufTrustedRoot', root]
            const expected = ['-expectedSAN', email, '-expectedIssuer', issuer]
            await session.run(verification, [...trust, ...expected, '-artifact', file, bundle])
          },
        }),
      ],
    }
  },
}
