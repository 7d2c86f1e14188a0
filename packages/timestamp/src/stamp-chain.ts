/** What clients accept of the chain of a timestamp authority: signing certificate first, self-signed root last. */
import { equalBytes, type PublicKey } from '@sigstack/crypto'
import {
  assertStrongKey,
  type Certificate,
  extendedKeyUsageOid,
  extensionOid,
  isSelfSigned,
  verifyChain,
  X509Error,
} from '@sigstack/x509'
import { TimestampError } from './errors.ts'

const { timeStamping } = extendedKeyUsageOid
/** RFC 3161 and OpenSSL: a key that stamps does nothing else. */
const permittedUsages: ReadonlySet<string> = new Set(['digitalSignature', 'contentCommitment'])

/** RFC 3161 section 2.3: for time stamping alone, and critical. */
export function isForTimestampsAlone({ extendedKeyUsages, extensions }: Certificate): boolean {
  const isCritical = extensions.some(({ oid, critical }) => oid === extensionOid.extendedKeyUsage && critical)
  return isCritical && extendedKeyUsages.length === 1 && extendedKeyUsages[0] === timeStamping
}

/** RFC 5280 section 4.2.1.12: the usages that go together with time stamping. Absent means any. */
export function isForSignaturesAlone({ keyUsage }: Certificate): boolean {
  return (
    keyUsage === undefined || (keyUsage.length > 0 && keyUsage.every((usage) => permittedUsages.has(usage)))
  )
}

/** Throws a {@link TimestampError} with `bad_chain`. Without `at` the certificates may have ended. */
export async function assertStampChain(
  chain: readonly Certificate[],
  { key, at }: { readonly key?: Pick<PublicKey, 'spki'>; readonly at?: Date } = {},
): Promise<void> {
  const [leaf, ...issuers] = chain
  const root = issuers.at(-1)
  if (leaf === undefined || root === undefined)
    throw refused('it must hold the certificate that stamps and at least the root above it')
  if (leaf.isCa) throw refused('its first certificate is a CA, and must be the one that stamps')
  if (!isForTimestampsAlone(leaf))
    throw refused('its first certificate must have the extended key usage time stamping alone, and critical')
  if (!isForSignaturesAlone(leaf) || leaf.keyUsage?.includes('digitalSignature') === false)
    throw refused('the key usage of its first certificate must be digital signature')
  if (leaf.publicKey.type !== 'ecdsa')
    throw refused('the key that stamps must be ECDSA: sigstore-js reads no other signature')
  if (key !== undefined && !equalBytes(leaf.spki, key.spki))
    throw refused('its first certificate is of another key')
  const blind = issuers
    .slice(0, -1)
    .find(({ extendedKeyUsages }) => !extendedKeyUsages.includes(timeStamping))
  if (blind !== undefined)
    throw refused('each intermediate certificate must have the extended key usage time stamping')
  try {
    for (const { publicKey } of chain) assertStrongKey(publicKey)
    if (!(await isSelfSigned(root)))
      throw new X509Error('root_not_self_signed', 'its last certificate must be a self-signed root')
    await verifyChain(chain, {
      roots: [root],
      extendedKeyUsage: timeStamping,
      ...(at === undefined ? { checkValidity: false } : { at }),
    })
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw refused(cause.message, cause)
  }
}

function refused(reason: string, cause?: unknown): TimestampError {
  return new TimestampError('bad_chain', `the chain cannot be used for timestamps: ${reason}`, { cause })
}
