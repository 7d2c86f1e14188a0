/** The published files as text; the same trust is the same bytes. */
import { encodePem, encodePublicKeyPem, equalBytes, type PublicKey } from '@sigstack/crypto'
import {
  buildClientTrustConfig,
  buildSigningConfig,
  buildTrustedRoot,
  type LogToTrust,
  type SigningConfig,
  type TrustToPublish,
} from '@sigstack/trust-root'
import type { Config } from '../config.ts'

export type FileName = keyof typeof fileNames

/** Below the service's URL, and below its data folder. */
export const fileNames = {
  trustedRoot: 'trusted_root.json',
  signingConfig: 'signing_config.v0.2.json',
  clientTrustConfig: 'trust_config.json',
  rekorKey: 'keys/rekor.pub',
  ctKey: 'keys/ctfe.pub',
  caCertificates: 'keys/fulcio.crt.pem',
} as const

export type Files = Readonly<Record<FileName, string>>

/** @param activeRekorKey The key that the log signs with now, where it is known. */
export function composeFiles(
  trust: TrustToPublish,
  { publicUrls, operator }: Pick<Config, 'publicUrls' | 'operator'>,
  activeRekorKey?: PublicKey,
): Files {
  const signingConfig = composeSigningConfig(trust, publicUrls, operator)
  return {
    trustedRoot: buildTrustedRoot(trust),
    signingConfig: buildSigningConfig(signingConfig),
    clientTrustConfig: buildClientTrustConfig(trust, signingConfig),
    rekorKey: keysPem(trust.tlogs, activeRekorKey),
    ctKey: keysPem(trust.ctlogs),
    caCertificates: trust.certificateAuthorities
      .toSorted((a, b) => b.validFor.start.getTime() - a.validFor.start.getTime())
      .flatMap(({ chain }) => chain.map((der) => encodePem('CERTIFICATE', der)))
      .join(''),
  }
}

/**
 * Without a timestamp authority there is no `tsaConfig` either: JavaScript clients demand a service wherever
 * they see one.
 */
function composeSigningConfig(
  trust: TrustToPublish,
  publicUrls: Config['publicUrls'],
  operator: string,
): SigningConfig {
  const everything = [...trust.tlogs, ...trust.certificateAuthorities, ...trust.ctlogs]
  const start = new Date(Math.min(...everything.map(({ validFor }) => validFor.start.getTime())))
  const service = (url: string) => [{ url, majorApiVersion: 1, validFor: { start }, operator }]
  return {
    caUrls: service(publicUrls.ca),
    oidcUrls: service(publicUrls.oidcIssuer),
    rekorTlogUrls: service(publicUrls.rekor),
    tsaUrls: [],
    rekorTlogConfig: { selector: 'ANY' },
  }
}

/**
 * For readers that take only the first block: the active key comes first, since a newer one may only be prepared; then the newest.
 */
function keysPem(logs: readonly LogToTrust[], active?: PublicKey): string {
  const isActive = ({ publicKey }: LogToTrust) =>
    active !== undefined && equalBytes(publicKey.spki, active.spki)
  return logs
    .toSorted(
      (a, b) =>
        Number(isActive(b)) - Number(isActive(a)) || b.validFor.start.getTime() - a.validFor.start.getTime(),
    )
    .map(({ publicKey }) => encodePublicKeyPem(publicKey))
    .join('')
}
