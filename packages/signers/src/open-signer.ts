import { fileURLToPath } from 'node:url'
import type { Signer } from '@sigstack/crypto'
import { isMissingFile, SignerError } from './errors.ts'
import { createKeyFile, openKeyFile } from './key-file.ts'

/**
 * Opens the key that `uri` names: `file:/absolute/path.pem`, a PKCS#8 PEM, encrypted when `password` is given.
 * Throws {@link SignerError}.
 */
export async function openSigner(uri: string, options: { readonly password?: string } = {}): Promise<Signer> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase()
  if (scheme === undefined)
    throw new SignerError('bad_uri', 'a key is named by a URI like file:/etc/sigstack/ca.pem')
  if (scheme !== 'file')
    throw new SignerError('unsupported_scheme', `keys of kind ${scheme}: are not supported; use file:`)
  return openKeyFile(pathOf(uri), options.password)
}

/** Opens the key in `path`, or makes one where there is none. Safe when several processes start at once. */
export async function loadOrCreateSigner(path: string, password: string): Promise<Signer> {
  try {
    return await openKeyFile(path, password)
  } catch (error) {
    if (!isMissingFile(error)) throw error
  }
  try {
    return await createKeyFile(path, password)
  } catch (error) {
    if (error instanceof SignerError && error.code === 'already_exists') return openKeyFile(path, password)
    throw error
  }
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
