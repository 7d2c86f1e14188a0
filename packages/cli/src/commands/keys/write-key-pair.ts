/** A pair of keys as two files, the private one under a password. */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { access } from 'node:fs/promises'
import { sealPrivateKey } from '@sigstack/signing/keys'
import { demandOutput, replaceOutput, writeOutput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { askNewPassword, demandConsent } from '../../questions.ts'

export async function writeKeyPair(
  io: Io,
  privateKey: KeyObject,
  prefix: string,
  { yes, inputs }: { readonly yes: boolean; readonly inputs: readonly string[] },
): Promise<void> {
  const [privatePath, publicPath] = [`${prefix}.key`, `${prefix}.pub`]
  for (const path of [privatePath, publicPath]) await demandOutput(path, inputs)
  const sealed = await sealPrivateKey(privateKey, await askNewPassword(io))
  // One question for both: to write one of a pair is to lose the other.
  const [there] = await existing([privatePath, publicPath])
  if (there !== undefined) await demandConsent(io, `File ${there} already exists. Overwrite?`, yes)
  await replaceOutput(io, privatePath, sealed, inputs)
  io.err(`Private key written to ${privatePath}\n`)
  await writePublicKey(io, publicPath, pemOf(privateKey), inputs)
}

/** For everybody to read. */
export async function writePublicKey(
  io: Io,
  path: string,
  pem: string,
  inputs: readonly string[] = [],
): Promise<void> {
  await writeOutput(io, path, pem, inputs, 0o644)
  io.err(`Public key written to ${path}\n`)
}

export function pemOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
}

async function existing(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => [path],
        () => [],
      ),
    ),
  )
  return found.flat()
}
