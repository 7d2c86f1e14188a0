import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from '../client.ts'

const program = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))
const manifest = new URL('../../../packages/cli/package.json', import.meta.url)

/** The tool of this house, to be held against the others. */
export const sigstack: Client = {
  name: 'sigstack',
  install: async () => ({
    version: (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version,
    signers: [
      {
        kind: 'bundle',
        sign: async (session, { file, bundle, trust }) => {
          await session.run(process.execPath, [
            program,
            'sign-blob',
            '--trust-config',
            trust.clientTrustConfig,
            '--identity-token',
            await session.token(),
            '--bundle',
            bundle,
            file,
          ])
        },
      },
    ],
    verifiers: [
      {
        kinds: ['bundle'],
        verify: async (session, { file, bundle, trust, identity }) => {
          await session.run(process.execPath, [
            program,
            'verify-blob',
            '--trusted-root',
            trust.trustedRoot,
            '--bundle',
            bundle,
            '--certificate-identity',
            identity.email,
            '--certificate-oidc-issuer',
            identity.issuer,
            file,
          ])
        },
      },
    ],
  }),
}
