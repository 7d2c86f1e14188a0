import { fileURLToPath } from 'node:url'
import type { Client, Session, Signer, SignJob, Verifier } from '../client.ts'
import { mirrorCheck } from '../mirror.ts'
import { writeStatement } from '../statement.ts'

const program = fileURLToPath(new URL('../programs/sigstore-js.ts', import.meta.url))

async function run(session: Session, command: string, job: Readonly<Record<string, string>>): Promise<void> {
  await session.run(process.execPath, [program, command, JSON.stringify(job)])
}

async function signing(
  session: Session,
  { file, bundle }: SignJob,
): Promise<Readonly<Record<string, string>>> {
  const { ca, rekor } = session.endpoints.services
  return { file, bundle, ca: `${ca}`, rekor: `${rekor}`, token: await session.token() }
}

const signers: readonly Signer[] = [
  {
    kind: 'bundle',
    sign: async (session, job) => run(session, 'sign', await signing(session, job)),
  },
  {
    kind: 'attestation',
    sign: async (session, job) =>
      run(session, 'attest', {
        ...(await signing(session, job)),
        statement: await writeStatement(session.folder, job.file),
      }),
  },
]

/** `sigstore.verify` takes its trust from a TUF mirror only; what it verifies with takes a file too. */
function verifier(version: string): Verifier {
  return {
    way: `@sigstore/verify ${version} with a trusted root file`,
    kinds: ['bundle', 'attestation'],
    verify: (session, { file, bundle, trust, identity }) =>
      run(session, 'verify', { file, bundle, trustedRoot: trust.trustedRoot, ...identity }),
  }
}

/** Of this workspace's own lockfile. */
export const sigstoreJs: Client = {
  name: 'sigstore-js',
  install: async (workshop) => {
    const { stdout } = await workshop.run(process.execPath, [program, 'version'])
    const [version = '', verifyVersion = ''] = stdout.trim().split(' ')
    const checks = [
      mirrorCheck({
        verify: (session, { file, bundle, identity }, { url, root }) =>
          run(session, 'verify-by-mirror', { file, bundle, mirror: url, root, ...identity }),
      }),
    ]
    return { version, signers, verifiers: [verifier(verifyVersion)], checks }
  },
}
