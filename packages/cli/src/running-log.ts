/** What a running log says of itself: its checkpoint, and those of all its shards. */
import type { CheckpointSource } from '@sigstack/rekor-log'
import { dataFolder, readEndpoints } from './endpoints.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { readLocation } from './location.ts'

/** Where the checkpoints of the running stack's log are. */
export async function checkpointsUrl(
  io: Io,
  options: { readonly data?: string; readonly log: string },
): Promise<string> {
  const { services } = await readEndpoints(dataFolder(io, options.data))
  const isRekor = options.log === 'rekor-v1'
  const url = services[isRekor ? 'rekor' : options.log === 'rekor-v2' ? 'rekor-v2' : 'ct']
  if (url === undefined) {
    throw new CliError('bad_endpoints', `the stack names no log ${options.log}`, {
      advice: 'Name the file or URL of its checkpoints.',
    })
  }
  return isRekor ? `${url}/api/v1/log` : `${url}/checkpoint`
}

export async function readCheckpoints(location: string): Promise<CheckpointSource> {
  return { where: location, text: await readLocation(location, 'checkpoint of the log') }
}
