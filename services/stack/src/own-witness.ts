/**
 * A witness in the process of the logs that it witnesses: it shows how one works, and keeps its word when a database is put back; against an
 * operator who forks a log only witnesses of others help. Log and witness are told of each other by files, as they are anywhere.
 */
import { access } from 'node:fs/promises'
import path from 'node:path'
import { encodeNoteKey, noteKeyOf } from '@sigstack/checkpoint'
import { parsePublicKeyPem } from '@sigstack/crypto'
import type { ServedLog } from '@sigstack/log'
import { type Logger, makeFolder, replaceFile } from '@sigstack/server'
import { type RunningWitness, startWitness, type Config as WitnessConfig } from '@sigstack/witness'

/** Of the data folder of the witness. */
export const witnessFiles = (folder: string) => ({
  /** What the witness knows. */
  logs: path.join(folder, 'logs'),
  /** What the logs are told. */
  policy: path.join(folder, 'policy'),
})

/** Starts it with the logs that it knew before, and writes the policy for those that start next. */
export async function startOwnWitness(
  config: WitnessConfig,
  options: { readonly logger: Logger; readonly processMetrics: boolean },
): Promise<RunningWitness> {
  const { logs, policy } = witnessFiles(config.dataFolder)
  await makeFolder(config.dataFolder, { mode: 0o700 })
  const isThere = await access(logs).then(
    () => true,
    () => false,
  )
  if (!isThere) await replaceFile(logs, 'logs/v0\n')
  const witness = await startWitness(config, options)
  const [ed25519 = ''] = witness.verifierKeys
  await replaceFile(policy, `witness own ${ed25519} ${witness.url}\nquorum own\n`)
  return witness
}

/**
 * Of Rekor v1 the origin is the name and the shard, of others the name. Throws one sentence where two logs have one origin, as those
 * made under another URL than that of today may.
 */
export async function introduceLogs(folder: string, running: readonly ServedLog[]): Promise<void> {
  const origins = running.map(({ origin }) => origin)
  const twice = origins.find((origin, at) => origins.indexOf(origin) !== at)
  if (twice !== undefined)
    throw new Error(
      `SIGSTACK_WITNESS=own tells logs apart by their origins, and two of this stack were made as ${twice}: leave it out, or begin one of them anew`,
    )
  const entries = running.map(({ origin, publicKeyPem }) => {
    const [name = ''] = origin.split(' ')
    const vkey = encodeNoteKey(noteKeyOf(name, parsePublicKeyPem(publicKeyPem), 'log'))
    return `vkey ${vkey}\norigin ${origin}\n`
  })
  await replaceFile(witnessFiles(folder).logs, `logs/v0\n\n${entries.join('\n')}`)
}
