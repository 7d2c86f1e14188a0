/**
 * Whether a log entry is about this very signature. The library compares an entry's digest and signature with the
 * bundle, but not its certificate or key: an entry of somebody else over the same signature would do.
 */
import { equalBytes, parsePemBlock } from '@sigstack/crypto'
import type { TransparencyLogEntry } from '@sigstore/bundle'
import { CliError } from '../errors.ts'

/** `verifier`: DER of the certificate, or of the public key where the bundle has none. */
export function demandVerifier(entry: TransparencyLogEntry, verifier: Uint8Array): void {
  const named = verifiersIn(JSON.parse(entry.canonicalizedBody.toString('utf8')))
  if (!named.some((der) => equalBytes(der, verifier))) {
    throw new CliError(
      'not_verified',
      'the log entry was made for another certificate or key than the one in the bundle',
    )
  }
}

/** Another thing left to us: that size and root beside the proof are those of the signed checkpoint. */
export function demandProofOfCheckpoint({ inclusionProof }: TransparencyLogEntry): void {
  if (inclusionProof === undefined) return
  const [, size, root] = (inclusionProof.checkpoint?.envelope ?? '').split('\n')
  if (size !== inclusionProof.treeSize || root !== inclusionProof.rootHash.toString('base64')) {
    throw new CliError('not_verified', 'the inclusion proof and the checkpoint speak of different trees')
  }
}

/** Where each kind and version keeps it; see the entry types of Rekor. */
function verifiersIn(body: unknown): readonly Uint8Array[] {
  const kind = `${String(at(body, 'kind'))} ${String(at(body, 'apiVersion'))}`
  switch (kind) {
    case 'hashedrekord 0.0.1':
      return pemTexts([at(body, 'spec', 'signature', 'publicKey', 'content')])
    case 'hashedrekord 0.0.2':
      return derTexts([at(body, 'spec', 'hashedRekordV002', 'signature', 'verifier')])
    case 'dsse 0.0.1':
      return pemTexts(listOf(at(body, 'spec', 'signatures')).map((signature) => at(signature, 'verifier')))
    case 'dsse 0.0.2':
      return derTexts(
        listOf(at(body, 'spec', 'dsseV002', 'signatures')).map((signature) => at(signature, 'verifier')),
      )
    case 'intoto 0.0.2':
      return pemTexts(
        listOf(at(body, 'spec', 'content', 'envelope', 'signatures')).map((signature) =>
          at(signature, 'publicKey'),
        ),
      )
    default:
      throw new CliError('not_verified', `log entries of kind ${kind} are not supported`)
  }
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, name) =>
      typeof found === 'object' && found !== null && Object.hasOwn(found, name)
        ? Reflect.get(found, name)
        : undefined,
    value,
  )
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function pemTexts(values: readonly unknown[]): readonly Uint8Array[] {
  return values.flatMap((value) => {
    if (typeof value !== 'string') return []
    return [parsePemBlock(Buffer.from(value, 'base64').toString('utf8')).block.der]
  })
}

function derTexts(verifiers: readonly unknown[]): readonly Uint8Array[] {
  return verifiers.flatMap((verifier) => {
    const text = at(verifier, 'x509Certificate', 'rawBytes') ?? at(verifier, 'publicKey', 'rawBytes')
    return typeof text === 'string' ? [Buffer.from(text, 'base64')] : []
  })
}
