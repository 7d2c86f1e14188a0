/** Keyless signing of a file into a bundle v0.3: fresh key, certificate, signature, log entry. */
import { sha256 } from '@sigstack/crypto'
import { type Bundle, bundleToJSON, toMessageSignatureBundle } from '@sigstore/bundle'
import { FulcioSigner, InternalError, RekorWitness, TSAWitness, type Witness } from '@sigstore/sign'
import { CliError } from '../errors.ts'
import type { SigningServices } from './select-services.ts'

const caTimeoutMs = 30_000
const logTimeoutMs = 90_000

export type SignOptions = {
  readonly artifact: Buffer
  readonly identityToken: string
  readonly services: SigningServices
  /** Called before each step, with words for people. */
  readonly onProgress?: (step: string) => void
}

/**
 * The library's own builder writes v0.2, which newer readers drop, so the parts are put together here.
 * Throws `not_signed` with the reason of the service that refused.
 */
export async function signBundle(options: SignOptions): Promise<{ bundle: Bundle; text: string }> {
  const { artifact, identityToken, services } = options
  const tell = options.onProgress ?? (() => undefined)
  tell('Getting a certificate for a fresh key...')
  const signer = new FulcioSigner({
    fulcioBaseURL: services.caUrl,
    identityProvider: { getToken: () => Promise.resolve(identityToken) },
    timeout: caTimeoutMs,
    retry: 1,
  })
  const { signature, key } = await explained(
    signer.sign(artifact),
    'The certificate authority',
    services.caUrl,
  )
  if (key.$case !== 'x509Certificate') throw new Error('a keyless signer answers with a certificate')

  const bundle = toMessageSignatureBundle({
    digest: Buffer.from(sha256(artifact)),
    signature,
    certificate: derOf(key.certificate),
    certificateChain: false,
  })
  tell('Entering the signature into the transparency log...')
  const witnesses: readonly { witness: Witness; who: string; url: string }[] = [
    ...services.rekorUrls.map((url) => ({
      witness: new RekorWitness({
        rekorBaseURL: url,
        fetchOnConflict: true,
        timeout: logTimeoutMs,
        retry: 1,
      }),
      who: 'The transparency log',
      url,
    })),
    ...services.tsaUrls.map((url) => ({
      witness: new TSAWitness({ tsaBaseURL: url, timeout: caTimeoutMs, retry: 1 }),
      who: 'The timestamp authority',
      url,
    })),
  ]
  const evidence = await Promise.all(
    witnesses.map(({ witness, who, url }) =>
      explained(witness.testify(bundle.content, key.certificate), who, url),
    ),
  )
  const rfc3161Timestamps = evidence.flatMap((found) => found.rfc3161Timestamps ?? [])
  const complete: Bundle = {
    ...bundle,
    verificationMaterial: {
      ...bundle.verificationMaterial,
      tlogEntries: evidence.flatMap((found) => found.tlogEntries ?? []),
      timestampVerificationData: rfc3161Timestamps.length === 0 ? undefined : { rfc3161Timestamps },
    },
  }
  return { bundle: complete, text: `${JSON.stringify(bundleToJSON(complete))}\n` }
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----(?:BEGIN|END) CERTIFICATE-----|\s/g, ''), 'base64')
}

async function explained<Result>(work: Promise<Result>, who: string, url: string): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof InternalError)) throw error
    // One of the library's messages quotes the identity token; ours come from the cause or are our own.
    const reason: unknown = error.cause
    const said = reason instanceof Error ? reason.message : 'no further reason is known'
    const status = reason instanceof Error && 'statusCode' in reason ? Number(reason.statusCode) : undefined
    throw new CliError('not_signed', `${who} at ${url} refused or failed: ${withoutTokens(said)}`, {
      advice: adviceFor(status),
    })
  }
}

function adviceFor(status: number | undefined): string {
  if (status === undefined) return 'Check that the service runs and that its URL can be reached from here.'
  if (status < 500)
    return 'Check the identity token: its issuer, audience and age must suit the certificate authority.'
  return 'Try again in a moment; if it stays so, look into the log of the service.'
}

export function withoutTokens(text: string): string {
  return text.replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[token]')
}
