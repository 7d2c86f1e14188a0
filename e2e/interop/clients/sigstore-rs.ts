import { fileURLToPath } from 'node:url'
import type { Client } from '../client.ts'

const source = fileURLToPath(new URL('../programs/sigstore-rs', import.meta.url))

/** A library. It takes no private TUF repository, and of a log entry it reads the time and compares the content. */
export const sigstoreRs: Client = {
  name: 'sigstore-rs',
  install: async ({ cargoBuild, versionOf }) => {
    const version = versionOf('sigstore-rs', '0.15.0')
    const program = await cargoBuild({ name: 'sigstore-rs', crate: 'sigstore', version, source })
    return {
      version,
      signers: [
        {
          kind: 'bundle',
          way: 'CA and log clients',
          sign: async (session, { file, bundle }) => {
            const { ca, rekor } = session.endpoints.services
            await session.run(program, ['sign', `${ca}`, `${rekor}`, await session.token(), file, bundle])
          },
        },
      ],
      verifiers: [
        {
          kinds: ['bundle', 'attestation'],
          checksLog: false,
          verify: async (session, { file, bundle, trust, identity: { email, issuer } }) => {
            await session.run(program, ['verify', trust.trustedRoot, bundle, file, email, issuer])
          },
        },
      ],
    }
  },
}
