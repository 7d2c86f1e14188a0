import type { Client, Session } from '../client.ts'
import { mirrorCheck } from '../mirror.ts'
import { predicateType, writePredicate } from '../statement.ts'

export const sigstorePython: Client = {
  name: 'sigstore-python',
  install: async ({ pipInstall, run, versionOf }) => {
    const { python, packages } = await pipInstall({
      name: 'sigstore',
      version: versionOf('sigstore-python', '4.5.1'),
    })
    const environment = { PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' }
    const sigstore = (session: Session, args: readonly string[]) =>
      session.run(python, ['-m', 'sigstore', ...args], { environment })
    const { stdout } = await run(python, ['-m', 'sigstore', '--version'], { environment })
    return {
      version: stdout.trim().split(' ').at(-1) ?? 'unknown',
      signers: [
        {
          kind: 'bundle',
          sign: async (session, { file, bundle, trust }) => {
            await sigstore(session, [
              '--trust-config',
              trust.clientTrustConfig,
              'sign',
              '--identity-token',
              await session.token(),
              '--bundle',
              bundle,
              file,
            ])
          },
        },
        {
          kind: 'attestation',
          sign: async (session, { file, bundle, trust }) => {
            await sigstore(session, [
              '--trust-config',
              trust.clientTrustConfig,
              'attest',
              '--predicate',
              await writePredicate(session.folder),
              '--predicate-type',
              predicateType,
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
          kinds: ['bundle', 'attestation'],
          verify: async (session, { file, bundle, trust, identity }) => {
            await sigstore(session, [
              '--trust-config',
              trust.clientTrustConfig,
              'verify',
              'identity',
              '--cert-identity',
              identity.email,
              '--cert-oidc-issuer',
              identity.issuer,
              '--bundle',
              bundle,
              file,
            ])
          },
        },
      ],
      checks: [
        mirrorCheck({
          initialize: async (session, { url, root }) => {
            await sigstore(session, ['--instance', url, 'trust-instance', root])
          },
          sign: async (session, { file, bundle }, { url }) => {
            const token = ['--identity-token', await session.token()]
            await sigstore(session, ['--instance', url, 'sign', ...token, '--bundle', bundle, file])
          },
          verify: async (session, { file, bundle, identity: { email, issuer } }, { url }) => {
            const expected = ['--cert-identity', email, '--cert-oidc-issuer', issuer]
            const command = ['--instance', url, 'verify', 'identity', ...expected]
            await sigstore(session, [...command, '--bundle', bundle, file])
          },
        }),
      ],
    }
  },
}
