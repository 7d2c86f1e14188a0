/** Keys by the references of cosign's `--key`. */
import { CryptoError, type PublicKey, parsePublicKeyPem, quoted } from '@sigstack/crypto'
import { openSigner, readPublicKey, SignerError } from '@sigstack/signers'
import { localSigningKey, type SigningKey } from '../credential.ts'
import { SigningError } from '../errors.ts'
import type { KeyContext } from './key-context.ts'
import { isSealedKey, openSealedKey } from './sealed-key.ts'

/** Files and URLs are read as they are; the others are kept by somebody who signs, or by a cluster. */
type Reference =
  | { readonly kind: 'text'; readonly location: string }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'kubernetes'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'signer'; readonly uri: string }
  | { readonly kind: 'plug-in'; readonly plugin: string; readonly uri: string }

/** For one signature: who signs by hand waits longer than a service may. */
const timeoutMs = 30_000

const signerSchemes = ['awskms', 'azurekms', 'gcpkms', 'hashivault', 'pkcs11']

/** Throws `no_key` for a reference that has not the form of its kind. */
export function parseKeyReference(reference: string): Reference {
  const scheme = /^([a-z][a-z0-9+.-]{0,60}):/i.exec(reference)?.[1]?.toLowerCase()
  if (scheme === 'pkcs11') return { kind: 'signer', uri: reference }
  if (scheme === undefined || !reference.startsWith('://', scheme.length))
    return { kind: 'text', location: reference }
  const rest = reference.slice(scheme.length + 3)
  switch (scheme) {
    case 'http':
    case 'https':
      return { kind: 'text', location: reference }
    case 'file':
      return { kind: 'text', location: rest }
    case 'env':
      return { kind: 'environment', name: rest }
    case 'k8s':
      return { kind: 'kubernetes', ...secretIn(reference, rest) }
    case 'gitlab':
    case 'github':
      throw new SigningError('no_key', `keys in variables of ${scheme} are not supported`, {
        advice: 'Give the variable to the job, and name it with env://NAME.',
      })
    default:
      return signerSchemes.includes(scheme)
        ? { kind: 'signer', uri: reference }
        : { kind: 'plug-in', plugin: scheme, uri: reference }
  }
}

function secretIn(reference: string, rest: string): { readonly namespace: string; readonly name: string } {
  const [, namespace, name] = /^([a-z0-9-]{1,63})\/([a-z0-9.-]{1,253})$/.exec(rest) ?? []
  if (namespace === undefined || name === undefined)
    throw new SigningError(
      'no_key',
      `${quoted(reference)} names no secret; it is named like k8s://namespace/name`,
    )
  return { namespace, name }
}

/** Throws {@link SigningError}, and so does the key when it signs. */
export async function openSigningKey(reference: string, context: KeyContext): Promise<SigningKey> {
  const parsed = parseKeyReference(reference)
  switch (parsed.kind) {
    case 'text':
      return openPem(await context.read(parsed.location, 'private key'), context.password)
    case 'environment':
      return openPem(variableOf(parsed.name, context), context.password)
    case 'kubernetes': {
      const { readKeySecret } = await import('./kubernetes/secret.ts')
      const { privateKey, password } = await readKeySecret(parsed, context)
      return openPem(privateKey, async () => password)
    }
    case 'signer':
      return openKeptKey(parsed.uri, context)
    case 'plug-in':
      return (await import('./kms-plugin.ts')).openPluginKey(parsed, context.environment)
  }
}

/** The public half of whatever is named, be it private or public. */
export async function openPublicHalf(reference: string, context: KeyContext): Promise<PublicKey> {
  const parsed = parseKeyReference(reference)
  const text = parsed.kind === 'text' ? await context.read(parsed.location, 'key') : undefined
  const read = async (): Promise<string> => text ?? ''
  if (text !== undefined && isSealedKey(text)) return (await openPem(text, context.password)).publicKey
  if (parsed.kind === 'environment' && isSealedKey(variableOf(parsed.name, context)))
    return (await openSigningKey(reference, context)).publicKey
  return openVerificationKey(reference, text === undefined ? context : { ...context, read })
}

async function openKeptKey(uri: string, { environment }: KeyContext): Promise<SigningKey> {
  const signer = await keptElsewhere(openSigner(uri, { environment, timeoutMs }))
  return { ...signer, sign: (message) => keptElsewhere(signer.sign(message)) }
}

/**
 * The public half, as its verifiers are given it: a private key is refused, unless somebody else keeps it.
 */
export async function openVerificationKey(reference: string, context: KeyContext): Promise<PublicKey> {
  const parsed = parseKeyReference(reference)
  switch (parsed.kind) {
    case 'text':
      return parsePublic(parsed.location, await context.read(parsed.location, 'public key'))
    case 'environment':
      return parsePublic(reference, variableOf(parsed.name, context))
    case 'kubernetes': {
      const { readKeySecret } = await import('./kubernetes/secret.ts')
      return parsePublic(reference, (await readKeySecret(parsed, context)).publicKey)
    }
    case 'signer':
      return keptElsewhere(readPublicKey(parsed.uri, { environment: context.environment }))
    case 'plug-in':
      return (await import('./kms-plugin.ts')).readPluginKey(parsed, context.environment)
  }
}

async function openPem(pem: string, password: () => Promise<string>): Promise<SigningKey> {
  if (!isSealedKey(pem))
    throw new SigningError('bad_key', 'the key is no private key that is encrypted as cosign encrypts them', {
      advice: 'sigstack import-key-pair --key FILE makes one of a private key in PEM.',
    })
  try {
    return localSigningKey(await openSealedKey(pem, await password()))
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new SigningError('bad_key', `the key cannot be used for signing: ${cause.message}`, { cause })
  }
}

function parsePublic(reference: string, pem: string): PublicKey {
  try {
    return parsePublicKeyPem(pem)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new SigningError('bad_key', `${reference} cannot be used: ${cause.message}`, {
      cause,
      advice: isSealedKey(pem) ? 'To verify, name the public key.' : undefined,
    })
  }
}

function variableOf(name: string, { environment }: KeyContext): string {
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined
  if (value !== undefined && value !== '') return value
  throw new SigningError('no_key', `loading env var: ${quoted(name)} is not set`)
}

async function keptElsewhere<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof SignerError)) throw cause
    throw new SigningError('no_key', cause.message, { cause })
  }
}
