/** What becomes of a fresh signature: it is verified before it is written anywhere, and then told. */
import { escaped } from '@sigstack/crypto'
import type { TrustedRoot } from '@sigstack/trust-root'
import {
  type Artifact,
  type Bundle,
  type CertificateIdentity,
  type LogEntry,
  readBundle,
  type VerifyOptions,
  verifyBundle,
} from '@sigstack/verification'
import { embeddedScts } from '@sigstack/x509'
import { CliError } from '../errors.ts'
import { type Io, messageOf } from '../io.ts'
import { trustsNobody } from '../verifying/verifying-options.ts'
import type { Signing, SigningOptions } from './signing-options.ts'

export type Accepted = {
  readonly bundle: Bundle
  /** Absent where a key signed, or no trusted root is at hand that says whose certificates count. */
  readonly identity: CertificateIdentity | undefined
}

/** From its text, so that what is written is what was verified. Throws `not_signed`. */
export async function demandAccepted(
  text: string,
  artifact: Artifact | undefined,
  signing: Signing,
  options: OwnTrust,
): Promise<Accepted> {
  const bundle = readBundle(text)
  const conditions = await conditionsOfFresh(signing, options)
  if (conditions === undefined) return { bundle, identity: undefined }
  const { identity } = await asFresh(
    verifyBundle({
      ...conditions,
      bundle,
      artifact: artifact ?? { digests: {} },
      ignoreSubject: artifact === undefined,
    }),
  )
  return { bundle, identity }
}

type OwnTrust = Pick<SigningOptions, 'certificate' | 'trustedRoot'>

/**
 * What a signature must meet that was made here; undefined where nothing at hand says whose certificates
 * count.
 */
export async function conditionsOfFresh(
  { credential, witnesses, trustedRoot }: Signing,
  options: OwnTrust,
): Promise<Omit<VerifyOptions, 'bundle' | 'artifact'> | undefined> {
  const leaf = (await credential.certificate?.())?.leaf
  // Who brings a certificate of an authority of their own may have nothing at hand that trusts it.
  const isOwn = options.certificate !== undefined
  const root = !isOwn || options.trustedRoot !== undefined ? trustedRoot : undefined
  if (leaf !== undefined && root === undefined) return undefined
  const hasPromise = leaf !== undefined && embeddedScts(leaf) !== undefined
  return {
    trustedRoot: root ?? trustsNobody,
    signer: leaf === undefined ? { key: credential.key.publicKey } : {},
    ignoreTlog: root === undefined || !witnesses.some(({ kind }) => kind === 'log'),
    ignoreSct: root === undefined || ((isOwn || hasNoCtLog(root)) && !hasPromise),
    now: new Date(),
  }
}

/** Throws `not_signed` where a fresh signature does not verify. */
export async function asFresh<Result>(verification: Promise<Result>): Promise<Result> {
  try {
    return await verification
  } catch (cause) {
    throw new CliError(
      'not_signed',
      `the fresh signature does not verify, so it was not written: ${messageOf(cause)}`,
      {
        cause,
        advice:
          'The published trust and the services disagree (was a key changed a moment ago?), or clocks do: sigstack doctor looks at both.',
      },
    )
  }
}

export function tellSigner(io: Io, { bundle, identity }: Accepted): void {
  const [entry] = bundle.entries
  const logged = entry === undefined ? '' : `, log index ${entry.logIndex}`
  if (identity !== undefined) {
    const by = identity.issuer === undefined ? '' : ` (${escaped(identity.issuer)})`
    io.err(`Signed as ${escaped(identity.subject)}${by}${logged}\n`)
  } else if (entry !== undefined) io.err(`Signed${logged}\n`)
}

/** Of a result for programs. */
export function signerMembers({ bundle, identity }: Accepted): object {
  const [entry] = bundle.entries
  return {
    identity: identity?.subject,
    issuer: identity?.issuer,
    logIndex: entry?.logIndex.toString(),
    integratedTime: entry && timeOf(entry),
  }
}

/** Undefined of a log that tells no times. */
function timeOf({ integratedTime }: LogEntry): string | undefined {
  return integratedTime === 0n ? undefined : new Date(Number(integratedTime) * 1000).toISOString()
}

/**
 * Their CA runs without one, and the published trust says so: it lists none, or only those that had an end.
 */
function hasNoCtLog({ ctlogs }: TrustedRoot): boolean {
  return !ctlogs.some(({ validFor }) => validFor.end === undefined)
}
