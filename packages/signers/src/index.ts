export type { SignerErrorCode } from './errors.ts'
export { SignerError } from './errors.ts'
export { createKeyFile, openKeyFile } from './key-file.ts'
export type { KeysAhead } from './keys-ahead.ts'
export { openKeysAhead } from './keys-ahead.ts'
export type { NewKeyOptions, SignerOptions } from './open-signer.ts'
export {
  keyFolderOf,
  loadOrCreateMlDsaSigner,
  loadOrCreateSigner,
  openSigner,
  readPublicKey,
} from './open-signer.ts'
export { ensurePassword } from './password-file.ts'
export { readSecretFile, writeSecretFile } from './secret-file.ts'
