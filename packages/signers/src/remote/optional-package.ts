import { errorCode } from '@sigstack/crypto'
import { demandConnections, networkReason } from '@sigstack/http-client'
import { SignerError } from '../errors.ts'

/**
 * Imports a package that only keys of one kind need, and that opens connections of its own: `unreachable` where none may be.
 * Throws `package_missing` with what to install.
 */
export async function importOptional<T>(uri: string, name: string, load: () => Promise<T>): Promise<T> {
  demandReach(uri)
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

function demandReach(uri: string): void {
  try {
    demandConnections()
  } catch (cause) {
    throw new SignerError('unreachable', `${uri} cannot be reached: ${networkReason(cause)}`, { cause })
  }
}
