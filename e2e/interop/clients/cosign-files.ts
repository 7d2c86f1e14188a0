/** cosign without bundles: signature and certificate are files, and whoever verifies finds the entry by proposing it to the log again. */
import type { Session, Signer, SignJob, Verifier, VerifyJob } from '../client.ts'
import { predicateTypeName } from '../statement.ts'
import { keyFileVariables } from '../trust-material.ts'
import { identityFlags, predicateFlags, urlFlags } from './cosign-commands.ts'

export type CosignWithFiles = {
  readonly program: string
  /** What turns its bundles off. */
  readonly signFlags: readonly string[]
  readonly verifyFlags: readonly string[]
}

export function fileSigner(cosign: CosignWithFiles): Signer {
  return {
    kind: 'cosign files',
    way: 'without a bundle',
    sign: (session, job) => sign(cosign, session, job, ['sign-blob']),
  }
}

/** `flags` say which kind of entry it makes; `way` is the row's name. */
export function fileAttester(cosign: CosignWithFiles, way: string, flags: readonly string[] = []): Signer {
  return {
    kind: 'cosign attestation files',
    way,
    sign: async (session, job) =>
      sign(cosign, session, job, ['attest-blob', ...flags, ...(await predicateFlags(session))]),
  }
}

export function fileVerifiers(cosign: CosignWithFiles): readonly Verifier[] {
  return [
    {
      kinds: ['cosign files'],
      way: 'without a bundle',
      verify: (session, job) => verify(cosign, session, job, ['verify-blob']),
    },
    {
      kinds: ['cosign attestation files'],
      way: 'attestation without a bundle',
      verify: (session, job) =>
        verify(cosign, session, job, ['verify-blob-attestation', '--type', predicateTypeName]),
    },
  ]
}

async function sign(
  { program, signFlags }: CosignWithFiles,
  session: Session,
  job: SignJob,
  command: readonly string[],
): Promise<void> {
  const { signature, certificate } = filesOf(job)
  const where = urlFlags(session, signFlags)
  const token = ['--identity-token', await session.token()]
  const output = ['--output-signature', signature, '--output-certificate', certificate]
  await session.run(program, [...command, '--yes', ...where, ...token, ...output, job.file], {
    environment: keyFileVariables(job.trust),
  })
}

async function verify(
  { program, verifyFlags }: CosignWithFiles,
  session: Session,
  job: VerifyJob,
  command: readonly string[],
): Promise<void> {
  const { signature, certificate } = filesOf(job)
  const where = ['--rekor-url', `${session.endpoints.services.rekor}`]
  const input = ['--signature', signature, '--certificate', certificate]
  const flags = [...verifyFlags, ...where, ...input, ...identityFlags(job)]
  await session.run(program, [...command, ...flags, job.file], { environment: keyFileVariables(job.trust) })
}

function filesOf({ bundle }: SignJob): { readonly signature: string; readonly certificate: string } {
  return { signature: `${bundle}.sig`, certificate: `${bundle}.pem` }
}
