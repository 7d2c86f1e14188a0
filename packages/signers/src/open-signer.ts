import type { KeyObject } from 'node:crypto'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  generateMlDsaKey,
  generateSigningKey,
  type MlDsaSigner,
  type PublicKey,
  type Signer,
} from '@sigstack/crypto'
import { makeFolder } from '@sigstack/server/files'
import type { Environment } from './environment.ts'
import { isMissingFile, SignerError } from './errors.ts'
import { openKeyFile, openMlDsaKeyFile, writeKeyFile } from './key-file.ts'
import { type ConnectKey, openRemoteSigner, readRemotePublicKey } from './remote/remote-signer.ts'

export type SignerOptions = {
  /** Of a key file; the PIN of a token whose URI names no pin-source. */
  readonly password?: string
  /** For one signature of a key that is no file; default 2 s. */
  readonly timeoutMs?: number
  /** Where Vault and Google's KMS are; default: the environment of this process, which the vendors' libraries read in any case. */
  readonly environment?: Environment
}

type Connect = (
  uri: string,
  options: SignerOptions & { readonly environment: Environment },
) => Promise<ConnectKey>

/** Loaded when there is such a key: most services have none, and the packages behind them may be missing. */
const connectors: ReadonlyMap<string, Connect> = new Map<string, Connect>([
  ['pkcs11', async (uri, { password }) => (await import('./pkcs11/pkcs11.ts')).connectPkcs11(uri, password)],
  ['awskms', async (uri) => (await import('./cloud/aws-kms.ts')).connectAwsKms(uri)],
  [
    'gcpkms',
    async (uri, { environment }) => (await import('./cloud/gcp-kms.ts')).connectGcpKms(uri, environment),
  ],
  ['azurekms', async (uri) => (await import('./cloud/azure-kms.ts')).connectAzureKms(uri)],
  [
    'hashivault',
    async (uri, { environment }) => (await import('./vault/vault.ts')).connectVault(uri, environment),
  ],
])

/**
 * Opens the key that `uri` names: `file:/absolute/path.pem`, a PKCS#8 PEM, encrypted when `password` is given; `pkcs11:`,
 * `awskms:`, `gcpkms:`, `azurekms:` or `hashivault:` as docs/operations/ca-keys.md has them. Throws {@link SignerError}; so
 * does the signer itself where the key is no file.
 */
export async function openSigner(uri: string, options: SignerOptions = {}): Promise<Signer> {
  if (schemeOf(uri) === 'file') return openKeyFile(pathOf(uri), options.password)
  return openRemoteSigner(uri, await connectorOf(uri, options), options.timeoutMs)
}

/** The public half of a key that is no file, which need not be allowed to sign here. Throws {@link SignerError}. */
export async function readPublicKey(uri: string, options: SignerOptions = {}): Promise<PublicKey> {
  return readRemotePublicKey(uri, await connectorOf(uri, options))
}

async function connectorOf(uri: string, options: SignerOptions): Promise<ConnectKey> {
  const scheme = schemeOf(uri)
  if (scheme === undefined)
    throw new SignerError('bad_uri', 'a key is named by a URI like file:/etc/sigstack/ca.pem')
  const connect = connectors.get(scheme)
  if (connect === undefined)
    throw new SignerError(
      'unsupported_scheme',
      `keys of kind ${scheme}: are not supported; use file:, ${[...connectors.keys()].join(':, ')}:`,
    )
  return connect(uri, { environment: process.env, ...options })
}

export type NewKeyOptions = Pick<SignerOptions, 'timeoutMs'> & {
  /** Makes a key that is not there; P-256 where it is left out. */
  readonly generate?: () => KeyObject
}

/**
 * Opens the key in the file `location`, or makes one, and its folder, where there is none; safe when several processes start at once. Where
 * `location` is a URI the key must be there.
 */
export async function loadOrCreateSigner(
  location: string,
  password: string,
  { generate = generateSigningKey, ...options }: NewKeyOptions = {},
): Promise<Signer> {
  if (schemeOf(location) !== undefined)
    return openSigner(location, { ...options, ...(password !== '' && { password }) })
  return openOrMake(location, password, generate, openKeyFile)
}

/** The same for an ML-DSA-44 key, which is in a file. */
export function loadOrCreateMlDsaSigner(path: string, password: string): Promise<MlDsaSigner> {
  return openOrMake(path, password, generateMlDsaKey, openMlDsaKeyFile)
}

async function openOrMake<S>(
  path: string,
  password: string,
  generate: () => KeyObject,
  open: (path: string, password: string) => Promise<S>,
): Promise<S> {
  try {
    return await open(path, password)
  } catch (error) {
    if (!isMissingFile(error)) throw error
  }
  try {
    await makeFolder(dirname(path), { mode: 0o700 }).catch(() => undefined)
    await writeKeyFile(path, password, generate())
  } catch (error) {
    if (!(error instanceof SignerError && error.code === 'already_exists')) throw error
  }
  // What was written is what will be read after a restart, so use that and not the key in memory.
  return open(path, password)
}

/** Of the file that `location`, a path or a URI, names; undefined where the key is no file. Throws `bad_uri`. */
export function keyFolderOf(location: string): string | undefined {
  const scheme = schemeOf(location)
  if (scheme === undefined) return dirname(location)
  return scheme === 'file' ? dirname(pathOf(location)) : undefined
}

function schemeOf(uri: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase()
}

function pathOf(uri: string): string {
  // `file:key.pem` would be read as /key.pem: refuse what looks relative but is not.
  if (!/^file:\//i.test(uri)) throw new SignerError('bad_uri', `${uri} needs an absolute path: file:/…`)
  try {
    return fileURLToPath(uri)
  } catch (cause) {
    throw new SignerError('bad_uri', `${uri} does not name a local file`, { cause })
  }
}
