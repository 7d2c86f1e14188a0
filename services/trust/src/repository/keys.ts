/** The keys that sign the TUF metadata. */
import { dirname } from 'node:path'
import type { Signer } from '@sigstack/crypto'
import { makeFolder } from '@sigstack/server'
import { loadOrCreateSigner, openKeyFile } from '@sigstack/signers'
import type { WantedRoot } from '@sigstack/tuf'
import type { TufConfig } from '../config.ts'

/**
 * Opens them, and makes those that are missing: root keys only before the first root, because later a new one could
 * not take the place of a lost one. Throws a `SignerError`.
 */
export async function openTufKeys(config: TufConfig, isFirstRoot: boolean): Promise<WantedRoot> {
  const { keyPassword: password } = config
  const open = (path: string): Promise<Signer> => openKeyFile(path, password)
  const openOrMake = async (path: string): Promise<Signer> => {
    await makeFolder(dirname(path), { mode: 0o700 })
    return loadOrCreateSigner(path, password)
  }
  return {
    onlineSigner: await openOrMake(config.onlineKeyFile),
    rootSigners:
      config.rootKeyFiles && (await Promise.all(config.rootKeyFiles.map(isFirstRoot ? openOrMake : open))),
    formerRootSigners: await Promise.all(config.formerRootKeyFiles.map(open)),
    threshold: config.rootThreshold,
  }
}
