/** The command lines that cosign 2 and 3 share. */
import type { Check, Session, SignJob, VerifyJob } from '../client.ts'
import { mirrorCheck } from '../mirror.ts'
import { predicateTypeName, writePredicate } from '../statement.ts'

export type Cosign = {
  readonly program: string
  /** cosign 2 has to be asked for what cosign 3 does unasked. */
  readonly bundleFlags: readonly string[]
}

/** Where to go as single URLs, which makes cosign speak version 1 of the CA's interface. */
export function urlFlags({ endpoints }: Session, flags: readonly string[]): readonly string[] {
  const { ca, rekor } = endpoints.services
  return [...flags, '--fulcio-url', `${ca}`, '--rekor-url', `${rekor}`, '--oidc-issuer', endpoints.issuer]
}

export function signingConfigFlags({ trust }: SignJob): readonly string[] {
  return ['--signing-config', trust.signingConfig]
}

export async function signBlob(
  { program, bundleFlags }: Cosign,
  session: Session,
  job: SignJob,
  where: readonly string[],
): Promise<void> {
  await session.run(program, [
    'sign-blob',
    '--yes',
    ...bundleFlags,
    ...where,
    '--trusted-root',
    job.trust.trustedRoot,
    '--identity-token',
    await session.token(),
    '--bundle',
    job.bundle,
    job.file,
  ])
}

export async function verifyBlob(
  { program, bundleFlags }: Cosign,
  session: Session,
  job: VerifyJob,
  more: readonly string[] = [],
): Promise<void> {
  await session.run(program, [
    'verify-blob',
    ...bundleFlags,
    ...more,
    '--trusted-root',
    job.trust.trustedRoot,
    '--bundle',
    job.bundle,
    ...identityFlags(job),
    job.file,
  ])
}

export async function attestBlob(
  { program, bundleFlags }: Cosign,
  session: Session,
  job: SignJob,
  /** A predicate or a whole statement, as flags. */
  what: readonly string[],
  where: readonly string[],
): Promise<void> {
  await session.run(program, [
    'attest-blob',
    '--yes',
    ...bundleFlags,
    ...where,
    '--trusted-root',
    job.trust.trustedRoot,
    '--identity-token',
    await session.token(),
    ...what,
    '--bundle',
    job.bundle,
    job.file,
  ])
}

export async function predicateFlags({ folder }: Session): Promise<readonly string[]> {
  return ['--predicate', await writePredicate(folder), '--type', predicateTypeName]
}

export async function verifyBlobAttestation(
  { program, bundleFlags }: Cosign,
  session: Session,
  job: VerifyJob,
): Promise<void> {
  await session.run(program, [
    'verify-blob-attestation',
    ...bundleFlags,
    '--trusted-root',
    job.trust.trustedRoot,
    '--bundle',
    job.bundle,
    '--type',
    predicateTypeName,
    ...identityFlags(job),
    job.file,
  ])
}

export function identityFlags({ identity }: Pick<VerifyJob, 'identity'>): readonly string[] {
  return ['--certificate-identity', identity.email, '--certificate-oidc-issuer', identity.issuer]
}

/** Its cache is in its home; there is nothing else that it could believe in. */
export function cosignMirrorCheck(
  { program, bundleFlags }: Cosign,
  signFlags: (session: Session) => readonly string[],
): Check {
  return mirrorCheck({
    initialize: async (session, { url, root }) => {
      await session.run(program, ['initialize', '--mirror', url, '--root', root])
    },
    sign: async (session, { file, bundle }) => {
      const token = ['--identity-token', await session.token()]
      await session.run(program, [
        'sign-blob',
        '--yes',
        ...bundleFlags,
        ...signFlags(session),
        ...token,
        '--bundle',
        bundle,
        file,
      ])
    },
    verify: async (session, job) => {
      const { bundle, file } = job
      const flags = [...bundleFlags, '--bundle', bundle, ...identityFlags(job)]
      await session.run(program, ['verify-blob', ...flags, file])
    },
  })
}

/** `cosign version` draws a picture first. */
export function versionIn(output: string): string {
  return /GitVersion:\s*(\S+)/.exec(output)?.[1] ?? 'unknown'
}
