import { errorCode } from '@sigstack/crypto'
import { SignerError } from '../errors.ts'

/** Imports a package that only keys of one kind need. Throws `package_missing` with what to install. */
export async function importOptional<T>(uri: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    if (errorCode(cause) !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new SignerError(
      'package_missing',
      `${uri} needs the package ${name}, which is not installed; add it as docs/operations/ca-keys.md says`,
      { cause },
    )
  }
}
